"""An engine without sound, of equal rank to the real one on control's side, turned by hand."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from rtsynth.engine.ops import ALL, ASAP, Latency, Notice, NoticeKind, Op, Operation, Stats
from rtsynth.errors import CapacityError, QueueFullError, UnknownNameError, ValueRangeError
from rtsynth.events import Event, EventTable


@dataclasses.dataclass(frozen=True)
class Posted:
    op: Op
    target: int
    frame: int
    request: int
    args: tuple[float, ...]


class FakeEngine:
    """Keeps what was posted; `turn` carries it out in order of frames."""

    sample_rate = 48_000
    channels = 2
    latency = Latency(offset=256, limiter=72, device=0)

    def __init__(self, table: EventTable, slots: int = 64, inbox: int = 1024) -> None:
        self.frame = 0
        self.posts: list[Posted] = []
        self.waiting: list[Posted] = []
        self.began_s = 0.0
        self._inbox = inbox
        self._free = list(range(slots))
        self._slots: dict[int, int] = {}
        self._told: list[Notice] = []
        for event_id in table.rows["id"].tolist():
            self._slots[event_id] = self._free.pop(0)

    clock_rate = 48_000.0

    def clock(self) -> tuple[int, float]:
        return (self.frame, self.began_s)

    def reserve(self, row: Any) -> int:
        event_id = int(row["id"])
        if not self._free:
            raise CapacityError("every slot is in use")
        if event_id in self._slots:
            raise ValueRangeError("loaded already", field="id")
        self._slots[event_id] = self._free.pop(0)
        return self._slots[event_id]

    def unreserve(self, slot: int) -> None:
        self._slots = {i: s for i, s in self._slots.items() if s != slot}
        self._free.insert(0, slot)

    def slot_of(self, event_id: int) -> int:
        if event_id not in self._slots:
            raise UnknownNameError(f"no event {event_id}")
        return self._slots[event_id]

    def post(self, op: Op, target: int, frame: int, request: int = 0, *args: float) -> None:
        if not self.free_space():
            raise QueueFullError("full")
        posted = Posted(op, target, frame, request, args)
        self.posts.append(posted)
        self.waiting.append(posted)

    def post_all(self, operations: Sequence[Operation]) -> None:
        if self.free_space() < len(operations):
            raise QueueFullError("full")
        for op, target, frame, request, args in operations:
            self.post(op, target, frame, request, *args)

    def free_space(self) -> int:
        return self._inbox - len(self.waiting)

    def turn(self, frames: int = 1 << 40) -> None:
        """Carry out what is due before `frame + frames`; the default turns past everything."""
        end = self.frame + frames
        due = [p for p in self.waiting if p.frame < end]
        self.waiting = [p for p in self.waiting if p.frame >= end]
        for post in sorted(due, key=lambda p: p.frame):
            self._carry_out(post)
        if frames < 1 << 40:
            self.frame = end

    def notices(self) -> list[Notice]:
        told, self._told = self._told, []
        return told

    def tell(self, kind: NoticeKind, event: int = -1, request: int = 0, value: float = 0) -> None:
        self._told.append(Notice(kind, self.frame, event, request, value))

    def stats(self) -> Stats:
        zeros: dict[str, Any] = {f.name: 0 for f in dataclasses.fields(Stats)}
        return Stats(**zeros | {"frame": self.frame, "playing": False})

    def _carry_out(self, post: Posted) -> None:
        frame = self.frame if post.frame == ASAP else post.frame
        ids = {slot: i for i, slot in self._slots.items()}
        if post.op is Op.TRIGGER and post.target >= 0:
            self._told.append(Notice(NoticeKind.GO, frame, ids[post.target], 0, 0.0))
        if post.op is Op.FREE:
            for slot in sorted(ids) if post.target == ALL else [post.target]:
                self._free.append(slot)
                self._slots.pop(ids[slot], None)
        if post.request:
            late = max(self.frame - frame, 0)
            self._told.append(Notice(NoticeKind.DONE, frame + late, -1, post.request, late))


def make_table(count: int = 5) -> EventTable:
    """Events 1 … count; 1 is `kick`, 2 and 3 are of the group `strings`, 4 is `kick2`."""
    names, groups = {1: "kick", 4: "kick2"}, {2: "strings", 3: "strings"}
    return EventTable(
        Event(i, onset_s=0.5 * i, name=names.get(i, ""), group=groups.get(i, ""))
        for i in range(1, count + 1)
    )
