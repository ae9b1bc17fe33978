"""Control's own picture of the score and the parameters: what will be once all accepted is done.

Every edit can be taken back until `commit`. Thread: control (behind the session's lock).
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtsynth.control.pattern import is_pattern, matcher
from rtsynth.engine.ops import ALL, group_target
from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.events import Event, EventTable
from rtsynth.events.event import MAX_ID
from rtsynth.params import EVENT_PARAMS, PARAMS, Curve, event_param_named

__all__ = ["Mirror", "Selection"]

GROUP_PREFIX = "group/"
MOVES_END = frozenset({"duration_s", "damp", "stretch", "release_s", "resonance"})
"""Fields that the table's tree of support ends is built from."""

CACHED_PATTERNS = 4096


class Selection(NamedTuple):
    """Events that a command means: some by id, or (`wide` < 0) all, or a group's target."""

    ids: tuple[int, ...] = ()
    wide: int = 0


class Mirror:
    """Table, parameter values and offsets, mutes and solos.

    Attributes:
        table: a copy of its own; replaced by another object when many events change at once.
        values: of `PARAMS`.
        offsets: of `PARAMS`, added to the values.
        soloed: ids.
    """

    def __init__(self, table: EventTable) -> None:
        self.table = EventTable.from_rows(table.rows, list(table.group_names), *table.labels())
        self.values = [p.default for p in PARAMS]
        self.offsets = [0.0] * len(PARAMS)
        self.soloed: set[int] = set()
        self._undo: list[Callable[[], object]] = []
        self._next_id = self.table.free_id()
        self._found: dict[str, Selection] = {}

    def rollback(self) -> None:
        """Take back every edit since the last `commit`."""
        while self._undo:
            self._undo.pop()()
        self._found.clear()

    def commit(self) -> None:
        """Keep every edit."""
        self._undo.clear()

    def select(self, target: int | str) -> Selection:
        """Events that an id, a name, a pattern, `*` or `group/<name>` means.

        Raises:
            UnknownNameError: none.
        """
        if isinstance(target, int):
            if target not in self.table:
                raise UnknownNameError(
                    f"no event {target}; the score holds {len(self.table)}", field="id"
                )
            return Selection((target,))
        if target == "*":
            return Selection(wide=ALL)
        found = self._found.get(target)
        if found is None:
            found = self._search(target)
            if len(self._found) >= CACHED_PATTERNS:
                self._found.clear()
            self._found[target] = found
        return found

    def ids(self, selection: Selection) -> tuple[int, ...]:
        """Every id of a selection."""
        if not selection.wide:
            return selection.ids
        return tuple(self.table.rows["id"][self._mask(selection)].tolist())

    def choose_id(self) -> int:
        """An id that was never used before."""
        if self._next_id > MAX_ID:
            raise ValueRangeError("no id is left; give one", field="id")
        return self._next_id

    def insert(self, event: Event) -> None:
        """Add an event.

        Raises:
            ValueRangeError: its id or name is taken.
        """
        self.table.insert(event)
        before = self._next_id
        self._undo.append(lambda: setattr(self, "_next_id", before))
        self._next_id = max(self._next_id, event.id + 1)
        self._undo.append(lambda: self.table.delete(event.id))
        self._found.clear()

    def delete(self, selection: Selection) -> None:
        """Take events out."""
        ids, old, solo = self.ids(selection), self.table, set(self.soloed)
        self._undo.append(lambda: self.soloed.update(solo))
        self.soloed.difference_update(ids)
        self._found.clear()
        if len(ids) == 1:
            event = self.table.delete(ids[0])
            self._undo.append(lambda: self.table.insert(event))
            return
        keep = ~np.isin(old.rows["id"], np.array(ids, np.uint32))
        self._swap(_rebuilt(old, old.rows[keep]))

    def set_number(self, selection: Selection, name: str, value: float) -> None:
        """Set one of `EVENT_PARAMS` of every selected event."""
        ids = self.ids(selection)
        if name == "onset_s" and len(ids) == 1:
            self._replace(dataclasses.replace(self.table[ids[0]], onset_s=value))
        elif name == "onset_s":
            rows = self.table.rows.copy()
            rows["onset_s"][np.isin(rows["id"], np.array(ids, np.uint32))] = value
            self._swap(_rebuilt(self.table, rows))
        else:
            self._write(selection, name, value)

    def set_label(self, event_id: int, name: str, text: str) -> None:
        """Set `name` or `group` of one event.

        Raises:
            ValueRangeError: the name is taken.
        """
        event = self.table[event_id]
        self._replace(
            dataclasses.replace(event, name=text)
            if name == "name"
            else dataclasses.replace(event, group=text)
        )
        self._found.clear()

    def set_muted(self, selection: Selection, on: bool) -> None:
        """Mute or unmute."""
        self._write(selection, "muted", on)

    def set_solo(self, selection: Selection, on: bool) -> None:
        """Solo or unsolo."""
        old = set(self.soloed)
        self._undo.append(lambda: setattr(self, "soloed", old))
        ids = self.ids(selection)
        self.soloed = self.soloed.union(ids) if on else self.soloed.difference(ids)

    def set_param(
        self, index: int, value: float | None = None, offset: float | None = None
    ) -> float:
        """Set a global parameter's value or offset; returns what the engine is to use."""
        pair = (self.values[index], self.offsets[index])
        self._undo.append(lambda: self._put(index, *pair))
        self._put(index, pair[0] if value is None else value, pair[1] if offset is None else offset)
        row = PARAMS[index]
        total = min(max(self.values[index] + self.offsets[index], row.minimum), row.maximum)
        return float(round(total)) if row.curve is Curve.STEPPED else total

    def group_index(self, name: str) -> int:
        """Index of a group in the table's `group_names`.

        Raises:
            UnknownNameError: no such group.
        """
        names = self.table.group_names
        if not name or name not in names:
            raise UnknownNameError(
                f"no group {name[:80]!r}; known: {', '.join(names[1:20]) or 'none'}", field="id"
            )
        return names.index(name)

    def _put(self, index: int, value: float, offset: float) -> None:
        self.values[index], self.offsets[index] = value, offset

    def _swap(self, table: EventTable) -> None:
        old = self.table
        self._undo.append(lambda: setattr(self, "table", old))
        self.table = table

    def _replace(self, event: Event) -> None:
        old = self.table[event.id]
        self.table.update(event)
        self._undo.append(lambda: self.table.update(old))

    def _write(self, selection: Selection, name: str, value: float) -> None:
        """Write a column in place: such edits neither sort the table nor rename anything."""
        table, column, element = self.table, name, -1
        if name.startswith("vector"):
            column, element = "vector", int(name[6:])
        rows: Any = (
            self._mask(selection)
            if selection.wide
            else np.array([table.index(i) for i in selection.ids], np.intp)
        )

        def put(numbers: Any) -> Any:
            cells = table.rows[column] if element < 0 else table.rows[column][:, element]
            old = cells[rows].copy()
            cells[rows] = numbers
            _forget_ends(table, name)
            return old

        old = put(value)
        self._undo.append(lambda: put(old))

    def _mask(self, selection: Selection) -> NDArray[np.bool]:
        rows = self.table.rows
        if selection.wide == ALL:
            return np.ones(len(rows), np.bool)
        mask: NDArray[np.bool] = rows["group"] == group_target(0) - selection.wide
        return mask

    def _search(self, target: str) -> Selection:
        if target.startswith(GROUP_PREFIX):
            return self._search_groups(target[len(GROUP_PREFIX) :])
        if is_pattern(target):
            return self._search_pattern(target)
        names = self.table.names()
        if target in names:
            return Selection((names[target],))
        if target.isascii() and target.isdecimal() and int(target) in self.table:
            return Selection((int(target),))
        raise UnknownNameError(
            f"no event is named {target[:80]!r}; the score holds {len(self.table)}", field="id"
        )

    def _search_pattern(self, pattern: str) -> Selection:
        matches = matcher(pattern)
        found = {i for name, i in self.table.names().items() if matches(name)}
        found.update(i for i in self.table.rows["id"].tolist() if matches(str(i)))
        if not found:
            raise UnknownNameError(f"no event matches {pattern[:80]!r}", field="id")
        return Selection(tuple(sorted(found)))

    def _search_groups(self, name: str) -> Selection:
        if not is_pattern(name):
            return Selection(wide=group_target(self.group_index(name)))
        matches = matcher(name)
        groups = [i for i, g in enumerate(self.table.group_names) if g and matches(g)]
        ids = self.table.rows["id"][np.isin(self.table.rows["group"], groups)]
        if not len(ids):
            raise UnknownNameError(f"no group matches {name[:80]!r}", field="id")
        return Selection(tuple(sorted(ids.tolist())))


