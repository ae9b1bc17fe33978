"""The strike: shaped noise at any age, and an attack read at any rate."""

import numpy as np
import pytest

from rtsynth.dsp.strike import add_attack, strike_noise
from tests.dsp import twins

LENGTH = 1234.5  # frames


def shape(points: int = 64, taps: int = 32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    envelope = rng.uniform(0.0, 1.0, points).astype(np.float32)
    return envelope, (rng.normal(size=taps) / np.sqrt(taps)).astype(np.float32)


def noise(age: int, count: int, seed: int = 3) -> np.ndarray:
    envelope, taps = shape()
    out = np.full(count, np.nan)
    strike_noise(np.uint64(seed), age, LENGTH, envelope, taps, np.zeros(count + 31), out)
    return out


def test_strike_noise_equals_its_twin_within_1e_12() -> None:
    envelope, taps = (a.astype(float) for a in shape())
    expected = twins.strike(3, LENGTH, envelope, taps, 1400)
    assert np.abs(noise(0, 1400) - expected).max() < 1e-12


def test_any_stretch_of_a_strike_may_be_made_by_itself() -> None:
    whole = noise(0, 1400)
    for age in (1, 31, 32, 777, 1200):
        assert np.array_equal(noise(age, 32), whole[age : age + 32])


def test_a_strike_is_silent_before_its_onset_and_after_its_end() -> None:
    assert not noise(-40, 40).any()
    assert np.array_equal(noise(-10, 32)[10:], noise(0, 22))
    assert noise(1234, 1)[0] != 0.0
    assert not noise(1235, 64).any()


def attack_of(frames: int, position: float, rate: float, gain: float = 1.0) -> np.ndarray:
    wave = np.sin(np.arange(100, dtype=np.float32) / 5.0).astype(np.float32) + 1.0
    out = np.zeros(frames, np.float32)
    for at in range(0, frames, 32):  # tick by tick, as the engine does
        last = min(32, frames - at)
        position = add_attack(wave, position, rate, gain, gain, 0, last, out[at : at + last])
    return out


@pytest.mark.parametrize("rate", [1.0, 0.5, 2.0, 1.4983])
@pytest.mark.parametrize("position", [0.0, 17.25, 98.9])
def test_an_attack_equals_linear_interpolation_within_1e_5(rate: float, position: float) -> None:
    wave = np.sin(np.arange(100) / 5.0) + 1.0
    place = position + rate * np.arange(256)
    expected = 0.5 * np.interp(place, np.arange(101), np.append(wave, 0.0), right=0.0)
    assert np.abs(attack_of(256, position, rate, 0.5) - expected).max() < 1e-5


def test_an_attack_played_as_learned_is_the_waveform_itself() -> None:
    wave = np.random.default_rng(0).normal(size=50).astype(np.float32)
    out = np.zeros(64, np.float32)
    assert add_attack(wave, 0.0, 1.0, 1.0, 1.0, 5, 32, out) == 27.0
    assert not out[:5].any()
    assert np.array_equal(out[5:32], wave[:27])
