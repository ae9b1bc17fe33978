"""The floor has the loudness of every band and no event; the ear-like score stands beside it."""

import builtins
import json
from typing import Any

import numpy as np
import pytest

from rtsynth.metrics import ear_scores, flac_bits, mean_opinion, noise_vocoder, stft_magnitude

RATE = 16_000
TIME = np.arange(2 * RATE) / RATE
NOISE = np.random.default_rng(0).normal(0.0, 0.1, 2 * RATE)
TONES = np.sin(2 * np.pi * 440.0 * TIME) * np.exp(-2.0 * (TIME % 0.5))


def band_energy(sound: np.ndarray) -> np.ndarray:
    power = stft_magnitude(sound, 1024, 256) ** 2
    return np.asarray(power[:, 1:].reshape(len(power), 16, 32).sum(2))


def test_the_floor_keeps_the_energy_and_is_noise() -> None:
    made = noise_vocoder(TONES, RATE)
    assert len(made) == len(TONES)
    # frames of a tone are not in phase with each other any more: up to 3 dB less where they overlap
    assert 0.5 < np.sum(made**2) / np.sum(TONES**2) < 1.0
    assert abs(np.corrcoef(made, TONES)[0, 1]) < 0.1


def test_the_floor_of_coloured_noise_has_its_colour() -> None:
    coloured = np.convolve(NOISE, [1.0, 0.5], "same")
    ratio = band_energy(noise_vocoder(coloured, RATE)).sum(0) / band_energy(coloured).sum(0)
    assert np.abs(10 * np.log10(ratio)).max() < 1.0  # dB


def test_the_floor_is_the_same_noise_for_a_seed_and_another_for_another() -> None:
    assert np.array_equal(noise_vocoder(NOISE, RATE, seed=3), noise_vocoder(NOISE, RATE, seed=3))
    assert not np.allclose(noise_vocoder(NOISE, RATE, seed=3), noise_vocoder(NOISE, RATE, seed=4))


@pytest.mark.parametrize("count", [0, 1, 37, 5_000])
def test_silence_stays_silent_at_any_length(count: int) -> None:
    assert np.array_equal(noise_vocoder(np.zeros(count), RATE), np.zeros(count))


def test_the_floor_in_many_pieces_is_the_floor_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = noise_vocoder(NOISE, RATE)
    monkeypatch.setattr("rtsynth.metrics.vocoder.CHUNK", 7)
    assert noise_vocoder(NOISE, RATE) == pytest.approx(whole, abs=1e-12)


def test_the_same_sound_scores_better_than_the_floor() -> None:
    pytest.importorskip("zimtohrli")
    scores = ear_scores(TONES, TONES, RATE)
    assert scores["mos"] == pytest.approx(5.0, abs=0.05)
    assert scores["mos_floor"] is not None
    assert 1.0 <= scores["mos_floor"] < 4.5


def test_without_the_package_there_is_no_ear_like_score(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "zimtohrli":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    assert ear_scores(TONES, TONES, RATE) == {"mos": None, "mos_floor": None}


def test_nothing_to_hear_has_no_score() -> None:
    assert mean_opinion(np.zeros(RATE), np.zeros(RATE), RATE) is None
    assert mean_opinion(np.ones(10), np.ones(10), RATE) is None
    json.dumps(ear_scores(np.zeros((0, 2)), np.zeros(0), RATE), allow_nan=False)


def test_a_quieter_residual_costs_fewer_bits() -> None:
    loud, quiet = flac_bits(NOISE, RATE), flac_bits(NOISE / 16.0, RATE)
    assert loud is not None
    assert quiet is not None
    assert loud - quiet == pytest.approx(4.0, abs=0.3)  # bits per sample; 16 is 2⁴
    silent = flac_bits(np.zeros(10 * RATE), RATE)
    assert silent is not None
    assert silent < 0.5
    assert flac_bits(np.zeros(0), RATE) is None


def test_flac_bits_of_many_blocks_are_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = flac_bits(NOISE, RATE)
    monkeypatch.setattr("rtsynth.metrics.information.BLOCK_S", 0.6)
    assert flac_bits(NOISE, RATE) == pytest.approx(whole, rel=0.2)
