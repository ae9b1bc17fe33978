"""One event: what sounds, when, and through exactly one resonance. Thread: any."""

import dataclasses
import enum
import math
from typing import Any

import numpy as np

from rtsynth.errors import UnknownNameError, ValueRangeError

__all__ = ["EVENT_DTYPE", "FIELDS", "VECTOR_DIM", "Event", "Field", "Kind", "check_field"]

VECTOR_DIM = 32
MAX_ID = 2**32 - 2  # the last id stands for "the engine chooses" on no wire and in no file
MAX_NAME_LENGTH = 64


class Kind(enum.IntEnum):
    """What a resonance is excited into."""

    MODAL = 0
    TEXTURE = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """Legal values of one numeric event field; the parameter table is built from these."""

    minimum: float
    maximum: float
    default: float
    unit: str
    description: str


FIELDS: dict[str, Field] = {
    "onset_s": Field(0.0, 360_000.0, 0.0, "s", "when the event starts in its score"),
    "duration_s": Field(0.0, math.inf, math.inf, "s", "how long it is held before the release"),
    "gain": Field(0.0, 64.0, 1.0, "", "linear gain; 1 is as the resonance was learned"),
    "resonance": Field(0, 65_535, 0, "", "the one resonance of the bank that sounds"),
    "seed": Field(0, 2**32 - 1, 0, "", "seed of the event's noise"),
    "transpose": Field(-24.0, 24.0, 0.0, "semitones", "pitch shift of every mode"),
    "damp": Field(0.25, 4.0, 1.0, "", "factor on every T60"),
    "bright": Field(-24.0, 24.0, 0.0, "dB/octave", "spectral tilt above the lowest mode"),
    "inharm": Field(0.0, 0.05, 0.0, "", "inharmonicity B: f·√((1+B·k²)/(1+B)), k = f/lowest"),
    "detune": Field(0.0, 100.0, 0.0, "cents", "seeded random spread of the modes"),
    "vibrato_rate_hz": Field(0.0, 20.0, 5.0, "Hz", "vibrato rate"),
    "vibrato_depth": Field(0.0, 2.0, 0.0, "semitones", "vibrato depth, peak"),
    "stretch": Field(
        -4.0,
        4.0,
        1.0,
        "",
        "rate of the event's own ageing; 0 freezes it, below 0 it runs backwards",
    ),
    "pan": Field(-1.0, 1.0, 0.0, "", "−1 left, 0 centre (unity gain), 1 right; equal power"),
    "release_s": Field(0.005, 60.0, 0.3, "s", "T60 limit once the duration is over"),
}
"""Numeric fields by name. The elements of the vector follow `VECTOR_FIELD`."""

VECTOR_FIELD = Field(-96.0, 96.0, 0.0, "dB", "coordinate k: modal by the mode map, texture band k")
INTEGER_FIELDS = frozenset({"resonance", "seed"})

EVENT_DTYPE = np.dtype(
    [
        ("onset_s", "<f8"),
        ("duration_s", "<f8"),
        ("id", "<u4"),
        ("seed", "<u4"),
        ("gain", "<f4"),
        ("transpose", "<f4"),
        ("damp", "<f4"),
        ("bright", "<f4"),
        ("inharm", "<f4"),
        ("detune", "<f4"),
        ("vibrato_rate_hz", "<f4"),
        ("vibrato_depth", "<f4"),
        ("stretch", "<f4"),
        ("pan", "<f4"),
        ("release_s", "<f4"),
        ("vector", "<f4", (VECTOR_DIM,)),
        ("resonance", "<u2"),
        ("group", "<u2"),
        ("kind", "u1"),
        ("muted", "u1"),
    ]
)
"""One row of the table. `group` indexes the table's list of group names, 0 being none."""


def check_field(name: str, value: float) -> float:
    """The value, if it is legal for the field `name` (`vector0` … `vector31` included).

    Raises:
        UnknownNameError: no such field.
        ValueRangeError: not finite where it must be, or out of range.
    """
    field = FIELDS.get(name)
    if field is None and name.startswith("vector") and name[6:].isdecimal():
        field = VECTOR_FIELD if int(name[6:]) < VECTOR_DIM else None
    if field is None:
        raise UnknownNameError(
            f"no event field {name!r}; legal: {', '.join(FIELDS)}, "
            f"vector0 … vector{VECTOR_DIM - 1}",
            field=name,
        )
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not field.minimum <= number <= field.maximum:  # a NaN fails every comparison
        unit = f" {field.unit}" if field.unit else ""
        raise ValueRangeError(
            f"{name} = {value!r} is out of range; legal: "
            f"{field.minimum:g} … {field.maximum:g}{unit}",
            field=name,
        )
    return float(int(number)) if name in INTEGER_FIELDS else number


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One sounding thing: immutable; a changed event is a new event (`dataclasses.replace`).

    Fields and their ranges are those of `FIELDS`. `vector` holds `VECTOR_DIM` numbers: for a modal
    event the instrument's mode map and field say what they do (without either, coordinate k is the
    gain in dB of mode k), for a texture they are the gains of its bands in dB.
    `name` and `group` are optional; a name is unique within a table.
    """

    id: int
    onset_s: float = 0.0
    duration_s: float = math.inf
    gain: float = 1.0
    resonance: int = 0
    kind: Kind = Kind.MODAL
    vector: tuple[float, ...] = (0.0,) * VECTOR_DIM
    seed: int = 0
    transpose: float = 0.0
    damp: float = 1.0
    bright: float = 0.0
    inharm: float = 0.0
    detune: float = 0.0
    vibrato_rate_hz: float = 5.0
    vibrato_depth: float = 0.0
    stretch: float = 1.0
    pan: float = 0.0
    release_s: float = 0.3
    muted: bool = False
    name: str = ""
    group: str = ""
    meta: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not (isinstance(self.id, int) and 0 <= self.id <= MAX_ID):
            raise ValueRangeError(f"id = {self.id!r}; legal: 0 … {MAX_ID}", field="id")
        for name in FIELDS:
            check_field(name, getattr(self, name))
        if len(self.vector) != VECTOR_DIM:
            raise ValueRangeError(
                f"vector has {len(self.vector)} numbers; legal: {VECTOR_DIM}", field="vector"
            )
        for index, number in enumerate(self.vector):
            check_field(f"vector{index}", number)
        for field, text in (("name", self.name), ("group", self.group)):
            check_label(field, text)


def check_label(field: str, text: str) -> str:
    """The name of an event or group, if it may stand in an OSC address.

    Raises:
        ValueRangeError: too long, or with a character that OSC reads as a pattern.
    """
    if len(text) > MAX_NAME_LENGTH or any(c in " #*,/?[]{}" or not c.isprintable() for c in text):
        raise ValueRangeError(
            f"{field} = {text[: MAX_NAME_LENGTH + 1]!r}; legal: at most {MAX_NAME_LENGTH} "
            "printable characters without space # * , / ? [ ] { }",
            field=field,
        )
    return text
