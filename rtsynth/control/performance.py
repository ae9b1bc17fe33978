"""The performance log: JSON lines of what was carried out, each with its frame. Thread: hub, main.

The first line says what was played on what, every other one `{"frame", "op", "args"}` in the order
in which the engine carried the commands out, the last one `{"frame", "op": "end"}`.
"""

import dataclasses
import json
import math
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rtsynth.control.command import Command, parse
from rtsynth.control.port import EnginePort, Value
from rtsynth.errors import FileFormatError, NewerVersionError, RtsynthError, UnknownNameError

if TYPE_CHECKING:
    from rtsynth.control.session import Session

__all__ = ["LogHeader", "PerformanceLog", "Record", "read_log", "replay"]

LOG_VERSION = 1
MAX_LINE = 65_536
MAX_FRAME = 2**53
END = "end"


@dataclasses.dataclass(frozen=True, slots=True)
class LogHeader:
    """What was played on what.

    Attributes:
        sample_rate: Hz.
        channels: of the output.
        score: file name, "" if none.
        instrument: fingerprint.
        start_ramp: whether the stream began with the start-up fade.
        inputs: channels that came in.
        heard: file name of what did, beside the log; "" if that was not kept.
    """

    sample_rate: int
    channels: int
    score: str = ""
    instrument: str = ""
    start_ramp: bool = True
    inputs: int = 0
    heard: str = ""


LATER = ("inputs", "heard")
"""Fields that a log of an earlier rtsynth lacks."""


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One command, carried out at `frame`; `op` is `end` for the end of the performance."""

    frame: int
    op: str
    args: tuple[Value, ...] = ()

    def command(self) -> Command:
        """The command, validated.

        Raises:
            RtsynthError: it is none.
        """
        return parse(self.op, self.args)


class PerformanceLog:
    """Writes a log; a context manager."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        engine: EnginePort,
        *,
        score: str = "",
        instrument: str = "",
        start_ramp: bool = True,
        inputs: int = 0,
        heard: str = "",
    ) -> None:
        self._engine = engine
        try:
            self._file: IO[str] | None = Path(path).open("w", encoding="utf-8")
        except OSError as error:
            raise FileFormatError(f"{path}: cannot write the log ({error.strerror})") from None
        header = LogHeader(
            engine.sample_rate, engine.channels, score, instrument, start_ramp, inputs, heard
        )
        self._line({"rtsynth_log": LOG_VERSION, **dataclasses.asdict(header)})

    def write(self, frame: int, op: str, args: Sequence[Value]) -> None:
        """Add a command that was carried out at a frame."""
        finite = [None if isinstance(a, float) and math.isinf(a) else a for a in args]
        self._line({"frame": frame, "op": op, "args": finite})

    def flush(self) -> None:
        """Hand what was written to the system."""
        if self._file is not None:
            self._file.flush()

    def close(self, frame: int | None = None) -> None:
        """Write the end at a frame, the engine's if not given. Twice is once."""
        if self._file is not None:
            self._line({"frame": self._engine.frame if frame is None else frame, "op": END})
            self._file.close()
            self._file = None

    def __enter__(self) -> "PerformanceLog":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _line(self, fields: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(fields, allow_nan=False) + "\n")


def read_log(path: str | os.PathLike[str]) -> tuple[LogHeader, list[Record]]:
    """Read and validate a log; one that lacks its end (a crash) is taken as far as it goes.

    Raises:
        FileFormatError: damaged; the message names the line.
        NewerVersionError: written by a later rtsynth.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            header = _header(path, _json(path, 1, file.readline(MAX_LINE)))
            records: list[Record] = []
            number = 2
            while line := file.readline(MAX_LINE):
                earliest = records[-1].frame if records else 0
                if records and records[-1].op == END:
                    raise FileFormatError(f"{path}, line {number}: something after the end")
                records.append(_record(path, number, _json(path, number, line), earliest))
                number += 1
    except OSError as error:
        raise FileFormatError(f"{path}: cannot read the log ({error.strerror})") from None
    except UnicodeDecodeError:
        raise FileFormatError(f"{path}: not a text file, so no log") from None
    return header, records


def replay(session: "Session", records: deque[Record], up_to_frame: int) -> int:
    """Submit, and take from `records`, those due before a frame, each at exactly its own.

    A command whose event does not exist yet is left out: live, it had been sent before its turn and
    met nothing either.

    Returns:
        how many were submitted.

    Raises:
        QueueFullError: call again after the next block; the rest is still in `records`.
    """
    count = 0
    while records and records[0].frame < up_to_frame:
        record = records[0]
        if record.op != END:
            try:
                session.submit([record.command()], frame=record.frame)
                count += 1
            except UnknownNameError:
                pass
        records.popleft()
    return count


def _json(path: object, number: int, line: str) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise FileFormatError(f"{path}, line {number}: not a JSON object")
    return fields


def _header(path: object, fields: dict[str, Any]) -> LogHeader:
    version = fields.get("rtsynth_log")
    if type(version) is not int or version < 1:
        raise FileFormatError(f"{path}, line 1: no rtsynth log", field="rtsynth_log")
    if version > LOG_VERSION:
        raise NewerVersionError(f"{path}: log version {version}; this rtsynth reads {LOG_VERSION}")
    fields = {f.name: f.default for f in dataclasses.fields(LogHeader) if f.name in LATER} | fields
    for field in dataclasses.fields(LogHeader):
        if type(fields.get(field.name)).__name__ != getattr(field.type, "__name__", field.type):
            raise FileFormatError(f"{path}, line 1: {field.name} is missing or wrong")
    header = LogHeader(**{f.name: fields[f.name] for f in dataclasses.fields(LogHeader)})
    if not (1_000 <= header.sample_rate <= 768_000 and 1 <= header.channels <= 64):
        raise FileFormatError(f"{path}, line 1: sample_rate or channels out of range")
    if not 0 <= header.inputs <= 2 or Path(header.heard).name != header.heard:
        raise FileFormatError(f"{path}, line 1: inputs out of range, or heard is no file name")
    return header


def _record(path: object, number: int, fields: dict[str, Any], earliest: int) -> Record:
    frame, op, args = fields.get("frame"), fields.get("op"), fields.get("args", [])
    if type(frame) is not int or not earliest <= frame <= MAX_FRAME:
        raise FileFormatError(
            f"{path}, line {number}: frame = {str(frame)[:40]}; legal: whole, from {earliest}"
        )
    if not isinstance(op, str) or not isinstance(args, list):
        raise FileFormatError(f"{path}, line {number}: needs op (a text) and args (a list)")
    record = Record(frame, op, tuple(args))
    if op != END:
        try:
            record.command()
        except RtsynthError as error:
            raise FileFormatError(f"{path}, line {number}: {error}") from None
    return record
