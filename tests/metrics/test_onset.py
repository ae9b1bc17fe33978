"""Onset scores count a largest one-to-one matching."""

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtsynth.metrics import events_per_note, match_onsets, onset_scores, rates

times = st.lists(st.integers(0, 2000), max_size=25, unique=True)


@given(times, times)
def test_f1_agrees_with_mir_eval(true_ms: list[int], found_ms: list[int]) -> None:
    if not true_ms or not found_ms:
        return
    truth, found = np.sort(true_ms) / 1000 + 1e-5, np.sort(found_ms) / 1000
    theirs = mir_eval.onset.f_measure(truth, found, window=0.05)[0]
    assert onset_scores(truth, found).f1 == pytest.approx(theirs)


def test_one_found_onset_matches_one_true_one() -> None:
    assert match_onsets([1.0, 1.01], [1.005]) == [(1.0, 1.005)]


def test_median_offset_is_found_minus_true() -> None:
    scores = onset_scores([1.0, 2.0, 3.0], [1.003, 2.003, 3.003])
    assert scores.f1 == 1.0
    assert scores.median_offset_s == pytest.approx(0.003)


def test_nothing_to_find_and_nothing_found_is_perfect() -> None:
    assert onset_scores([], []).f1 == 1.0
    assert onset_scores([], [1.0]).f1 == 0.0
    assert events_per_note(3, 0) is None
    assert rates(0, 0, 0.0)["events_per_s"] is None
    assert rates(10, 50, 5.0)["bits_per_s"] == 160.0
