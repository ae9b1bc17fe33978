"""A JACK server of one's own, without hardware: its dummy driver is paced by the clock."""

import os
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

from rtsynth.audio.portaudio import outputs, rescan
from tests.audio.wait import until


def missing() -> str:
    """Why there can be no JACK here; empty if there can."""
    return "" if shutil.which("jackd") else "jackd is not installed (Debian: apt install jackd2)"


class JackServer:
    """`jackd -d dummy` under a name of its own, for this process's PortAudio.

    Args:
        block_size: JACK's period, frames.
    """

    def __init__(self, sample_rate: int = 48_000, block_size: int = 256) -> None:
        self.block_size = block_size
        self.name = f"rtsynth-{uuid.uuid4().hex[:8]}"
        self._period = ["-d", "dummy", "-r", str(sample_rate), "-p", str(block_size)]
        self._process: subprocess.Popen[bytes] | None = None
        os.environ["JACK_DEFAULT_SERVER"] = self.name
        os.environ["JACK_NO_START_SERVER"] = "1"
        os.environ["JACK_NO_AUDIO_RESERVATION"] = "1"

    def start(self, *, seen: bool = True) -> bool:
        """Start it, in real time where that is allowed; returns whether PortAudio `seen` it."""
        for priority in (["-R", "-P", "70"], ["-r"]):
            self._process = subprocess.Popen(
                ["jackd", *priority, *self._period],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            if not seen or until(_is_seen, 5.0):
                return True
            self.stop()
        return False

    def stop(self) -> None:
        """End it properly, so that it removes its shared memory."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word to its clients."""
        self._end(signal.SIGKILL)

    def tidy(self) -> None:
        """After `kill`: a server of the same name removes what the dead one left."""
        self.start(seen=False)
        until(lambda: False, 0.5)
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for semaphore in Path("/dev/shm").glob(f"jack_sem.*_{self.name}_*"):
            semaphore.unlink(missing_ok=True)


def _is_seen() -> bool:
    rescan()
    return any("JACK" in device.host for device in outputs())
