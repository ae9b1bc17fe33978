"""The one table of parameters and commands.

OSC addresses, ZeroMQ's `describe`, the command line's help and the README's tables are generated
from it. An id is stable and never used again for anything else. Thread: any (the table is frozen).
"""

import dataclasses
import enum
import math

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.events import FIELDS, VECTOR_DIM
from rtsynth.events.event import INTEGER_FIELDS, VECTOR_FIELD
from rtsynth.instrument import MEMBERS

__all__ = [
    "COMMANDS",
    "EVENT_PARAMS",
    "PARAMS",
    "Arg",
    "Command",
    "Curve",
    "Param",
    "check_value",
    "command_named",
    "event_param_named",
    "param_named",
]


SMOOTHING_S = 0.010
"""How long a continuous parameter takes to arrive, along a raised cosine."""


class Curve(enum.Enum):
    """How a fader's travel maps to the value."""

    LINEAR = "linear"
    LOG = "log"
    DB = "dB"
    STEPPED = "stepped"


@dataclasses.dataclass(frozen=True, slots=True)
class Param:
    """One parameter: global (`PARAMS`) or of an event (`EVENT_PARAMS`).

    `smoothing_s` is the time a change takes to arrive, 0 for stepped ones; `choices` name the
    steps.
    """

    id: int
    path: str
    minimum: float
    maximum: float
    default: float
    unit: str
    curve: Curve
    smoothing_s: float
    description: str
    choices: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """OSC type tag a client best sends: `i` for steps, `f` otherwise; both are accepted."""
        return "i" if self.curve is Curve.STEPPED else "f"


@dataclasses.dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a command.

    `type` is one of `id` (integer, name or OSC pattern), `f`, `i`, `b` (0 or 1), `s`, `path` (of a
    parameter) and `pairs` (name, value, name, value …; only last).
    """

    name: str
    type: str
    optional: bool = False
    default: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """One thing a client may ask for. `op` is its ZeroMQ name and, behind `/rts/`, its OSC address.

    `timed` commands act in the engine at a sample; the others are answered at once.
    """

    id: int
    op: str
    args: tuple[Arg, ...]
    timed: bool
    description: str


def _global(
    id_: int,
    path: str,
    range_: tuple[float, float, float],
    unit: str,
    curve: Curve,
    description: str,
    choices: tuple[str, ...] = (),
) -> Param:
    smoothing_s = 0.0 if curve is Curve.STEPPED else SMOOTHING_S
    return Param(id_, path, *range_, unit, curve, smoothing_s, description, choices)


PARAMS: tuple[Param, ...] = (
    _global(1, "master/gain_db", (-60.0, 12.0, 0.0), "dB", Curve.DB, "level of everything"),
    _global(2, "master/mute", (0, 1, 0), "", Curve.STEPPED, "silence, with a 5 ms fade"),
    _global(3, "master/ceiling_db", (-24.0, -1.0, -1.0), "dBFS", Curve.DB, "the limiter's ceiling"),
    _global(
        4, "master/release_ms", (5.0, 1000.0, 80.0), "ms", Curve.LOG, "the limiter's release time"
    ),
    _global(
        5, "bank/transpose", (-24.0, 24.0, 0.0), "semitones", Curve.LINEAR, "pitch of every voice"
    ),
    _global(6, "bank/damp", (0.25, 4.0, 1.0), "", Curve.LOG, "factor on every T60"),
    _global(7, "bank/bright", (-24.0, 24.0, 0.0), "dB/octave", Curve.LINEAR, "tilt of every voice"),
    _global(
        8, "voice/strike", (0.0, 4.0, 1.0), "", Curve.LINEAR, "level of attacks and strike noise"
    ),
    _global(
        9,
        "voice/retrigger",
        (0, 1, 0),
        "",
        Curve.STEPPED,
        "what a second trigger does to the event's sounding voice",
        ("cut", "overlap"),
    ),
    _global(
        10, "transport/tempo", (0.0625, 16.0, 1.0), "", Curve.LOG, "rate of the score; not smoothed"
    ),
    _global(11, "voice/blow", (0.0, 4.0, 1.0), "", Curve.LINEAR, "level of the blown noise"),
    _global(12, "voice/bow", (0.0, 4.0, 1.0), "", Curve.LINEAR, "strength of the bow"),
    *(
        _global(
            13 + index,
            f"field/{member}",
            (0.0, 2.0, 1.0),
            "",
            Curve.LINEAR,
            f"how much the field's {member} member draws",
        )
        for index, member in enumerate(MEMBERS)
    ),
    _global(
        30, "monitor/gain", (0.0, 4.0, 0.0), "", Curve.LINEAR, "level of the input in the output"
    ),
    _global(
        31, "monitor/pan", (-1.0, 1.0, 0.0), "", Curve.LINEAR, "its place; balance if it is stereo"
    ),
    _global(
        32,
        "monitor/wet",
        (0.0, 1.0, 1.0),
        "",
        Curve.LINEAR,
        "level of what is played beside the input, aligned with it",
    ),
    _global(
        33,
        "monitor/bypass",
        (0, 1, 0),
        "",
        Curve.STEPPED,
        "the input alone, at its own level, after a 5 ms crossfade",
    ),
    _global(
        34,
        "monitor/guard",
        (0, 1, 1),
        "",
        Curve.STEPPED,
        "halve the monitor's gain whenever the input rises without end",
    ),
)
"""Global parameters; a parameter's index here is its index in the engine."""