def fields_of(event: Event) -> dict[str, float | str]:
    """Every field of an event by the name that `event/set` calls it."""
    fields: dict[str, float | str] = {"kind": event.kind.name.lower(), "muted": int(event.muted)}
    fields |= {label: text for label in ("name", "group") if (text := getattr(event, label))}
    for row in EVENT_PARAMS:
        if row.path.startswith("vector"):
            fields[row.path] = event.vector[int(row.path[6:])]
        else:
            fields[row.path] = getattr(event, row.path)
    return fields


def made_event(event_id: int, pairs: tuple[tuple[str, float | str], ...]) -> Event:
    """The event that the pairs of `event/new` describe."""
    fields: dict[str, Any] = {}
    vector = [row.default for row in EVENT_PARAMS if row.path.startswith("vector")]
    for name, value in pairs:
        if name.startswith("vector"):
            vector[int(name[6:])] = float(value)
        else:
            fields[name] = value
    for name in ("resonance", "seed"):
        if name in fields:
            fields[name] = int(fields[name])
    kind = type(Event(0).kind)(int(fields.pop("kind", 0)))
    muted = bool(fields.pop("muted", False))
    return Event(id=event_id, vector=tuple(vector), kind=kind, muted=muted, **fields)


def index_of(name: str) -> int:
    """The engine's index of an event's field."""
    return event_param_named(name)[0]


def _rebuilt(table: EventTable, rows: NDArray[np.void]) -> EventTable:
    names, meta = table.labels()
    kept = set(rows["id"].tolist())
    return EventTable.from_rows(
        rows,
        list(table.group_names),
        {i: n for i, n in names.items() if i in kept},
        {i: m for i, m in meta.items() if i in kept},
    )


def _forget_ends(table: EventTable, name: str) -> None:
    if name in MOVES_END and len(table):
        table.update(table[int(table.rows["id"][0])])  # an update, even to itself, drops the tree
