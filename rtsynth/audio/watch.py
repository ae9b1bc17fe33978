"""Notices that a driver has ceased to call, by the only thing that cannot lie: the frame counter.

A killed JACK server tells nobody, and calls that ask about it may never return.
"""

import threading
import time
from collections.abc import Callable

from rtsynth.audio.device import EngineLike

__all__ = ["Watch"]

POLL_S = 0.03
PATIENCE_S = 0.18  # with one poll more it is under the 250 ms promised
LOOKS = 2  # one look is not enough: this thread may itself have been kept waiting


class Watch:
    """Looks at `engine.frame` from a thread of its own while the device runs.

    Args:
        engine: whose frames are counted.
        block_s: period of the device's block, seconds; the patience is at least two of them.
        on_change: told True when the device is lost, False when it is back. Thread: watch.

    Attributes:
        lost: no frame for longer than the patience.
    """

    def __init__(
        self, engine: EngineLike, block_s: float, on_change: Callable[[bool], None]
    ) -> None:
        self.lost = False
        self._engine = engine
        self._patience_s = max(PATIENCE_S, 2 * block_s)
        self._on_change = on_change
        self._quit = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtsynth-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._quit.set()
        if self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _run(self) -> None:
        frame, since, looks = self._engine.frame, time.monotonic(), 0
        while not self._quit.wait(POLL_S):
            now = self._engine.frame
            if now != frame:
                frame, since, looks = now, time.monotonic(), 0
            else:
                looks += 1
            waited = time.monotonic() - since > self._patience_s
            self._tell(looks >= LOOKS and waited)

    def _tell(self, lost: bool) -> None:
        if lost != self.lost:
            self.lost = lost
            self._on_change(lost)
