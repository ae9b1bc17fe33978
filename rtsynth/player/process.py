"""The engine process: the device's callback, the drawing worker, the grain worker, nothing else.

Told, one JSON object a line on standard input:

    {"rate": DEVICE}            what rate does a device run at by itself?
    {"inputs": DEVICE}          how many channels of it can an engine hear?
    {"open": JOB}               take this arena and open the device
    {"start": true}             sound
    {"resume": JOB, "silent": false}   take this arena and go on where another process left it
    {"stop": true}              end

and says, on standard output:

    {"ready": PID}              everything is imported, every kernel loaded
    {"rate": HZ}
    {"inputs": CHANNELS}
    {"opened": FACTS}, {"playing": FACTS}      `Player.facts`
    {"failed": CODE, "text": TEXT}             and ends
    {"log": LEVEL, "text": TEXT}

A JOB is {"arena": path, "sources": str, "bytes": n, "instrument": path, "config": EngineConfig,
"settings": Settings}. Where the other end closes, the process ends, whatever it is doing.
Thread: main.
"""

import ctypes
import gc
import logging
import mmap
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.audio import input_channels, preferred_rate
from rtsynth.engine import SOURCES, Engine, EngineConfig
from rtsynth.errors import DeviceError, RtsynthError
from rtsynth.instrument import Instrument
from rtsynth.player.link import Link, LinkHandler
from rtsynth.player.player import Player, Settings
from rtsynth.player.pulse import Pulse
from rtsynth.render import at_rate

__all__ = ["main", "mapped"]

LOOK_S = 0.2  # between two looks for a device that is away
PR_SET_PDEATHSIG = 1


def mapped(path: str | os.PathLike[str], size: int) -> NDArray[np.uint8]:
    """The bytes of a file, shared with whoever else maps it; the map lives as long as they do."""
    with open(path, "rb+") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), size), np.uint8)


def main() -> int:
    """Serve the control process until it says stop or is gone."""
    link = _own_link()
    _die_with_parent()
    logging.basicConfig(level=logging.INFO, handlers=[LinkHandler(link)], format="%(message)s")
    process = _Process(link)
    try:
        process.run(_messages(link))
    except RtsynthError as error:
        link.say(failed=error.code, text=str(error))
        return 2
    except Exception as error:
        logging.getLogger(__name__).exception("the engine process has failed")
        link.say(failed=RtsynthError.code, text=f"the engine process failed: {error!r}")
        return 1
    return 0


class _Process:
    """What is told, done."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._player: Player | None = None

    def run(self, messages: "queue.SimpleQueue[dict[str, Any]]") -> None:
        """Do what is told until it is to stop."""
        Pulse().set()  # takes a tenth of a second, which a process in reserve has now
        self._link.say(ready=os.getpid())
        while True:
            try:
                message = messages.get(timeout=LOOK_S)
            except queue.Empty:
                self._look_again()
                continue
            if "stop" in message:
                if self._player is not None:
                    self._player.stop()
                return
            self._do(message)

    def _do(self, message: dict[str, Any]) -> None:
        if "rate" in message:
            self._link.say(rate=preferred_rate(message["rate"]))
        elif "inputs" in message:
            self._link.say(inputs=input_channels(message["inputs"]))
        elif "open" in message:
            self._player = _player(message["open"])
            self._player.open()
            self._link.say(opened=self._player.facts())
        elif "start" in message and self._player is not None:
            gc.freeze()
            self._player.start()
            self._link.say(playing=self._player.facts())
        elif "resume" in message:
            self._player = _player(message["resume"])
            gc.freeze()
            self._player.resume(silent=bool(message.get("silent")))
            self._link.say(playing=self._player.facts())
            self._player.add_grains()

    def _look_again(self) -> None:
        player = self._player
        if player is None or not player.away:
            return
        try:
            if player.look_again():
                self._link.say(playing=player.facts())
        except DeviceError as error:
            self._link.say(renew=True, text=str(error))


def _player(job: dict[str, Any]) -> Player:
    if job["sources"] != SOURCES:  # the arena would be read by another plan than it was written by
        raise RtsynthError("rtsynth was changed on disk while it was running; stop it and start it")
    engine_config, settings = EngineConfig(**job["config"]), Settings(**job["settings"])
    instrument = Instrument.load(Path(job["instrument"]))
    memory = mapped(job["arena"], int(job["bytes"]))
    converted = at_rate(instrument, engine_config.sample_rate)
    engine = Engine(engine_config, converted, memory=memory, attached=True)
    return Player(engine, instrument, settings)


def _own_link() -> Link:
    """Keep standard input and output for messages; what libraries print goes to standard error."""
    incoming = os.fdopen(os.dup(0), "rb")
    outgoing = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return Link(incoming, outgoing)


def _messages(link: Link) -> "queue.SimpleQueue[dict[str, Any]]":
    messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for message in link.heard():
            messages.put(message)
        os._exit(0)  # nobody is there to stop a device that hangs

    threading.Thread(target=read, name="rtsynth-link", daemon=True).start()
    return messages


def _die_with_parent() -> None:
    """Be killed with the control process even where no Python thread gets its turn any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the control process
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
