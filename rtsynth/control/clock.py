"""From the clocks of people to frames of the stream. Thread: control.

An untagged message is due at its arrival plus the engine's constant offset. A tagged one is due at
its tag plus the same offset, so that "now" means the same in both, and a client whose tag is the
present is never late.
"""

import time

from rtsynth.control.port import EnginePort
from rtsynth.units import seconds_to_frames

__all__ = ["Clock"]


class Clock:
    """Maps monotonic and wall-clock seconds to frames.

    The distance between both clocks is measured once, so that a stepped wall clock (NTP) moves
    tagged bundles and nothing else.
    """

    def __init__(self, engine: EnginePort) -> None:
        self._engine = engine
        self.wall_minus_monotonic_s = time.time() - time.monotonic()

    def frame_at(self, monotonic_s: float) -> int:
        """Frame that the stream reaches at `time.monotonic()` seconds, without the offset."""
        frame, began_s = self._engine.clock()
        if began_s == 0.0:  # no block yet: the stream has not begun
            return frame
        return frame + seconds_to_frames(monotonic_s - began_s, self._engine.sample_rate)

    def due(self, monotonic_s: float) -> int:
        """Frame at which an untagged message that arrived then is carried out."""
        return self.frame_at(monotonic_s) + self._engine.latency.message

    def due_wall(self, unix_s: float) -> int:
        """Frame at which a message with this time tag, Unix seconds, is carried out."""
        return self.due(unix_s - self.wall_minus_monotonic_s)

    def ahead_s(self, unix_s: float) -> float:
        """Seconds from now to a Unix time."""
        return unix_s - self.wall_minus_monotonic_s - time.monotonic()
