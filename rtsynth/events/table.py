"""The sorted table of events and its range query. Thread: any (one owner at a time)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.events.event import EVENT_DTYPE, FIELDS, Event, Kind

__all__ = ["EventTable"]

LONGEST_BACKWARDS_S = 60.0
"""An event that runs backwards begins at most so far into its life."""

LEVELS_TO_MINUS_80_DB = 80.0 / 60.0
NUMBERS = tuple(FIELDS)
MAX_GROUPS = 65_535


class EventTable:
    """Events sorted by (onset, id), with unique ids and unique names.

    `rows` is the structured array (`EVENT_DTYPE`) that the engine and the file read; it is replaced
    when events come or go and edited in place otherwise: copy what must not change.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.rows: NDArray[np.void] = np.zeros(0, EVENT_DTYPE)
        self.group_names: list[str] = [""]
        self._names: dict[int, str] = {}
        self._ids_by_name: dict[str, int] = {}
        self._meta: dict[int, dict[str, Any]] = {}
        self._onsets_by_id: dict[int, float] = {}
        self._tree: _EndTree | None = None
        self.extend(events)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Event]:
        return (self._event(row) for row in self.rows)

    def __contains__(self, event_id: int) -> bool:
        return event_id in self._onsets_by_id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EventTable):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __getitem__(self, event_id: int) -> Event:
        return self._event(self.rows[self.index(event_id)])

    def index(self, event_id: int) -> int:
        """Row of the event with this id, in O(log n).

        Raises:
            UnknownNameError: no such event.
        """
        onset = self._onsets_by_id.get(event_id)
        if onset is None:
            raise UnknownNameError(f"no event {event_id}; the table holds {len(self)}", field="id")
        first = int(np.searchsorted(self.rows["onset_s"], onset, "left"))
        last = int(np.searchsorted(self.rows["onset_s"], onset, "right"))
        return first + int(np.searchsorted(self.rows["id"][first:last], event_id))

    def id_of(self, name: str) -> int:
        """Id of the event with this name.

        Raises:
            UnknownNameError: no event has it.
        """
        if name not in self._ids_by_name:
            raise UnknownNameError(f"no event is named {name!r}", field="id")
        return self._ids_by_name[name]

    def names(self) -> dict[str, int]:
        """Every named event's id by its name (a copy)."""
        return dict(self._ids_by_name)

    def free_id(self) -> int:
        """The smallest id above all ids in use."""
        return int(self.rows["id"].max()) + 1 if len(self.rows) else 1

    def insert(self, event: Event) -> None:
        """Add one event in O(n).

        Raises:
            ValueRangeError: its id or its name is taken.
        """
        self.extend((event,))

    def extend(self, events: Iterable[Event]) -> None:
        """Add events; none is added if one of them is refused."""
        fresh = list(events)
        if not fresh:
            return
        ids = [event.id for event in fresh]
        names = [event.name for event in fresh if event.name]
        taken = [i for i in ids if i in self._onsets_by_id]
        named = [n for n in names if n in self._ids_by_name]
        taken += [i for i, count in Counter(ids).items() if count > 1]
        named += [n for n, count in Counter(names).items() if count > 1]
        if taken:
            raise ValueRangeError(f"event id {taken[0]} is given twice; choose another", field="id")
        if named:
            raise ValueRangeError(
                f"event name {named[0]!r} is given twice; choose another", field="name"
            )
        added = np.zeros(len(fresh), EVENT_DTYPE)
        for row, event in zip(added, fresh, strict=True):
            self._fill(row, event)
        rows = np.concatenate([self.rows, added])
        self._replace_rows(rows[np.lexsort((rows["id"], rows["onset_s"]))])
        for event in fresh:
            self._register(event)

    def delete(self, event_id: int) -> Event:
        """Remove and return one event, in O(n)."""
        index = self.index(event_id)
        event = self._event(self.rows[index])
        self._replace_rows(np.delete(self.rows, index))
        self._names.pop(event_id, None)
        self._ids_by_name.pop(event.name, None)
        self._meta.pop(event_id, None)
        del self._onsets_by_id[event_id]
        return event

    def update(self, event: Event) -> None:
        """Put `event` in the place of the one with its id; O(log n) while its onset stays."""
        index = self.index(event.id)
        old = self._event(self.rows[index])
        if event.name != old.name and event.name in self._ids_by_name:
            raise ValueRangeError(
                f"event name {event.name!r} is taken; choose another", field="name"
            )
        if event.onset_s != old.onset_s:
            self.delete(event.id)
            self.insert(event)
            return
        self._fill(self.rows[index], event)
        self._ids_by_name.pop(old.name, None)
        self._names.pop(event.id, None)
        self._register(event)
        self._tree = None

    def ends(self, tail_s: NDArray[np.floating]) -> NDArray[np.float64]:
        """When each event's support ends: −80 dB of its slowest mode, or of its release.

        Args:
            tail_s: [resonances], seconds from the onset until each, as learned, is 80 dB down.
        """
        rows = self.rows
        tail = np.asarray(tail_s, float)[rows["resonance"]]
        rate = np.full(len(rows), np.inf)  # a frozen event rings for ever …
        np.divide(rows["damp"], rows["stretch"], out=rate, where=rows["stretch"] > 0.0)
        ring = np.zeros(len(rows))  # … unless it has nothing that rings
        # a fast event's attack and strike take their time all the same
        np.multiply(tail, np.maximum(rate, 1.0), out=ring, where=tail > 0.0)
        ring[rows["kind"] == Kind.TEXTURE] = np.inf
        held = rows["duration_s"] + LEVELS_TO_MINUS_80_DB * rows["release_s"]
        support = np.minimum(ring, held)
        turned = (rows["stretch"] < 0.0) & (rows["kind"] == Kind.MODAL)  # begins at its end
        length = np.minimum(
            np.minimum(rows["duration_s"], tail * rows["damp"]), LONGEST_BACKWARDS_S
        )
        np.divide(length, -rows["stretch"], out=support, where=turned)
        ends: NDArray[np.float64] = rows["onset_s"] + support
        return ends

    def active(
        self, begin_s: float, end_s: float, tail_s: NDArray[np.floating]
    ) -> NDArray[np.intp]:
        """Rows with onset < `end_s` and support beyond `begin_s`, ascending.

        O((1 + answers)·log n) through a tree of support ends over the sorted onsets.
        """
        tail = np.asarray(tail_s, float)
        if self._tree is None or not self._tree.matches(tail):
            self._tree = _EndTree(self.ends(tail), tail)
        stop = int(np.searchsorted(self.rows["onset_s"], end_s, "left"))
        return self._tree.beyond(begin_s, stop)

    @classmethod
    def from_rows(
        cls,
        rows: NDArray[np.void],
        group_names: list[str],
        names: dict[int, str],
        meta: dict[int, dict[str, Any]],
    ) -> "EventTable":
        """A table over rows that a file held.

        Raises:
            ValueRangeError: any row is illegal; the message names the first and its field.
        """
        table = cls()
        _check_rows(rows, group_names)
        table.group_names = list(group_names)
        table._replace_rows(rows[np.lexsort((rows["id"], rows["onset_s"]))])
        table._onsets_by_id = dict(
            zip(table.rows["id"].tolist(), table.rows["onset_s"].tolist(), strict=True)
        )
        table._names = {i: n for i, n in names.items() if n}
        table._ids_by_name = {n: i for i, n in table._names.items()}
        table._meta = {i: m for i, m in meta.items() if m}
        known = table._onsets_by_id
        if len(table._ids_by_name) < len(table._names) or not set(table._names) <= set(known):
            raise ValueRangeError("event names are given twice or name no event", field="name")
        return table

    def labels(self) -> tuple[dict[int, str], dict[int, dict[str, Any]]]:
        """Names and metadata by id, for the file."""
        return dict(self._names), dict(self._meta)

    def _replace_rows(self, rows: NDArray[np.void]) -> None:
        self.rows = rows
        self._tree = None

    def _register(self, event: Event) -> None:
        self._onsets_by_id[event.id] = float(event.onset_s)
        if event.name:
            self._names[event.id] = event.name
            self._ids_by_name[event.name] = event.id
        if event.meta:
            self._meta[event.id] = event.meta
        else:
            self._meta.pop(event.id, None)

    def _fill(self, row: Any, event: Event) -> None:
        for name in NUMBERS:
            row[name] = getattr(event, name)
        row["id"], row["kind"], row["muted"] = event.id, event.kind, event.muted
        row["vector"] = event.vector
        row["group"] = self._group_index(event.group)

    def _group_index(self, group: str) -> int:
        if group not in self.group_names:
            if len(self.group_names) > MAX_GROUPS:
                raise ValueRangeError(f"more than {MAX_GROUPS} groups; reuse one", field="group")
            self.group_names.append(group)
        return self.group_names.index(group)

    def _event(self, row: Any) -> Event:
        event_id = int(row["id"])
        numbers: dict[str, Any] = {name: _legal(name, row[name].item()) for name in NUMBERS}
        return Event(
            id=event_id,
            kind=Kind(int(row["kind"])),
            muted=bool(row["muted"]),
            vector=tuple(row["vector"].tolist()),
            group=self.group_names[int(row["group"])],
            name=self._names.get(event_id, ""),
            meta=self._meta.get(event_id, {}),
            **numbers,
        )


