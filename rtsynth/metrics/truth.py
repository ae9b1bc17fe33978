"""What is known to sound in a recording, and its JSON file. Thread: main.

    {"events": [{"t": 0.05, "dur": 1.2, "pitch": 60, "vel": 80, "label": "C4"}, …]}

`t` is the onset in seconds. `dur` (seconds), `pitch` (MIDI number), `vel` (0 … 127) and `label` may
be missing or null. `"events": null` says that nothing is known. Other keys are ignored.
"""

import dataclasses
import json
import os
from typing import Any

from rtsynth.errors import FileFormatError

__all__ = ["TrueEvent", "Truth", "read_truth", "truth_from"]

MAX_FILE_BYTES = 64 << 20
FIELDS = {
    "t": (0.0, 360_000.0, "seconds"),
    "dur": (0.0, 360_000.0, "seconds"),
    "pitch": (0.0, 127.0, "a MIDI number"),
    "vel": (0.0, 127.0, "a MIDI velocity"),
}


@dataclasses.dataclass(frozen=True)
class TrueEvent:
    """One key struck, string bowed, drum hit.

    Attributes:
        onset_s: seconds.
        duration_s: seconds; None if unknown.
        pitch: MIDI number; None for what has none.
        velocity: 0 … 127; None if unknown.
        label: for people.
    """

    onset_s: float
    duration_s: float | None = None
    pitch: float | None = None
    velocity: float | None = None
    label: str = ""


@dataclasses.dataclass(frozen=True)
class Truth:
    """All events of a recording.

    Attributes:
        events: by onset.
    """

    events: tuple[TrueEvent, ...]

    @property
    def notes(self) -> tuple[TrueEvent, ...]:
        """Those with a pitch."""
        return tuple(event for event in self.events if event.pitch is not None)


def read_truth(path: str | os.PathLike[str]) -> Truth | None:
    """The truth in a file; None if it says that nothing is known.

    Raises:
        FileFormatError: no JSON, or not of the form above; the message says where.
        OSError: the file cannot be opened.
    """
    name = os.fspath(path)
    size = os.path.getsize(name)
    if size > MAX_FILE_BYTES:
        raise FileFormatError(f"{name}: {size} bytes; legal: at most {MAX_FILE_BYTES}")
    with open(name, "rb") as file:
        content = file.read()
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{name}: is no JSON ({error}); {_LEGAL}") from None
    return truth_from(data, name)


def truth_from(data: Any, source: str = "truth") -> Truth | None:
    """The truth in decoded JSON, as `read_truth`.

    Args:
        data: what the JSON holds.
        source: what to call it in messages.
    """
    if not isinstance(data, dict) or "events" not in data:
        shown = sorted(data)[:8] if isinstance(data, dict) else type(data).__name__
        raise FileFormatError(f"{source}: holds {shown}; {_LEGAL}")
    if data["events"] is None:
        return None
    if not isinstance(data["events"], list):
        raise FileFormatError(f"{source}: events = {_short(data['events'])}; {_LEGAL}")
    found = [_event(entry, f"{source}: events[{i}]") for i, entry in enumerate(data["events"])]
    return Truth(tuple(sorted(found, key=lambda event: event.onset_s)))


_LEGAL = 'legal: {"events": [{"t": seconds, "dur": …, "pitch": …, "vel": …, "label": …}, …]}'


def _event(entry: Any, where: str) -> TrueEvent:
    if not isinstance(entry, dict):
        raise FileFormatError(f"{where} = {_short(entry)}; {_LEGAL}")
    onset = _number(entry, "t", where)
    if onset is None:
        raise FileFormatError(f"{where} has no onset t; give it in seconds", field="t")
    label = entry.get("label")
    if label is not None and not isinstance(label, str):
        raise FileFormatError(f"{where}.label = {_short(label)}; legal: text", field="label")
    return TrueEvent(
        onset,
        _number(entry, "dur", where),
        _number(entry, "pitch", where),
        _number(entry, "vel", where),
        label or "",
    )


def _number(entry: dict[str, Any], name: str, where: str) -> float | None:
    value = entry.get(name)
    if value is None:
        return None
    low, high, unit = FIELDS[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # a NaN fails every comparison
        raise FileFormatError(
            f"{where}.{name} = {_short(value)}; legal: {low:g} … {high:g}, {unit}", field=name
        )
    return float(value)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