_CURVES = {"gain": Curve.DB, "damp": Curve.LOG, "release_s": Curve.LOG}


def _event_params() -> tuple[Param, ...]:
    params = []
    for index, (name, field) in enumerate(FIELDS.items()):
        stepped = name in INTEGER_FIELDS
        curve = Curve.STEPPED if stepped else _CURVES.get(name, Curve.LINEAR)
        smoothing_s = 0.0 if stepped or name in ("onset_s", "duration_s") else SMOOTHING_S
        range_ = (field.minimum, field.maximum, field.default)
        params.append(
            Param(100 + index, name, *range_, field.unit, curve, smoothing_s, field.description)
        )
    for index in range(VECTOR_DIM):
        range_ = (VECTOR_FIELD.minimum, VECTOR_FIELD.maximum, VECTOR_FIELD.default)
        text = (
            f"coordinate {index}: a macro of a fitted instrument, else mode {index}; band {index}"
        )
        params.append(
            Param(200 + index, f"vector{index}", *range_, "dB", Curve.LINEAR, SMOOTHING_S, text)
        )
    return tuple(params)


EVENT_PARAMS: tuple[Param, ...] = _event_params()
"""Fields of one event, by what `event/set` and `event/new` call them; the index is the engine's."""

_ID = Arg("id", "id")
_PAIRS = Arg("fields", "pairs", optional=True)