class _EndTree:
    """Binary tree of maxima over support ends: finds all ends beyond a time, level by level."""

    def __init__(self, ends: NDArray[np.float64], tail_s: NDArray[np.float64]) -> None:
        self._tail_s = tail_s.copy()
        self._count = len(ends)
        self._levels = [ends]
        while len(self._levels[-1]) > 1:
            below = self._levels[-1]
            if len(below) % 2:
                below = np.append(below, -np.inf)
            self._levels.append(below.reshape(-1, 2).max(axis=1))

    def matches(self, tail_s: NDArray[np.float64]) -> bool:
        return np.array_equal(self._tail_s, tail_s)

    def beyond(self, begin_s: float, stop: int) -> NDArray[np.intp]:
        """Indices below `stop` whose end lies beyond `begin_s`."""
        if self._count == 0 or stop == 0:
            return np.zeros(0, np.intp)
        nodes = np.zeros(1, np.intp)
        for depth in range(len(self._levels) - 1, -1, -1):
            ends = self._levels[depth]
            nodes = nodes[(nodes < len(ends)) & (nodes << depth < stop)]
            nodes = nodes[ends[nodes] > begin_s]
            if depth:
                nodes = np.stack([2 * nodes, 2 * nodes + 1], axis=1).reshape(-1)
        return nodes


