"""Clips are what their truth says; MIDI goes out and comes back."""

import importlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tools' modules by name."""
    for folder in ("data", "compare"):
        monkeypatch.syspath_prepend(str(TOOLS / folder))
    return importlib.import_module


def test_notes_written_are_the_notes_read(tool: Any, tmp_path: Path) -> None:
    midi = tool("midi")
    notes = [
        midi.Note(0.1, 0.9, 60, 80),
        midi.Note(0.5, 200.0, 64, 1),
        midi.Note(0.9, 1.0, 60, 127),
    ]
    midi.write_midi(tmp_path / "a.mid", {40: notes[:2], 0: notes[2:]})
    found = midi.read_midi(tmp_path / "a.mid").notes
    assert [(n.pitch, n.velocity) for n in found] == [(60, 80), (64, 1), (60, 127)]
    for note, wanted in zip(found, notes, strict=True):
        assert note.onset_s == pytest.approx(wanted.onset_s, abs=3e-4)  # half a tick
        assert note.end_s == pytest.approx(wanted.end_s, abs=3e-4)


def test_tempo_changes_running_status_and_pedal_are_read(tool: Any, tmp_path: Path) -> None:
    track = b"\x00\x90\x3c\x40" + b"\x60\x3c\x00"  # 96 ticks at 120 bpm: 0.5 s; running status
    track += b"\x00\xff\x51\x03\x0f\x42\x40" + b"\x60\xb0\x40\x7f"  # 60 bpm: 96 ticks are 1 s
    track += b"\x81\x40\x90\x3e\x50" + b"\x00\xc0\x05" + b"\x60\x80\x3e\x00" + b"\x00\xff\x2f\x00"
    head = struct.pack(">4sIHHH", b"MThd", 6, 0, 1, 96)
    path = tmp_path / "b.mid"
    path.write_bytes(head + struct.pack(">4sI", b"MTrk", len(track)) + track)
    piece = tool("midi").read_midi(path)
    assert [(n.onset_s, n.end_s, n.pitch) for n in piece.notes] == [(0.0, 0.5, 60), (3.5, 4.5, 62)]
    assert piece.pedal == [(1.5, 127)]


def test_the_pedal_holds_notes_until_their_key_is_struck_again(tool: Any) -> None:
    midi, clips = tool("midi"), tool("make_clips")
    struck = [midi.Note(1.0, 1.2, 60, 80), midi.Note(1.1, 1.3, 64, 80), midi.Note(2.0, 4.5, 60, 80)]
    piece = midi.Piece(struck, [(0.5, 127), (3.0, 0)])
    found = clips.excerpt(piece, 1.0, 5.0)
    assert [n.onset_s for n in found] == pytest.approx([0.0, 0.1, 1.0])
    assert [n.end_s for n in found] == pytest.approx([1.0, 2.0, 3.5])


def test_the_stems_of_a_clip_sum_to_it(tool: Any, tmp_path: Path) -> None:
    clips, measure = tool("make_clips"), tool("decompose_measure")
    random = np.random.default_rng(0)
    parts = [
        clips.Part(
            t, 0.5, 60, 80, "C4", random.normal(0.0, 0.1, 22_050) * np.linspace(1, 0, 22_050)
        )
        for t in (0.7, 0.2, 0.8)
    ]
    whole = clips.total(parts, 1.2)
    clips.save(tmp_path, "x", clips.Clip("here", "ours", whole, parts))
    clip = measure.read_clip(tmp_path / "x.wav")
    assert clip.truth is not None
    assert [event.onset_s for event in clip.truth.events] == [0.2, 0.7, 0.8]
    laid = np.zeros(len(clip.sound))
    for stem in clip.stems:
        laid[stem.first : stem.first + len(stem.samples)] += stem.samples
    clear = slice(0, int(1.1 * 44_100))  # the end is faded, the mean taken away
    assert np.abs(laid - laid.mean() - clip.sound)[clear].max() < 3e-3
    assert np.abs(soundfile.read(tmp_path / "x.wav")[0]).max() == pytest.approx(0.7, abs=1e-3)
    assert json.loads((tmp_path / "x.json").read_text())["licence"] == "ours"


