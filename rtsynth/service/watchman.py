"""Notices that an engine has ceased to be called, by the only thing that cannot lie: its frames.

As `rtsynth.audio.watch`, for the engine of another process: a killed process, a stopped one, a
driver that is gone or hangs all look the same from here. Thread: supervisor.
"""

import time

from rtsynth.audio import EngineLike

__all__ = ["Watchman"]

NOTICE_S = 0.25
GRACE_S = 0.25  # more until the process is killed: a machine that is merely busy recovers by itself
LONGEST_LOOK_S = 0.05  # counts of one look: who looks may himself have been kept waiting
BLOCKS = 3


class Watchman:
    """Looked through every few milliseconds.

    Args:
        engine: whose frames are counted.
        block_size: the device's block, frames; patience is at least three of them.
    """

    def __init__(self, engine: EngineLike, block_size: int) -> None:
        self._engine = engine
        self._notice_s = max(NOTICE_S, BLOCKS * block_size / engine.sample_rate)
        self.begin()

    def begin(self) -> None:
        """Look anew from now on."""
        self._frame, self._looked_s, self._stood_s = self._engine.frame, time.monotonic(), 0.0

    def look(self) -> None:
        """Look once."""
        now_s, frame = time.monotonic(), self._engine.frame
        self._stood_s += min(now_s - self._looked_s, LONGEST_LOOK_S)
        if frame != self._frame:
            self._stood_s = 0.0
        self._frame, self._looked_s = frame, now_s

    def stopped(self) -> bool:
        """No frame for a quarter of a second."""
        return self._stood_s > self._notice_s

    def hopeless(self) -> bool:
        """None for another quarter."""
        return self._stood_s > self._notice_s + GRACE_S
