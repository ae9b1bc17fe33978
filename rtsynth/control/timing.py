"""When a command is due: by its tag, by its arrival, or at once; and what is too late or too far.

Thread: control (behind the session's lock).
"""

from typing import Any

from rtsynth.control.clock import Clock
from rtsynth.control.command import Command
from rtsynth.control.port import EnginePort
from rtsynth.engine.ops import ASAP, Op
from rtsynth.errors import ValueRangeError

__all__ = ["LATE_POLICIES", "TOO_FAR_S", "Timing"]

LATE_POLICIES = ("play", "drop", "clip")
"""For a tagged command whose frame has passed: play it at once; leave it out; or play it as if it
had come untagged, at its arrival plus the constant offset."""

TOO_FAR_S = 30.0
LONGEST_AHEAD_S = 86_400.0
OLDEST_TAG_S = 1e11  # what is older is no time
JITTER_S = 0.05  # of the clock, many times


class Timing:
    """Frames for the commands of one session.

    Args:
        engine: whose frames they are.
        clock: of its stream.
        late: one of `LATE_POLICIES`.
        too_far_s: how far ahead a time tag may be, seconds.
        asap: untagged commands play at the next tick instead of at a constant latency.
        facts: counts what is `too_far`.

    Raises:
        ValueRangeError: no such policy, or too far itself.
    """

    def __init__(
        self,
        engine: EnginePort,
        clock: Clock,
        late: str,
        too_far_s: float,
        asap: bool,
        facts: dict[str, Any],
    ) -> None:
        if late not in LATE_POLICIES:
            raise ValueRangeError(f"late = {late!r}; legal: {', '.join(LATE_POLICIES)}")
        if not 0.0 <= too_far_s <= LONGEST_AHEAD_S:
            raise ValueRangeError(
                f"too_far_s = {too_far_s:g}; legal: 0 … {LONGEST_AHEAD_S:g}", field="too_far_s"
            )
        self.late = late
        self._engine, self._clock, self._facts = engine, clock, facts
        self._too_far_s, self._asap = too_far_s, asap
        self._last_due = self._now = 0
        self._born: dict[int, int] = {}
        self._dues: dict[float | None, tuple[int, float]] = {}

    def begin(self) -> None:
        """A bundle begins: frame and clock are the same for all of it."""
        self._now = self._engine.frame
        self._dues.clear()

    def due(self, command: Command, arrived_s: float) -> tuple[int, float]:
        """Frame at which a command is due, and by how many seconds its tag has passed."""
        if command.op == "panic":
            return ASAP, 0.0
        if command.time_s not in self._dues:
            self._dues[command.time_s] = self._judged(command.time_s, arrived_s)
        return self._dues[command.time_s]

    def _judged(self, time_s: float | None, arrived_s: float) -> tuple[int, float]:
        """The same of a tag, None without one."""
        if time_s is None:
            return (ASAP if self._asap else self._stamped(arrived_s)), 0.0
        self._clock.follow_wall()
        ahead_s = self._clock.ahead_s(time_s)
        if not -OLDEST_TAG_S < ahead_s <= self._too_far_s:
            self._facts["too_far"] += 1
            raise ValueRangeError(
                f"time is {ahead_s:.6g} s ahead; legal: at most {self._too_far_s:g}", field="t"
            )
        due = self._clock.due_wall(time_s)
        passed = self._now - due
        if passed <= 0:
            return due, 0.0
        late_s = passed / self._engine.sample_rate
        return (self._stamped(arrived_s) if self.late == "clip" else ASAP), late_s

    def _stamped(self, arrived_s: float) -> int:
        """Frame of an untagged command: its arrival plus the offset, not just before another.

        The clock's jitter would otherwise turn the order of two messages around. Where the stream
        itself has lost time, the earlier one is far ahead, and is not waited for.
        """
        due = self._clock.due(arrived_s)
        if self._last_due - due < JITTER_S * self._engine.sample_rate:
            due = max(due, self._last_due)
        self._last_due = due
        return due

    def after_birth(self, op: Op, target: int, frame: int) -> int:
        """The frame; for an event that is freed before it is made, the one on which it is made.

        It would otherwise stay, and nobody could address it.
        """
        if op is Op.ACTIVATE:
            self._born[target] = frame
        elif op is Op.FREE:
            born = self._born.pop(target, ASAP)
            return born if born > max(frame, self._now) else frame
        return frame
