"""An engine that takes every operation at once and sounds nothing, for benches of the wire."""

import dataclasses
import itertools
import time
from collections.abc import Sequence
from typing import Any

from rtsynth.engine.ops import Latency, Notice, NoticeKind, Operation, Stats
from rtsynth.events import EventTable


class StandIn:
    """Says DONE to each request at the next call of `notices`."""

    sample_rate = 48_000
    channels = 2
    latency = Latency(256, 72, 0)
    clock_rate = 48_000.0

    def __init__(self, table: EventTable) -> None:
        self._slots = {i: n for n, i in enumerate(table.rows["id"].tolist())}
        self._next = itertools.count(len(self._slots))
        self._done: list[Notice] = []
        self._began_s = time.monotonic()

    @property
    def frame(self) -> int:
        """As fast as the clock on the wall."""
        return round((time.monotonic() - self._began_s) * self.sample_rate)

    def clock(self) -> tuple[int, float]:
        """Frame 0 and when that was."""
        return 0, self._began_s

    def reserve(self, row: Any) -> int:
        """A new slot."""
        self._slots[int(row["id"])] = slot = next(self._next)
        return slot

    def unreserve(self, slot: int) -> None:
        """Nothing to give back."""

    def slot_of(self, event_id: int) -> int:
        """Its slot."""
        return self._slots[event_id]

    def post_all(self, operations: Sequence[Operation]) -> None:
        """Done at once."""
        for _, _, frame, request, _ in operations:
            if request:
                self._done.append(Notice(NoticeKind.DONE, frame, -1, request, 0.0))

    def notices(self) -> list[Notice]:
        """DONE for every request."""
        done, self._done = self._done, []
        return done

    def stats(self) -> Stats:
        """Zeros."""
        zeros: dict[str, Any] = {f.name: 0 for f in dataclasses.fields(Stats)}
        return Stats(**zeros)

    def free_space(self) -> int:
        """Always plenty."""
        return 4_096