def test_a_pursuit_removes_what_its_atom_promises(tool: Any) -> None:
    pursuit = tool("plain_pursuit")
    signal = np.random.default_rng(1).normal(0.0, 0.1, 40_000)
    residual = np.pad(signal, 2_048)
    scale = pursuit.Scale.of("gabor", 2_048, len(residual))
    scale.refresh(residual, 0, len(scale.gain))
    frame = int(scale.gain.argmax())
    promised, before = scale.gain[frame], np.sum(residual**2)
    scale.take(residual, frame)
    assert before - np.sum(residual**2) == pytest.approx(promised, rel=1e-4)


@pytest.mark.parametrize("kind", ["gabor", "damped"])
def test_a_planted_atom_is_found_by_one_pick(tool: Any, kind: str) -> None:
    pursuit = tool("plain_pursuit")
    signal, size = np.zeros(30_000), 2_048
    shape = pursuit.window(kind, size)
    first = 10 * size // pursuit.HOPS_PER_SIZE
    signal[first : first + size] = shape * np.cos(2 * np.pi * 100 / size * np.arange(size) + 0.7)
    (made, _), (more, _) = pursuit.pursue(signal, kind, [1, 3])
    assert np.sum((signal - made) ** 2) < 1e-4 * np.sum(signal**2)
    assert np.sum((signal - more) ** 2) <= np.sum((signal - made) ** 2)


def rows() -> dict[tuple[str, str], dict[str, Any]]:
    good = {"events_per_note": 1.0, "note_f1": 0.95, "onset_f1": 1.0, "onset_offset_ms": -2.0}
    good |= {
        "values_per_s": 40.0,
        "log_mag": 0.1,
        "sc": 0.1,
        "mos": 4.5,
        "tonality": 0.1,
        "w1": 0.02,
    }
    return {
        ("d04_piano_bach", "rtsynth"): {**good, "stem_si_sdr_db": 12.0},
        ("d04_piano_bach", "floor"): {"mos": 3.5},
        ("d04_piano_bach", "mp-gabor-200"): {"log_mag": 0.15},
    }


def test_a_target_met_passes_and_one_not_measured_says_so(tool: Any) -> None:
    found = tool("decompose_targets").verdicts(rows())
    assert {v.verdict for v in found} == {"pass", "not measured"}
    assert [v.number for v in found] == sorted(v.number for v in found)
    assert sum(v.verdict == "pass" for v in found) == 13


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("onset_offset_ms", -3.5),
        ("stem_si_sdr_db", None),
        ("mos", 3.4),
        ("log_mag", 0.3),
        ("w1", 1),
    ],
)
def test_a_target_missed_falls_short(tool: Any, name: str, value: float | None) -> None:
    changed = rows()
    changed["d04_piano_bach", "rtsynth"][name] = value
    found = tool("decompose_targets").verdicts(changed)
    assert any(v.verdict == "falls short" for v in found)


def test_the_page_names_every_method_and_what_failed(tool: Any, tmp_path: Path) -> None:
    some = rows()
    some["d05_drums", "rtsynth"] = {"failed": "no memory"}
    text = tool("decompose_page").save(tmp_path, some, "the command", ["a note"])
    assert "| d05_drums | **rtsynth** | failed: no memory |" in text
    assert "d05" in next(line for line in text.splitlines() if "residual tonality" in line)
    assert "mp-gabor-200" in text
    assert text.count("the command") == 1
    assert json.loads((tmp_path / "decompose.json").read_text())["rows"]
    tool("decompose_page").draw(some, tmp_path / "decompose.png")
    assert (tmp_path / "decompose.png").stat().st_size > 5_000
