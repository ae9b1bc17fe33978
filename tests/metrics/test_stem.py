"""A soloed event against the stem it stands for."""

import numpy as np
import pytest

from rtsynth.metrics import Placed, stem_scores, stem_si_sdr

RANDOM = np.random.default_rng(5)
STEM = RANDOM.normal(0.0, 0.1, 8_000)
NOISE = RANDOM.normal(0.0, 0.1, 8_000)


def test_a_tenth_of_noise_is_20_db_at_any_gain() -> None:
    for gain in (1.0, 0.01):
        solo = Placed(100, gain * (STEM + 0.1 * NOISE))
        assert stem_si_sdr(Placed(100, STEM), solo) == pytest.approx(20.0, abs=0.3)


def test_the_same_sound_is_at_the_top_and_silence_at_the_bottom() -> None:
    assert stem_si_sdr(Placed(7, STEM), Placed(7, STEM)) == 200.0
    assert stem_si_sdr(Placed(7, STEM), Placed(7, 0.0 * STEM)) == -200.0
    assert stem_si_sdr(Placed(7, STEM), Placed(9_000, STEM)) == -200.0
    assert stem_si_sdr(Placed(7, 0.0 * STEM), Placed(7, STEM)) is None


def test_what_sounds_beyond_the_stem_counts_as_error() -> None:
    longer = Placed(0, np.concatenate([STEM, STEM]))
    assert stem_si_sdr(Placed(0, STEM), longer) == pytest.approx(0.0, abs=0.2)


def test_what_lies_before_the_recording_is_ignored() -> None:
    early = Placed(-500, np.concatenate([NOISE[:500], STEM]))
    assert stem_si_sdr(Placed(0, STEM), early) == 200.0


def test_a_missing_event_counts_as_the_worst() -> None:
    stems = [Placed(0, STEM)] * 4
    good = Placed(0, STEM + 0.1 * NOISE)
    found = stem_scores(stems, [good, good, good, None])
    assert found.median_db == pytest.approx(20.0, abs=0.3)
    assert found.matched == 0.75
    mostly_missing = stem_scores(stems, [good, None, None, None])
    assert mostly_missing.median_db is None
    assert mostly_missing.matched_median_db == pytest.approx(20.0, abs=0.3)


def test_no_stems_have_no_scores() -> None:
    found = stem_scores([], [])
    assert (found.median_db, found.matched_median_db, found.matched) == (None, None, None)
