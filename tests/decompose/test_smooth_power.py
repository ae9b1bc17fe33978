"""Power is never negative, and as large as the sound says."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from rtsynth.decompose.smooth_power import smooth_power


def test_silence_after_a_loud_sound_has_no_power_rather_than_less() -> None:
    sound = np.zeros(20_000)
    sound[:5_000] = np.random.default_rng(1).standard_normal(5_000)
    assert uniform_filter1d(sound**2, 240).min() < 0.0, "what it is there for"
    power = smooth_power(sound, 240)
    assert power.min() == 0.0
    assert np.abs(power[1_000:4_000].mean() - 1.0) < 0.1


def test_channels_are_smoothed_each_by_itself() -> None:
    both = np.zeros((2, 100))
    both[1, 50] = 3.0
    power = smooth_power(both, 9, "nearest")
    assert not power[0].any()
    assert abs(power[1].sum() - 9.0) < 1e-12
