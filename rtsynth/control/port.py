"""What control needs from the engine, and what it tells its listeners. Thread: any."""

import dataclasses
from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import numpy as np

from rtsynth.engine.ops import Latency, Notice, Operation, Stats

__all__ = ["EnginePort", "Listener", "News", "Value"]

Value = int | float | str | None
"""One argument on the wire. `None` is JSON's way to write an infinite duration."""


class EnginePort(Protocol):
    """The engine as control sees it; only one thread at a time may call it."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def channels(self) -> int:
        """Of the output."""

    @property
    def latency(self) -> Latency:
        """Named parts, frames; constant."""

    @property
    def frame(self) -> int:
        """Frames rendered so far."""

    def clock(self) -> tuple[int, float]:
        """A frame, and the `time.monotonic()` seconds at which it is asked for."""

    @property
    def clock_rate(self) -> float:
        """Frames per second of that clock."""

    def reserve(self, row: np.void) -> int:
        """Write an event's row into an unused slot and return the slot."""

    def unreserve(self, slot: int) -> None:
        """Give back a slot that was never activated."""

    def slot_of(self, event_id: int) -> int:
        """Slot of an event."""

    def post_all(self, operations: Sequence[Operation]) -> None:
        """Put operations into the inbox so that the engine sees all of them at once."""

    def notices(self) -> list[Notice]:
        """Everything told since the last call."""

    def stats(self) -> Stats:
        """A snapshot of the counters."""

    def free_space(self) -> int:
        """Room in the inbox, in operations."""


@dataclasses.dataclass(frozen=True, slots=True)
class News:
    """One thing to tell clients.

    Attributes:
        topic: `go`, `end`, `stolen`, `nan`, `late`, `synced`, `fail`, `echo`, `xrun`,
            `grain_late` (how many in a row), `renderer` (`grains` or `curves`), `feedback`
            (factor now on the monitor's gain), `device` (state, text), `overload` (`thinned`,
            `silenced` or `calmed`), `shed` and `turned_away` (events) or `stats`.
        args: positional, as on the wire; an echo begins with the command's op.
        frame: when it happened, frames since the stream began.
        to: only for this client; `None` is for all who listen.
        source: the client that caused it, which is not told.
        request: that client's own number for the request.
    """

    topic: str
    args: tuple[Any, ...]
    frame: int
    to: Hashable = None
    source: Hashable = None
    request: int | str = 0


class Listener(Protocol):
    """Somebody who passes news on to clients."""

    def tell(self, news: News) -> None:
        """Must not block. Thread: hub."""
