"""From the clocks of people to frames of the stream. Thread: control.

An untagged message is due at its arrival plus the engine's constant offset. A tagged one is due at
its tag plus the same offset, so that "now" means the same in both, and a client whose tag is the
present is never late.

The wall clock is only asked what a tag means. Slewed (NTP), it is followed; stepped, the next tag
is already read in its new time, which a client on this machine tags in as well. What had been
posted before has its frame and does not move; a client whose tags the step has made late or too far
ahead meets the policies for those. Untagged messages never see the wall clock.
"""

import logging
import time

from rtsynth.control.port import EnginePort
from rtsynth.units import seconds_to_frames

__all__ = ["Clock"]

STEP_S = 1e-3  # more than this between two looks is a step, less a slew
SLEW_SHARE = 1 / 16
LOOK_S = 50e-6  # a look at both clocks that took longer is not trusted
LOOKS = 4

log = logging.getLogger(__name__)


class Clock:
    """Maps monotonic and wall-clock seconds to frames.

    Attributes:
        wall_minus_monotonic_s: between both clocks, as last seen.
        steps: how often the wall clock has been set.
    """

    def __init__(self, engine: EnginePort) -> None:
        self._engine = engine
        self.wall_minus_monotonic_s = _difference_s()
        self.steps = 0

    def frame_at(self, monotonic_s: float) -> int:
        """Frame that the stream reaches at `time.monotonic()` seconds, without the offset."""
        frame, asked_s = self._engine.clock()
        if asked_s == 0.0:  # no block yet: the stream has not begun
            return frame
        return frame + seconds_to_frames(monotonic_s - asked_s, self._engine.clock_rate)

    def due(self, monotonic_s: float) -> int:
        """Frame at which an untagged message that arrived then is carried out."""
        return self.frame_at(monotonic_s) + self._engine.latency.message

    def due_wall(self, unix_s: float) -> int:
        """Frame at which a message with this time tag, Unix seconds, is carried out."""
        return self.due(unix_s - self.wall_minus_monotonic_s)

    def ahead_s(self, unix_s: float) -> float:
        """Seconds from now to a Unix time."""
        return unix_s - self.wall_minus_monotonic_s - time.monotonic()

    def follow_wall(self) -> None:
        """Look at the wall clock: follow a slew, take over a step."""
        moved_s = _difference_s() - self.wall_minus_monotonic_s
        if abs(moved_s) < STEP_S:
            self.wall_minus_monotonic_s += SLEW_SHARE * moved_s
            return
        self.steps += 1
        self.wall_minus_monotonic_s += moved_s
        log.warning(
            "the wall clock was set by %+.3f s; time tags are read in the new time", moved_s
        )


def _difference_s() -> float:
    """Wall clock minus monotonic clock, from the closest of a few looks at both."""
    best_s, difference_s = float("inf"), 0.0
    for _ in range(LOOKS):
        before_s, wall_s, after_s = time.monotonic(), time.time(), time.monotonic()
        if after_s - before_s < best_s:
            best_s, difference_s = after_s - before_s, wall_s - 0.5 * (before_s + after_s)
        if best_s < LOOK_S:
            break
    return difference_s
