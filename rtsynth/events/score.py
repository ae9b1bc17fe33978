"""The score: a table of events with what must be known to play it, and its file. Thread: main."""

import dataclasses
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.errors import FileFormatError, ValueRangeError
from rtsynth.events.event import EVENT_DTYPE, check_label
from rtsynth.events.table import EventTable
from rtsynth.safefile import load_arrays, save_arrays

__all__ = ["SCORE_VERSION", "Score"]

SCORE_VERSION = (1, 0)
MAX_EVENTS = 4_000_000
KNOWN_METADATA = frozenset(
    {"seconds", "sample_rate", "channels", "instrument", "instrument_path", "source"}
    | {"groups", "names", "meta"}
)


@dataclasses.dataclass
class Score:
    """Events and the facts around them.

    Attributes:
        table: the events.
        seconds: length of the recording the score came from, 0 if none.
        sample_rate: of that recording, Hz.
        channels: of that recording, 1 or 2.
        instrument: fingerprint of the instrument it was made with.
        instrument_path: file name of that instrument, looked for beside the score.
        source: file name of the recording, for people and pictures.
        extra: metadata a later rtsynth wrote; kept through load and save.
        extra_arrays: arrays a later rtsynth wrote; kept likewise.
    """

    table: EventTable = dataclasses.field(default_factory=EventTable)
    seconds: float = 0.0
    sample_rate: int = 48_000
    channels: int = 1
    instrument: str = ""
    instrument_path: str = ""
    source: str = ""
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)
    extra_arrays: dict[str, NDArray[Any]] = dataclasses.field(default_factory=dict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the score atomically (`*.score.safetensors`)."""
        names, meta = self.table.labels()
        metadata = {
            **self.extra,
            "seconds": self.seconds,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "instrument": self.instrument,
            "instrument_path": self.instrument_path,
            "source": self.source,
            "groups": self.table.group_names,
            "names": {str(i): n for i, n in names.items()},
            "meta": {str(i): m for i, m in meta.items()},
        }
        columns = {f"event.{n}": self.table.rows[n] for n in _columns()}
        save_arrays(path, "score", SCORE_VERSION, {**self.extra_arrays, **columns}, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Score":
        """Read and validate a score.

        Raises:
            FileFormatError: damaged or hostile; the message says which field.
            NewerVersionError: written by a later rtsynth.
        """
        arrays, metadata = load_arrays(path, "score", SCORE_VERSION)
        try:
            table = _table(arrays, metadata)
            return cls(
                table=table,
                seconds=_number(metadata, "seconds", 0.0, 360_000.0),
                sample_rate=int(_number(metadata, "sample_rate", 1_000, 768_000)),
                channels=int(_number(metadata, "channels", 1, 2)),
                instrument=str(metadata.get("instrument", "")),
                instrument_path=_file_name(metadata.get("instrument_path", "")),
                source=_file_name(metadata.get("source", "")),
                extra={k: v for k, v in metadata.items() if k not in KNOWN_METADATA},
                extra_arrays={k: v for k, v in arrays.items() if not _is_column(k)},
            )
        except (
            ValueRangeError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
        ) as error:
            raise FileFormatError(f"{path}: damaged score ({error}); decompose again") from None


def _columns() -> tuple[str, ...]:
    return tuple(EVENT_DTYPE.names or ())


def _is_column(key: str) -> bool:
    return key.startswith("event.") and key[6:] in _columns()


def _table(arrays: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> EventTable:
    count = len(arrays["event.id"])
    if count > MAX_EVENTS:
        raise ValueRangeError(f"{count} events; legal: at most {MAX_EVENTS}", field="events")
    rows = np.zeros(count, EVENT_DTYPE)
    for name in _columns():
        column, wanted = arrays[f"event.{name}"], rows[name]
        if column.shape != wanted.shape or column.dtype != wanted.dtype:
            raise ValueRangeError(
                f"{name} is {column.dtype}{column.shape}, expected {wanted.dtype}{wanted.shape}",
                field=name,
            )
        rows[name] = column
    groups = [check_label("group", str(g)) for g in metadata.get("groups", [""])]
    names = {int(i): check_label("name", str(n)) for i, n in metadata.get("names", {}).items()}
    meta = {int(i): dict(m) for i, m in metadata.get("meta", {}).items()}
    return EventTable.from_rows(rows, groups or [""], names, meta)


def _number(metadata: dict[str, Any], key: str, minimum: float, maximum: float) -> float:
    value = float(metadata[key])
    if not minimum <= value <= maximum:
        raise ValueRangeError(f"{key} = {value}; legal: {minimum:g} … {maximum:g}", field=key)
    return value


def _file_name(text: object) -> str:
    name = str(text)
    if os.path.basename(name) != name or name in (".", ".."):
        raise ValueRangeError(f"{name!r} is a path; only a file name beside the score is legal")
    return name