COMMANDS: tuple[Command, ...] = (
    Command(1, "event/new", (_ID, _PAIRS), True, "make an event; id −1 lets the server choose"),
    Command(2, "event/set", (_ID, Arg("fields", "pairs")), True, "change fields of an event"),
    Command(
        3,
        "event/trigger",
        (_ID, Arg("velocity", "f", optional=True, default=1.0)),
        True,
        "sound an event now; velocity 0 … 4 scales its gain",
    ),
    Command(4, "event/mute", (_ID, Arg("on", "b")), True, "mute or unmute"),
    Command(5, "event/solo", (_ID, Arg("on", "b")), True, "hear only soloed events"),
    Command(6, "event/choke", (_ID,), True, "fade its sounding voices out"),
    Command(7, "event/free", (_ID,), True, "choke it and take it out of the score"),
    Command(8, "event/get", (_ID,), False, "every field of one event"),
    Command(
        9,
        "event/list",
        (Arg("page", "i", optional=True, default=0),),
        False,
        "ids, onsets and names, by pages",
    ),
    Command(20, "param/set", (Arg("path", "path"), Arg("value", "f")), True, "set a parameter"),
    Command(
        21,
        "param/mod",
        (Arg("path", "path"), Arg("offset", "f")),
        True,
        "offset a parameter without changing its value",
    ),
    Command(22, "param/get", (Arg("path", "path"),), False, "value and offset of a parameter"),
    Command(30, "transport/play", (), True, "play the score from where it stands"),
    Command(31, "transport/pause", (), True, "stop there; sounding voices ring on"),
    Command(32, "transport/seek", (Arg("seconds", "f"),), True, "go to a time of the score"),
    Command(
        33,
        "transport/loop",
        (
            Arg("on", "b"),
            Arg("begin_s", "f", optional=True, default=0.0),
            Arg("end_s", "f", optional=True, default=0.0),
        ),
        True,
        "repeat a stretch of the score; end 0 is where the last event is over",
    ),
    Command(34, "transport/tempo", (Arg("rate", "f"),), True, "rate of the score; 1 as recorded"),
    Command(40, "panic", (), True, "fade out everything and stop the transport"),
    Command(41, "status", (), False, "load, voices, counters, latency, transport"),
    Command(42, "ping", (Arg("value", "f", optional=True, default=0.0),), False, "answer at once"),
    Command(43, "notify", (Arg("on", "b"),), False, "send this client go, end, late and the rest"),
    Command(44, "sync", (Arg("number", "i"),), True, "answer when all sent before has been done"),
    Command(45, "version", (), False, "versions of rtsynth and of the protocol"),
    Command(46, "describe", (), False, "this whole table"),
)
"""Every command."""

_PARAMS_BY_PATH = {p.path: i for i, p in enumerate(PARAMS)}
_EVENT_PARAMS_BY_PATH = {p.path: i for i, p in enumerate(EVENT_PARAMS)}
_COMMANDS_BY_OP = {c.op: c for c in COMMANDS}


def param_named(path: str) -> tuple[int, Param]:
    """Index and row of a global parameter.

    Raises:
        UnknownNameError: no such path.
    """
    index = _PARAMS_BY_PATH.get(path)
    if index is None:
        raise UnknownNameError(
            f"no parameter {path[:80]!r}; legal: {', '.join(_PARAMS_BY_PATH)}", field="path"
        )
    return index, PARAMS[index]


def event_param_named(name: str) -> tuple[int, Param]:
    """Index and row of an event's parameter.

    Raises:
        UnknownNameError: no such field.
    """
    index = _EVENT_PARAMS_BY_PATH.get(name)
    if index is None:
        raise UnknownNameError(
            f"no event field {name[:80]!r}; legal: {', '.join(FIELDS)}, vector0 … "
            f"vector{VECTOR_DIM - 1}",
            field=name[:80],
        )
    return index, EVENT_PARAMS[index]


def command_named(op: str) -> Command:
    """The command with this name.

    Raises:
        UnknownNameError: there is none.
    """
    command = _COMMANDS_BY_OP.get(op)
    if command is None:
        raise UnknownNameError(f"no command {op[:80]!r}; see 'describe'", field="op")
    return command


def check_value(param: Param, value: object) -> float:
    """The value as a legal float of the parameter.

    Raises:
        ValueRangeError: not a number, NaN, or out of range.
    """
    number = math.nan
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            pass
    elif isinstance(value, str) and value in param.choices:
        number = float(param.choices.index(value))
    if not param.minimum <= number <= param.maximum:
        unit = f" {param.unit}" if param.unit else ""
        choices = f" ({', '.join(param.choices)})" if param.choices else ""
        raise ValueRangeError(
            f"{param.path} = {str(value)[:40]}; legal: {param.minimum:g} … {param.maximum:g}{unit}"
            f"{choices}",
            field=param.path,
        )
    return float(int(number)) if param.curve is Curve.STEPPED else number
