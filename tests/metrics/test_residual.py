"""The noise statistic and the tonality tell noise from tones and clicks."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter
from scipy.signal import lfilter

from rtsynth.metrics import noise_w1, residual_w1, stft_magnitude, tonality

RATE = 22_050
COUNT = 4 * RATE
TIME = np.arange(COUNT) / RATE
RANDOM = np.random.default_rng(3)
WHITE = RANDOM.normal(0.0, 0.1, COUNT)
TONES = sum(
    np.exp(-1.2 * TIME) * np.sin(2 * np.pi * f * TIME)
    for f in (220.0, 441.0, 700.0, 1500.0, 3000.0)
)


def w1(sound: np.ndarray) -> float:
    value = noise_w1(stft_magnitude(sound, 1024, 256) ** 2)
    assert value is not None
    return value


@pytest.mark.parametrize("gain", [1e-3, 1.0, 10.0])
def test_white_noise_is_noise_at_any_gain(gain: float) -> None:
    assert w1(gain * WHITE) < 0.03


def test_coloured_decaying_noise_is_noise() -> None:
    coloured = lfilter([1.0], [1.0, -0.9], WHITE) * np.exp(-0.8 * TIME)
    assert w1(coloured) < 0.03


def test_tones_stand_out_and_clicks_most() -> None:
    clicks = np.zeros(COUNT)
    clicks[RANDOM.integers(0, COUNT, 30)] = 1.0
    tones, mixed = w1(np.asarray(TONES)), w1(TONES + 0.05 * np.std(TONES) / 0.1 * WHITE)
    assert 0.1 < mixed < tones
    assert w1(clicks) > 0.6


def test_taking_the_tones_away_leaves_noise_whatever_their_phase() -> None:
    noise = 0.05 * np.std(TONES) / 0.1 * WHITE
    turned = sum(
        np.exp(-1.2 * TIME) * np.cos(2 * np.pi * f * TIME)
        for f in (220.0, 441.0, 700.0, 1500.0, 3000.0)
    )
    before = residual_w1(TONES + noise, 0.0 * TIME)
    after = residual_w1(TONES + noise, np.asarray(turned))
    assert before is not None
    assert after is not None
    assert after < 0.5 * before


def test_nothing_left_has_no_statistic() -> None:
    assert residual_w1(WHITE, WHITE) is None
    assert tonality(np.zeros(5000)) is None


def test_tonality_is_near_0_for_noise_and_near_1_for_tones() -> None:
    noisy, tonal = tonality(lfilter([1.0], [1.0, -0.9], WHITE)), tonality(np.sin(2765.0 * TIME))
    assert noisy is not None
    assert tonal is not None
    assert noisy < 0.05  # a steep colour near 0 Hz counts a little
    assert tonal > 0.95


def test_a_long_sound_has_the_statistic_of_its_pieces_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = residual_w1(TONES + WHITE, 0.0 * TIME), tonality(TONES + WHITE)
    monkeypatch.setattr("rtsynth.metrics.spectral.CHUNK", 50)
    assert residual_w1(TONES + WHITE, 0.0 * TIME) == pytest.approx(whole[0], abs=1e-12)
    assert tonality(TONES + WHITE) == pytest.approx(whole[1], abs=1e-12)


def test_the_distance_is_that_of_sorted_ratios_to_quantiles() -> None:
    power = stft_magnitude(TONES + WHITE, 1024, 256) ** 2
    ratios = np.sort((power / uniform_filter(power, 17, mode="nearest")).ravel())
    quantiles = -np.log(1.0 - (np.arange(len(ratios)) + 0.5) / len(ratios))
    assert noise_w1(power) == pytest.approx(np.mean(np.abs(ratios - quantiles)), abs=1e-4)
