"""`rtsynth compare`: sounds, and a score against what was played."""

import json
from pathlib import Path

import pytest

from rtsynth.cli import run
from rtsynth.events import Event, EventTable
from tests.integration.running import write_score
from tests.integration.test_commands import answer

ONSETS_S = (0.2, 0.4, 0.6)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """A score of three events and its sound."""
    table = EventTable([Event(i, onset_s=t) for i, t in enumerate(ONSETS_S, start=1)])
    score, sound = write_score(tmp_path, table), tmp_path / "a.wav"
    assert run(["render", str(score), "-o", str(sound)]) == 0
    return str(score), str(sound)


def write_truth(folder: Path, events: object) -> str:
    path = folder / "truth.json"
    path.write_text(json.dumps({"events": events}))
    return str(path)


def test_a_score_that_holds_what_was_played_is_perfect(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score, sound = files
    truth = write_truth(tmp_path, [{"t": t} for t in ONSETS_S])
    facts = answer(
        *("compare", sound, sound, "--score", score, "--truth", truth), capsys=capsys
    )  # fmt: skip
    assert facts["sc"] == 0.0
    assert facts["flac_bits"] < facts["flac_bits_reference"]
    assert facts["score"]["events"] == 3
    assert facts["score"]["events_per_s"] == pytest.approx(3.0)
    assert facts["score"]["bits_per_s"] == 16 * facts["score"]["values_per_s"]
    assert facts["score"]["onset_f1_10ms"] == 1.0
    assert facts["score"]["onset_offset_ms"] == pytest.approx(0.0, abs=0.01)
    assert facts["score"]["events_per_note"] == 1.0
    assert facts["score"]["note_f1"] is None


def test_a_score_without_a_truth_says_what_it_costs(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    score, sound = files
    assert run(["compare", sound, sound, "--score", score]) == 0
    said = capsys.readouterr().out
    assert "values_per_s" in said
    assert "onset_f1" not in said


def test_half_the_onsets_missed_and_late_ones_are_told(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score, sound = files
    late = [{"t": t - 0.02} for t in (*ONSETS_S, 0.8, 0.9, 0.95)]
    facts = answer(
        *("compare", sound, sound, "--score", score),
        *("--truth", write_truth(tmp_path, late)),
        capsys=capsys,
    )
    assert facts["score"]["onset_f1"] == pytest.approx(2 / 3)
    assert facts["score"]["onset_f1_10ms"] == 0.0
    assert facts["score"]["onset_offset_ms"] == pytest.approx(20.0, abs=0.1)
    assert facts["score"]["events_per_note"] == 0.5


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([{"t": -1}], "events[0].t = -1; legal: 0 … 360000, seconds"),
        ([{"t": 0.1, "pitch": 440}], "events[0].pitch = 440; legal: 0 … 127, a MIDI number"),
        (None, "leave --truth out"),
        ("none", 'events = "none"'),
    ],
)
def test_a_bad_truth_is_one_line_that_says_what_is_legal(
    events: object,
    said: str,
    files: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    score, sound = files
    truth = write_truth(tmp_path, events)
    assert run(["compare", sound, sound, "--score", score, "--truth", truth]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_missing_truth_and_a_truth_without_a_score_are_told(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    score, sound = files
    assert run(["compare", sound, sound, "--score", score, "--truth", "nowhere.json"]) == 2
    assert "nowhere.json: No such file" in capsys.readouterr().err
    assert run(["compare", sound, sound, "--truth", "nowhere.json"]) == 2
    assert "--score" in capsys.readouterr().err
