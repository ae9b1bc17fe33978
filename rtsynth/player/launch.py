"""The engine process as the control process sees it. Imports nothing that takes time.

Thread: whoever launched it must live as long as it does: it is killed with that thread.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rtsynth
from rtsynth.player.link import Link

__all__ = ["EngineProcess"]

KEPT_LINES = 20
GONE = {"gone": True}

log = logging.getLogger(__name__)
Told = Callable[["EngineProcess", dict[str, Any]], None]


class EngineProcess:
    """One process, from launch to its end.

    Attributes:
        ready: everything in it is imported; what it is told before waits.
        pid: its number.
    """

    def __init__(self) -> None:
        root = str(Path(rtsynth.__file__).resolve().parents[1])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rtsynth.player"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=os.name == "posix",  # a terminal's Ctrl-C is not for it
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._link = Link(self._process.stdout, self._process.stdin)
        self._printed: deque[str] = deque(maxlen=KEPT_LINES)
        self.ready = False
        self.pid = self._process.pid
        threading.Thread(target=self._drain, name="rtsynth-stderr", daemon=True).start()

    def listen(self, told: Told) -> None:
        """Call `told` with every message, and with `GONE` at the end. Thread: one of its own."""
        threading.Thread(target=self._read, args=(told,), name="rtsynth-link", daemon=True).start()

    def say(self, **message: Any) -> None:
        """Tell it something; one that is gone is not told."""
        self._link.say(**message)

    def end(self, within_s: float) -> None:
        """Ask it to stop; kill it if it has not in time."""
        self.say(stop=True)
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, wherever it hangs."""
        self._process.kill()
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            log.warning("engine process %d is stuck in the system", self.pid)

    def epitaph(self) -> str:
        """How it ended, and the last thing it printed."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "does not answer"
        how = f"exit status {code}"
        if code < 0:
            how = f"signal {signal.Signals(-code).name}"
        time.sleep(0.02)  # for the thread that reads what it printed
        return ": ".join([how, *list(self._printed)[-1:]])

    def _read(self, told: Told) -> None:
        for message in self._link.heard():
            if "log" in message:
                log.log(int(message["log"]), "%s", message.get("text", ""))
                continue
            self.ready |= "ready" in message
            told(self, message)
        self._link.close()
        told(self, GONE)

    def _drain(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            for line in stderr:
                text = line.decode(errors="replace").rstrip()
                if text:
                    self._printed.append(text)
                    log.debug("engine process: %s", text)