def _legal(name: str, value: float) -> float:
    """The value, or the bound that a float32 column has rounded it from to just outside."""
    field = FIELDS[name]
    return min(max(value, field.minimum), field.maximum)


def _check_rows(rows: NDArray[np.void], group_names: list[str]) -> None:
    for name, field in FIELDS.items():
        values = rows[name]
        # NumPy rounds the bounds to the column's type, as the values were
        legal = (values >= field.minimum) & (values <= field.maximum)
        _refuse_first(rows, legal, name, f"{field.minimum:g} … {field.maximum:g}")
    _refuse_first(rows, (np.abs(rows["vector"]) <= 96.0).all(axis=1), "vector", "−96 … 96")
    _refuse_first(rows, rows["kind"] <= max(Kind), "kind", "0 (modal), 1 (texture)")
    _refuse_first(rows, rows["muted"] <= 1, "muted", "0, 1")
    _refuse_first(rows, rows["group"] < len(group_names), "group", f"below {len(group_names)}")
    if len(np.unique(rows["id"])) < len(rows):
        raise ValueRangeError("two events have the same id; ids must be unique", field="id")


def _refuse_first(rows: NDArray[np.void], legal: NDArray[np.bool], name: str, range_: str) -> None:
    if not legal.all():
        index = int(np.argmin(legal))
        raise ValueRangeError(
            f"event {int(rows['id'][index])}: {name} = {rows[name][index]} ; legal: {range_}",
            field=name,
        )
