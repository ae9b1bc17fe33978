"""What is known of a recording is read warily, and a score is measured against it."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtsynth.errors import FileFormatError
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import event_pitches, read_truth, score_against, truth_from


def scene() -> tuple[Score, Instrument]:
    instrument = Instrument.blank(4, 1)
    instrument.names[:] = ["C4", "E4", "r2", "floor"]
    events = [
        Event(1, onset_s=0.5, resonance=0),
        Event(2, onset_s=0.501, resonance=1, transpose=3.0),
        Event(3, onset_s=1.504, resonance=0, transpose=-1.0),
        Event(4, onset_s=2.0, resonance=2),
        Event(5, kind=Kind.TEXTURE, resonance=3),
        Event(6, onset_s=2.5, resonance=0, muted=True),
    ]
    return Score(EventTable(events), seconds=3.0), instrument


def test_a_truth_is_read_and_sorted(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    first = {"t": 0.5, "dur": 1, "pitch": 60, "vel": 80, "label": "C4", "else": [1]}
    path.write_text(json.dumps({"events": [{"t": 2.0, "pitch": None}, first], "source": "x"}))
    truth = read_truth(path)
    assert truth is not None
    assert [event.onset_s for event in truth.events] == [0.5, 2.0]
    assert truth.notes == truth.events[:1]
    assert truth.notes[0].label == "C4"
    assert truth_from({"events": None}) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "list"),
        ({"notes": []}, "notes"),
        ({"events": 3}, "events = 3"),
        ({"events": [3]}, "events[0] = 3"),
        ({"events": [{"t": 0.0}, {"dur": 1.0}]}, "events[1] has no onset"),
        ({"events": [{"t": "soon"}]}, 'events[0].t = "soon"'),
        ({"events": [{"t": True}]}, "events[0].t = true"),
        ({"events": [{"t": -1.0}]}, "0 … 360000, seconds"),
        ({"events": [{"t": math.nan}]}, "events[0].t = NaN"),
        ({"events": [{"t": 1e999}]}, "Infinity"),
        ({"events": [{"t": 10**400}]}, "legal: 0 … 360000"),
        ({"events": [{"t": 1.0, "pitch": 128}]}, "0 … 127, a MIDI number"),
        ({"events": [{"t": 1.0, "vel": -1}]}, "a MIDI velocity"),
        ({"events": [{"t": 1.0, "dur": -1}]}, "dur = -1"),
        ({"events": [{"t": 1.0, "label": 4}]}, "label = 4; legal: text"),
    ],
)
def test_a_malformed_truth_is_told_with_its_place(data: Any, said: str) -> None:
    with pytest.raises(FileFormatError) as raised:
        truth_from(data, "song.json")
    assert "song.json" in str(raised.value)
    assert said in str(raised.value)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"RIFF....WAVE", b"[" * 100_000])
def test_what_is_no_json_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="no JSON"):
        read_truth(path)


def test_pitches_are_names_and_transpositions() -> None:
    assert event_pitches(*scene()) == pytest.approx([60.0, 67.0, 59.0, np.nan], nan_ok=True)


def test_a_score_is_measured_by_onsets_notes_and_economy() -> None:
    struck = [(0.5, 60), (0.5, 67), (1.5, 59), (2.4, 62)]
    truth = truth_from({"events": [{"t": t, "pitch": p} for t, p in struck]})
    assert truth is not None
    found = score_against(*scene(), truth)
    assert found["events_per_note"] == 1.0
    assert found["note_f1"] == pytest.approx(2 * 3 / (3 + 4))  # 3 right of 3 pitched, 4 true
    assert found["onset_f1"] == pytest.approx(2 / 3)  # the chord counts once
    assert found["onset_f1_10ms"] == pytest.approx(2 / 3)
    assert found["onset_offset_ms"] == pytest.approx(2.0)


def test_a_truth_without_notes_has_no_note_score() -> None:
    truth = truth_from({"events": [{"t": 0.5, "pitch": None}]})
    assert truth is not None
    found = score_against(*scene(), truth)
    assert found["note_f1"] is None
    empty = score_against(Score(EventTable([])), scene()[1], truth)
    assert empty["onset_f1"] == 0.0
    assert empty["onset_offset_ms"] is None
    json.dumps(empty, allow_nan=False)
