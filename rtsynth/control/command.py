"""Commands as frozen records, made from the wire's arguments by the one table. Thread: any."""

import dataclasses
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from rtsynth import params
from rtsynth.control.port import Value
from rtsynth.errors import ProtocolError, UnknownNameError, ValueRangeError
from rtsynth.events import Kind
from rtsynth.events.event import check_label

__all__ = ["LABELS", "MACRO", "Command", "parse", "parse_named", "wire_args"]

LIMITS: dict[tuple[str, str], tuple[float, float]] = {
    ("event/trigger", "velocity"): (0.0, 4.0),
    ("event/list", "page"): (0, 2**31 - 1),
    ("transport/seek", "seconds"): (0.0, 360_000.0),
    ("transport/loop", "begin_s"): (0.0, 360_000.0),
    ("transport/loop", "end_s"): (0.0, 360_000.0),
    ("sync", "number"): (-(2**31), 2**31 - 1),
}
"""Legal ranges of arguments that are no parameter."""

LABELS = ("name", "group", "muted", "kind")
"""Fields of an event that pairs may hold beside `EVENT_PARAMS`."""

MACRO = "macro/"
"""Before the name that a fitted instrument gives a coordinate of its vectors."""

KINDS = tuple(kind.name.lower() for kind in Kind)
MAX_PAIRS = 64
MAX_TEXT = 320


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A parsed and validated request; only what it names is still to be looked up.

    Attributes:
        op: its row in `params.COMMANDS`.
        target: event (id, name, pattern, `*`, `group/<name>`) or parameter path; "" if none.
        numbers: every numeric argument, defaults filled in.
        pairs: fields of an event by name.
        time_s: when, Unix seconds; `None` is on arrival.
        request: the client's own number for it.
        origin: who asked.
    """

    op: str
    target: int | str = ""
    numbers: tuple[float, ...] = ()
    pairs: tuple[tuple[str, float | str], ...] = ()
    time_s: float | None = None
    request: int | str = 0
    origin: Hashable = None


def parse(
    op: str,
    args: Sequence[Any],
    time_s: float | None = None,
    request: int | str = 0,
    origin: Hashable = None,
) -> Command:
    """The command that positional arguments mean.

    Raises:
        UnknownNameError: no such command or field.
        ValueRangeError: an argument out of its range.
        ProtocolError: too many or too few arguments, or of the wrong kind.
    """
    row = params.command_named(op)
    target: int | str = ""
    numbers: list[float] = []
    pairs: tuple[tuple[str, float | str], ...] = ()
    used = 0
    for arg in row.args:
        if arg.type == "pairs":
            pairs = _pairs(row, args[used:], arg.optional)
            used = len(args)
        elif used >= len(args):
            if not arg.optional:
                raise ProtocolError(f"{op} needs {_usage(row)}", field=arg.name)
            numbers.append(arg.default or 0.0)
        else:
            if arg.type in ("id", "path"):
                target = _target(arg, args[used])
            else:
                numbers.append(_number(op, arg, args[used]))
            used += 1
    if used < len(args):
        raise ProtocolError(f"{op} got {len(args)} arguments; legal: {_usage(row)}")
    return Command(op, target, tuple(numbers), pairs, time_s, request, origin)


def parse_named(
    op: str,
    values: Mapping[str, Any],
    time_s: float | None = None,
    request: int | str = 0,
    origin: Hashable = None,
) -> Command:
    """The command that arguments by name mean; names it does not know are ignored.

    Raises:
        UnknownNameError, ValueRangeError, ProtocolError: as `parse`.
    """
    args: list[Any] = []
    for arg in params.command_named(op).args:
        value = values.get(arg.name)
        if arg.type == "pairs":
            if isinstance(value, Mapping):
                args += [item for pair in value.items() for item in pair]
            elif value is not None:
                raise ProtocolError(f"{op}: {arg.name} must be a map", field=arg.name)
        elif arg.name in values:
            args.append(value)
        elif arg.optional:
            args.append(arg.default or 0.0)
        else:
            raise ProtocolError(f"{op} needs {arg.name!r}", field=arg.name)
    return parse(op, args, time_s, request, origin)


def wire_args(command: Command) -> list[Value]:
    """The positional arguments from which `parse` makes the command again."""
    args: list[Value] = [] if command.target == "" else [command.target]
    kinds = [a.type for a in params.command_named(command.op).args if a.type in ("f", "i", "b")]
    for kind, number in zip(kinds, command.numbers, strict=True):
        args.append(number if kind == "f" else int(number))
    for name, value in command.pairs:
        args += [name, value]
    return args


def _usage(row: params.Command) -> str:
    words = [f"[{a.name}]" if a.optional else a.name for a in row.args]
    return " ".join(words) or "no arguments"


def _target(arg: params.Arg, value: object) -> int | str:
    if isinstance(value, str) and 0 < len(value) <= MAX_TEXT:
        return value
    if isinstance(value, float) and value.is_integer():  # some clients send only floats
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ProtocolError(f"{arg.name} = {str(value)[:40]!r}; legal: a number or a name", field="id")


def _number(op: str, arg: params.Arg, value: object) -> float:
    if not isinstance(value, int | float) or not -1e300 < value < 1e300:
        raise ValueRangeError(f"{arg.name} = {str(value)[:40]}; legal: a number", field=arg.name)
    number = float(value)
    if arg.type == "b":
        if number not in (0.0, 1.0):
            raise ValueRangeError(f"{arg.name} = {number:g}; legal: 0, 1", field=arg.name)
    elif arg.type == "i" and not number.is_integer():
        raise ValueRangeError(f"{arg.name} = {number:g}; legal: whole numbers", field=arg.name)
    limits = LIMITS.get((op, arg.name))
    if limits is not None and not limits[0] <= number <= limits[1]:
        raise ValueRangeError(
            f"{arg.name} = {number:g}; legal: {limits[0]:g} … {limits[1]:g}", field=arg.name
        )
    return number


def _pairs(
    row: params.Command, args: Sequence[Any], optional: bool
) -> tuple[tuple[str, float | str], ...]:
    if len(args) % 2 or len(args) > 2 * MAX_PAIRS or not (args or optional):
        raise ProtocolError(
            f"{row.op} got {len(args)} items of name, value …; legal: pairs, at most {MAX_PAIRS}",
            field="fields",
        )
    return tuple(_pair(row.op, args[i], args[i + 1]) for i in range(0, len(args), 2))


def _pair(op: str, name: object, value: object) -> tuple[str, float | str]:
    if not isinstance(name, str):
        raise ProtocolError(f"field name {str(name)[:40]!r}; legal: a text", field="fields")
    if name not in LABELS:
        # what a macro is, the session knows: it has the instrument
        _, row = params.event_param_named("vector0" if name.startswith(MACRO) else name)
        # JSON knows no infinity: null stands for it
        return name, params.check_value(row, math.inf if value is None else value)
    if name == "muted":
        if not isinstance(value, int | float) or value not in (0, 1):
            raise ValueRangeError(f"muted = {str(value)[:40]}; legal: 0, 1", field=name)
        return name, float(value)
    if name == "kind":
        return name, _kind(op, value)
    if isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer():
        value = str(int(value))  # Max and Pd send a name made of digits as a number
    if not isinstance(value, str):
        raise ValueRangeError(f"{name} = {str(value)[:40]}; legal: a text", field=name)
    return name, check_label(name, value)


def _kind(op: str, value: object) -> float:
    if op != "event/new":
        raise UnknownNameError("kind is given when an event is made and stays", field="kind")
    if isinstance(value, str) and value in KINDS:
        return float(KINDS.index(value))
    if isinstance(value, int | float) and value in range(len(KINDS)):
        return float(value)
    raise ValueRangeError(f"kind = {str(value)[:40]}; legal: {', '.join(KINDS)}", field="kind")
