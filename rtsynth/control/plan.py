"""What a command means: operations for the engine, edits of the mirror, a reply, log lines.

Thread: control (behind the session's lock).
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

from rtsynth.control.command import Command, wire_args
from rtsynth.control.mirror import Mirror, Selection, index_of, made_event
from rtsynth.control.port import EnginePort, Value
from rtsynth.engine.ops import ALL, ASAP, Op
from rtsynth.errors import ValueRangeError
from rtsynth.params import check_value, param_named

__all__ = ["Plan", "Planner", "Post"]

SIMPLE = {
    "event/trigger": Op.TRIGGER,
    "event/mute": Op.MUTE,
    "event/solo": Op.SOLO,
    "event/choke": Op.CHOKE,
    "event/free": Op.FREE,
    "transport/play": Op.PLAY,
    "transport/pause": Op.PAUSE,
    "transport/seek": Op.SEEK,
    "transport/loop": Op.LOOP,
    "sync": Op.SYNC,
}


class Post(NamedTuple):
    """One operation for the engine, on an event by its id (a slot is looked up) or on a target."""

    op: Op
    args: tuple[float, ...] = ()
    event: int | None = None
    target: int = ALL


@dataclasses.dataclass(slots=True)
class Plan:
    """A command made ready.

    Attributes:
        command: the command.
        frame: when it is due.
        reply: its result by name.
        posts: what the engine is to do; the last one carries the request number.
        logged: makes the positional arguments, one list for each line of the log.
        late_s: by how much its time tag had passed.
    """

    command: Command
    frame: int
    reply: dict[str, Any]
    posts: list[Post]
    logged: Callable[[], list[list[Value]]]
    late_s: float = 0.0


class Planner:
    """Plans every timed command; edits of the mirror are made at once, ready to be rolled back."""

    def __init__(self, engine: EnginePort, mirror: Mirror) -> None:
        self._engine, self._mirror = engine, mirror
        self._planners: dict[str, Callable[[Command], Plan]] = {
            **dict.fromkeys(SIMPLE, self._plan_simple),
            "event/new": self._plan_new,
            "event/set": self._plan_set,
            "param/set": self._plan_param,
            "param/mod": self._plan_param,
            "transport/tempo": self._plan_param,
            "panic": lambda command: _planned(command, [Post(Op.PANIC)]),
        }

    def plan(self, command: Command) -> Plan | None:
        """The plan, or `None` for a command that only asks.

        Raises:
            UnknownNameError, ValueRangeError: what the command names or wants is not possible.
        """
        planner = self._planners.get(command.op)
        if planner is None:
            return None
        plan = planner(command)
        if not plan.posts:  # nothing sounds, but the log wants to know when
            plan.posts.append(Post(Op.SYNC))
        return plan

    def _plan_simple(self, command: Command) -> Plan:
        op, numbers = SIMPLE[command.op], command.numbers
        if op is Op.LOOP and numbers[0] and 0.0 < numbers[2] <= numbers[1]:
            raise ValueRangeError(
                f"end_s = {numbers[2]:g}; legal: more than begin_s = {numbers[1]:g}, or 0 for the "
                "end of the score",
                field="end_s",
            )
        if not command.op.startswith("event/"):
            return _planned(command, [Post(op, () if op is Op.SYNC else numbers)])
        selection = self._mirror.select(command.target)
        posts = _posts(op, selection, numbers)
        if op is Op.MUTE:
            self._mirror.set_muted(selection, bool(numbers[0]))
        elif op is Op.SOLO:
            self._mirror.set_solo(selection, bool(numbers[0]))
        elif op is Op.FREE:
            posts = self._slotted(posts)  # the mirror forgets them before they are posted
            self._mirror.delete(selection)
        return Plan(command, ASAP, _named(selection), posts, lambda: _logged(command, selection))

    def _slotted(self, posts: list[Post]) -> list[Post]:
        return [
            p if p.event is None else p._replace(event=None, target=self._engine.slot_of(p.event))
            for p in posts
        ]

    def _plan_new(self, command: Command) -> Plan:
        event_id = command.target
        pairs = dict(command.pairs)
        if isinstance(event_id, str):
            pairs.setdefault("name", event_id)
        if isinstance(event_id, str) or event_id == -1:
            event_id = self._mirror.choose_id()
        event = made_event(event_id, tuple(pairs.items()))
        self._mirror.insert(event)
        flat: list[Value] = [item for pair in pairs.items() for item in pair]
        posts = [Post(Op.ACTIVATE, event=event_id)]
        return Plan(command, ASAP, {"id": event_id}, posts, lambda: [[event_id, *flat]])

    def _plan_set(self, command: Command) -> Plan:
        selection = self._mirror.select(command.target)
        posts: list[Post] = []
        for name, value in command.pairs:
            posts += self._set(selection, name, value)
        return Plan(command, ASAP, _named(selection), posts, lambda: _logged(command, selection))

    def _set(self, selection: Selection, name: str, value: float | str) -> list[Post]:
        if name == "muted":
            self._mirror.set_muted(selection, bool(value))
            return _posts(Op.MUTE, selection, (float(value),))
        if not isinstance(value, str):
            self._mirror.set_number(selection, name, value)
            return _posts(Op.SET, selection, (float(index_of(name)), value))
        ids = self._mirror.ids(selection)
        if name == "name" and len(ids) > 1:
            raise ValueRangeError(f"name = {value!r} for {len(ids)} events; legal: one", field=name)
        for event_id in ids:
            self._mirror.set_label(event_id, name, value)
        if name == "name":
            return []
        group = self._mirror.group_index(value) if value else 0
        return [Post(Op.GROUP, (float(group),), event=i) for i in ids]

    def _plan_param(self, command: Command) -> Plan:
        path = "transport/tempo" if command.op == "transport/tempo" else str(command.target)
        index, row = param_named(path)
        number = command.numbers[0]
        if command.op == "param/mod":
            span = row.maximum - row.minimum
            if not abs(number) <= span:
                raise ValueRangeError(f"offset = {number:g}; legal: ±{span:g}", field="offset")
            value = self._mirror.set_param(index, offset=number)
        else:
            value = self._mirror.set_param(index, value=check_value(row, number))
        return _planned(command, [Post(Op.PARAM, (value,), target=index)])


def _planned(command: Command, posts: list[Post]) -> Plan:
    return Plan(command, ASAP, {}, posts, lambda: [wire_args(command)])


def _posts(op: Op, selection: Selection, args: tuple[float, ...]) -> list[Post]:
    if selection.wide:
        return [Post(op, args, target=selection.wide)]
    return [Post(op, args, event=i) for i in selection.ids]


def _named(selection: Selection) -> dict[str, Any]:
    if len(selection.ids) == 1:
        return {"id": selection.ids[0]}
    return {"count": len(selection.ids)} if selection.ids else {}


def _logged(command: Command, selection: Selection) -> list[list[Value]]:
    """Wire arguments with names and patterns replaced by the ids they meant."""
    if selection.wide:
        return [wire_args(command)]
    rest = wire_args(command)[1:]
    return [[event_id, *rest] for event_id in selection.ids]
