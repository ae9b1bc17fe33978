"""A running service asked for takes: what is heard from a place of its score on, sample by sample.

The service is a process of its own, asked over its real OSC and ZeroMQ sockets; it records what it
plays and logs at which frame it carried out what it was asked.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pythonosc.udp_client import SimpleUDPClient

from rtsynth.audio import read_wav
from rtsynth.client import Client

Float = NDArray[np.float64]
SETTLE_S = 0.1  # of sound after a take and after its voices are choked: fades take 5 ms
STARTED_S = 0.3  # the stream fades in
TIMEOUT_S = 20.0


class Stage:
    """A service while it plays.

    Args:
        process: that has said where it listens.
        said: its lines.
    """

    def __init__(self, process: "subprocess.Popen[str]", said: list[str]) -> None:
        self._process = process
        self.said = said
        self.client = Client(_port(said, "zeromq"), timeout_s=TIMEOUT_S)
        self.osc = SimpleUDPClient("127.0.0.1", _port(said, "osc"))
        self._seconds: list[float] = []

    def take(self, from_s: float, seconds: float) -> int:
        """Play from a place of the score on; returns the take's number."""
        with self.client.bundle() as together:
            together.seek(from_s)
            together.play()
        self._seconds.append(seconds)
        self.wait(seconds + SETTLE_S)
        self.client.pause()
        self.client.choke("*")
        self.wait(SETTLE_S)
        return len(self._seconds) - 1

    def wait(self, seconds: float) -> None:
        """Until so much more has sounded: on a busy machine a device falls behind the clock."""
        self.client.sync()
        end = self._frame() + seconds * float(self.client.hello["sample_rate"])
        while (left := end - self._frame()) > 0:
            time.sleep(max(left / float(self.client.hello["sample_rate"]), 0.005))

    def _frame(self) -> int:
        return int(self.client.ping()["frame"])

    def send(self, address: str, *values: int | float | str) -> None:
        """Ask over OSC, and wait until it is done."""
        self.osc.send_message(address, list(values))
        self.osc.send_message("/rts/sync", [1])
        for message in self.osc.get_messages(timeout=TIMEOUT_S):
            if message.address == "/rts/synced":
                return
            if message.address == "/rts/error":
                raise SystemExit(f"{address}: {message.params}")
        raise SystemExit(f"{address}: no answer within {TIMEOUT_S:g} s")

    def end(self) -> None:
        """Let it end, so that its files are whole."""
        self.client.close()
        self._process.terminate()
        self._process.wait(timeout=TIMEOUT_S)

    def cut(self, wav: pathlib.Path, log: pathlib.Path) -> tuple[list[Float], int]:
        """Every take, channels averaged, and the sample rate in Hz."""
        sound, rate = read_wav(wav)
        records = [json.loads(line) for line in log.read_text().splitlines()]
        frames = [record["frame"] for record in records if record.get("op") == "transport/seek"]
        mono = sound.astype(np.float64).mean(axis=1)
        lengths = [round(seconds * rate) for seconds in self._seconds]
        return [mono[f : f + n] for f, n in zip(frames, lengths, strict=True)], rate


@contextlib.contextmanager
def on_stage(score: pathlib.Path, *options: str) -> Iterator[Stage]:
    """`rtsynth serve SCORE` on free ports; it is killed if it does not end by itself."""
    ports = ["--osc-port", "0", "--zmq-port", "0"]
    command = [sys.executable, "-m", "rtsynth", "serve", str(score), *ports, *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said: list[str] = []
        while not (said and said[-1].startswith("zeromq")):
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise SystemExit(f"the service ended after saying {said}")
            said.append(line.rstrip())
        stage = Stage(process, said)
        stage.wait(STARTED_S)
        yield stage
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=TIMEOUT_S)


def _port(said: list[str], word: str) -> int:
    line = next(line for line in said if line.startswith(word))
    found = re.search(r":(\d+)", line)
    if not found:
        raise SystemExit(f"no port in {line!r}")
    return int(found.group(1))
