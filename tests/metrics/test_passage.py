"""Of a long sound evenly spread passages are compared, at the same places in both."""

import numpy as np
import pytest

from rtsynth.metrics import compare
from rtsynth.metrics.passage import one_channel, passages

RATE = 100


def test_a_short_sound_is_compared_whole() -> None:
    x, y = passages(np.arange(900.0), np.arange(800.0), RATE)
    assert np.array_equal(x, np.arange(800.0))
    assert np.array_equal(x, y)


def test_passages_of_a_long_sound_reach_from_its_beginning_to_its_end() -> None:
    count = 3_600 * RATE
    x, y = passages(np.arange(count, dtype=float), -np.arange(count, dtype=float), RATE)
    assert np.array_equal(x, -y)
    assert len(x) == 120 * RATE
    assert (x[0], x[-1]) == (0.0, count - 1.0)
    assert np.sum(np.diff(x) != 1.0) == 11  # twelve passages


def test_an_error_at_the_end_of_a_long_sound_is_seen() -> None:
    sound = np.random.default_rng(0).normal(0.0, 0.1, 200 * 8_000)
    other = sound.copy()
    other[-8_000:] = 0.0
    assert (compare(sound, other, 8_000)["snr_db"] or np.inf) == pytest.approx(20.8, abs=0.3)


def test_channels_are_averaged() -> None:
    assert np.array_equal(one_channel([[1.0, 3.0], [0.0, 2.0]]), [2.0, 1.0])
