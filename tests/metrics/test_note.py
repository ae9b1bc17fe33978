"""Note scores count a largest one-to-one matching by onset and pitch."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsynth.metrics import match_notes, merge_onsets, note_number, note_scores

note = st.tuples(st.integers(0, 400), st.integers(59, 62))
notes = st.lists(note, min_size=1, max_size=20)


def hz(pitch: np.ndarray) -> np.ndarray:
    return np.asarray(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


@given(notes, notes)
def test_f1_agrees_with_mir_eval(
    truth: list[tuple[int, int]], found: list[tuple[int, int]]
) -> None:
    t, tp = np.array(truth, float).T
    f, fp = np.array(found, float).T
    t, f, fp = t / 1000.0 + 1e-5, f / 1000.0, fp + 0.3
    theirs = mir_eval.transcription.precision_recall_f1_overlap(
        np.stack([t, t + 1.0], 1), hz(tp), np.stack([f, f + 1.0], 1), hz(fp), offset_ratio=None
    )
    ours = note_scores(t, tp, f, fp)
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs[:3])


def test_50_ms_and_50_cents_still_match_and_more_do_not() -> None:
    assert match_notes([1.0], [60.0], [1.05], [60.5]) == [(0, 0)]
    assert match_notes([1.0], [60.0], [1.0512], [60.0]) == []
    assert match_notes([1.0], [60.0], [1.0], [60.51]) == []


def test_of_two_largest_matchings_the_one_in_time_is_taken() -> None:
    pairs = match_notes([1.0, 1.04], [60.0, 60.0], [1.041, 1.001], [60.0, 60.0])
    assert pairs == [(0, 1), (1, 0)]


def test_a_larger_matching_beats_a_closer_one() -> None:
    pairs = match_notes([1.0, 1.04], [60.0, 60.0], [1.0, 0.96], [60.0, 60.0])
    assert pairs == [(0, 1), (1, 0)]


def test_an_unknown_pitch_matches_by_onset_alone() -> None:
    assert match_notes([1.0], [np.nan], [1.01], [60.0]) == [(0, 0)]


def test_thousands_of_notes_are_matched_in_pieces() -> None:
    times = np.arange(20_000) * 0.18  # an hour; one dense table of them would take 3 GB
    pitch = 60.0 + np.arange(20_000) % 12
    assert note_scores(times, pitch, times[::-1] + 0.004, pitch[::-1]).f1 == 1.0


def test_nothing_to_find_and_nothing_found_is_perfect() -> None:
    assert note_scores([], [], [], []).f1 == 1.0
    assert note_scores([1.0], [60.0], [], []).f1 == 0.0


@pytest.mark.parametrize(
    ("name", "number"),
    [("C4", 60.0), ("A4", 69.0), ("F#3", 54.0), ("C-1", 0.0), ("A4 bowed", 69.0)],
)
def test_a_note_s_name_is_its_number(name: str, number: float) -> None:
    assert note_number(name) == number


@pytest.mark.parametrize("name", ["", "r12", "floor", "Kick", "H4", "C"])
def test_other_names_are_no_notes(name: str) -> None:
    assert note_number(name) is None


def test_a_chord_s_onsets_count_once() -> None:
    assert merge_onsets([1.05, 1.0, 1.02, 1.031, 1.07]) == [1.0, 1.031, 1.07]
    assert merge_onsets([]) == []
