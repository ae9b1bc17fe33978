"""A running `rtsynth serve` for tests: a real process, real sockets, the null device."""

import contextlib
import dataclasses
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtsynth.events import EventTable, Score
from rtsynth.render import save_score
from tests.audio.jack import JackServer, missing
from tests.audio.wait import until
from tests.engine.bank import RATE, small_instrument

RTSYNTH = [sys.executable, "-m", "rtsynth"]


@dataclasses.dataclass
class Running:
    """A service that has said where it listens."""

    process: subprocess.Popen[str]
    said: list[str]

    def port(self, word: str) -> int:
        """Port of `osc` or `zeromq`."""
        line = next(line for line in self.said if line.startswith(word))
        match = re.search(r":(\d+)", line)
        assert match
        return int(match.group(1))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; two seconds are all it has."""
        self.process.send_signal(number)
        return self.process.wait(timeout=10)


def write_score(folder: Path, table: EventTable, seconds: float = 1.0) -> Path:
    """A score on the small instrument of the engine's tests."""
    score = Score(table, seconds=seconds, sample_rate=RATE, channels=2)
    path = folder / "small.score.safetensors"
    save_score(score, small_instrument(), path)
    return path


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    """What `rtsynth WORDS` said."""
    return subprocess.run([*RTSYNTH, *words], capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def sound_server(monkeypatch: pytest.MonkeyPatch, rate: int = RATE) -> Iterator[JackServer]:
    """A JACK server of a test's own, which this process itself is no client of."""
    if missing():
        pytest.skip(missing())
    for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER", "JACK_NO_AUDIO_RESERVATION"):
        monkeypatch.setenv(name, "")  # put back afterwards
    server = JackServer(rate)
    server.start(seen=False)
    try:
        if not until(lambda: "JACK" in ran("devices", "--json").stdout, 30.0):
            pytest.skip("jackd is installed but PortAudio does not see it")
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def serving(score: Path, *options: str, device: str = "null") -> Iterator[Running]:
    """`rtsynth serve` on a device, "" for the sound card, and free ports; killed if need be."""
    command = [*RTSYNTH, "serve", str(score), "--osc-port", "0"]
    command += ["--device", device] if device else []
    process = subprocess.Popen(
        [*command, "--zmq-port", "0", *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        while not (said and said[-1].startswith("zeromq")):
            line = process.stdout.readline()
            assert line, f"the service ended after saying {said}"
            said.append(line.rstrip())
        yield Running(process, said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)
        process.stdout.close()
