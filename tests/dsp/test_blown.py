"""Blown noise is as loud as its bands say, in every grain and between them."""

import numpy as np
import pytest

from rtsynth.dsp.blown import BREATH, IN_PHASE, blown_grain
from rtsynth.dsp.fft import BINS, GRAIN, fft_tables
from rtsynth.dsp.texture import HOP, band_spans, band_weights, grain_window, texture_grain
from rtsynth.instrument import NOISE_BANDS, NOISE_EDGES_HZ
from tests.dsp import twins

RATE = 48_000
WEIGHTS = band_weights(NOISE_EDGES_HZ, RATE)
SPANS, TABLES, WINDOW = band_spans(WEIGHTS), fft_tables(), grain_window()
FLAT = np.zeros(NOISE_BANDS, np.float32)
GAINS = np.random.default_rng(0).uniform(0.02, 0.1, NOISE_BANDS).astype(np.float32)
EQUAL = np.full(NOISE_BANDS, 0.05, np.float32)


def grain(
    index: int, seed: int = 8, db: np.ndarray = FLAT, gains: np.ndarray = GAINS
) -> np.ndarray:
    data = np.full((3, GRAIN), 7.0, np.float32)
    blown_grain(np.uint64(seed), index, gains, db, WEIGHTS, SPANS, WINDOW, TABLES, data)
    found: np.ndarray = data[0]
    return found


def noise(grains: int, blown: bool = True) -> np.ndarray:
    """[(grains − 1)·HOP] of overlap-added grains of equal bands, once they are whole."""
    sound, data = np.zeros((grains + 1) * HOP), np.zeros((3, GRAIN), np.float32)
    for index in range(grains):
        texture_grain(np.uint64(8), index, EQUAL, FLAT, FLAT, 0.0, WEIGHTS, SPANS, TABLES, data)
        sound[index * HOP :][:GRAIN] += WINDOW * (grain(index, gains=EQUAL) if blown else data[0])
    return sound[HOP : grains * HOP]


def band_power(sound: np.ndarray) -> np.ndarray:
    """[frames, bands] mean square within each band, in frames between the grains' own."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, GRAIN)[HOP // 2 :: HOP] * WINDOW
    power = 2.0 * np.abs(np.fft.rfft(frames)[:, :BINS]) ** 2 / (GRAIN * np.sum(WINDOW**2))
    inside = (WEIGHTS > 0.0).astype(float)
    inside /= np.maximum(inside.sum(axis=0), 1.0)
    share: np.ndarray = power @ inside.T
    return share


def test_a_grain_equals_its_twin_within_3e_5_of_its_peak() -> None:
    db = np.linspace(-12.0, 6.0, NOISE_BANDS).astype(np.float32)
    for index in (-1, 0, 5, 10**6):
        white = twins.white(8 ^ int(BREATH), (index + 1) * HOP, GRAIN) * WINDOW
        spectrum = np.fft.rfft(white)[1:BINS]
        power = (GAINS * 10.0 ** (db / 20.0)) ** 2 @ WEIGHTS.astype(float)
        whole = np.zeros(BINS + 1, complex)
        whole[1:BINS] = np.sqrt(0.5 / IN_PHASE * power[1:]) * spectrum / np.abs(spectrum)
        expected = np.fft.irfft(whole, GRAIN) * GRAIN
        assert np.abs(grain(index, db=db) - expected).max() < 3e-5 * np.abs(expected).max()


def test_every_grain_has_exactly_the_power_of_its_bands() -> None:
    power = np.array([np.mean(np.square(grain(k), dtype=float)) for k in range(20)])
    wanted = np.sum(GAINS.astype(float) ** 2 @ WEIGHTS[:, 1:]) / IN_PHASE
    assert power == pytest.approx(wanted, rel=1e-4)


def test_bands_keep_their_level_and_fluctuate_a_quarter_less_than_a_texture() -> None:
    """Levels within 1 dB in the mean; in frames between grains, in bands of 6 bins and more."""
    blown, texture = (10.0 * np.log10(band_power(noise(400, b))) for b in (True, False))
    wide = np.diff(SPANS, axis=1)[:, 0] >= 6
    mean = 10.0 * np.log10(np.mean(10.0 ** (blown / 10.0), axis=0))
    assert np.abs(mean - 20.0 * np.log10(EQUAL))[wide].max() < 1.0
    assert (blown.std(axis=0) / texture.std(axis=0))[wide].max() < 0.75


def test_other_seeds_and_distant_grains_are_uncorrelated() -> None:
    grains = [grain(k, seed) for seed in (1, 2) for k in (0, 2, 4, 6)]
    correlation = np.corrcoef(grains) - np.eye(len(grains))
    assert np.abs(correlation).max() < 5.0 / np.sqrt(2 * 250)


def test_blown_noise_is_no_other_event_s_noise() -> None:
    """Strikes read white noise of their own seed, in steps of 1 from event to event."""
    sound = noise(40)
    for seed in (7, 8, 9):
        white = twins.white(seed, 0, len(sound) + 2 * GRAIN)
        likeness = np.correlate(white, sound, "valid")
        likeness /= np.linalg.norm(sound) * np.sqrt(len(sound))
        assert np.abs(likeness).max() < 6.0 / np.sqrt(len(sound))
