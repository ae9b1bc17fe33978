"""Damped modes are recovered, and only those that start at the onset."""

import numpy as np
import pytest

from rtsynth.decompose.amplitude import Window, fit_amplitudes, fit_offsets
from rtsynth.decompose.damped import poles, project, ring
from rtsynth.decompose.mode import modes_at

RATE = 44_100
FREQ = np.array([220.0, 447.0, 681.0, 2350.0])
T60 = np.array([3.0, 1.5, 0.8, 0.5])
AMPLITUDE = np.array([0.5, 0.3j, -0.2, 0.1 + 0.1j])
S = poles(FREQ, T60, RATE)


def test_the_block_form_equals_the_plain_sum() -> None:
    time = np.arange(1000)
    plain = (AMPLITUDE[:, None] * np.exp(np.outer(S, time))).sum(axis=0).real
    np.testing.assert_allclose(ring(S, AMPLITUDE, 1000), plain, atol=1e-12)
    inner = np.exp(np.outer(S, time)).conj() @ plain
    np.testing.assert_allclose(project(S, plain), inner, rtol=1e-10)


def test_frequency_within_a_tenth_of_a_hertz_and_t60_within_10_percent() -> None:
    sound = np.concatenate([np.zeros(4000), ring(S, AMPLITUDE, RATE // 2)])
    modes, _ = modes_at(sound, RATE, 4000, 2000, RATE // 2)
    for freq, t60, amplitude in zip(FREQ, T60, AMPLITUDE, strict=True):
        nearest = int(np.argmin(np.abs(modes.freq_hz - freq)))
        assert modes.freq_hz[nearest] == pytest.approx(freq, abs=0.1)
        assert modes.t60_s[nearest] == pytest.approx(t60, rel=0.1)
        assert abs(modes.amplitude[nearest] - amplitude) < 0.03


def test_what_fades_fast_before_an_onset_is_no_new_mode() -> None:
    fading = poles(np.array([220.0]), np.array([0.8]), RATE)  # 9 dB less in the 150 ms before
    sound = ring(fading, np.array([1.0 + 0j]), RATE)
    level = np.exp(-6.9078 * 0.5 / 0.8)
    sound[RATE // 2 :] += 0.5 * level * ring(S[1:], AMPLITUDE[1:], RATE - RATE // 2)
    modes, _ = modes_at(sound, RATE, RATE // 2, int(0.15 * RATE), 12_000)
    near_old = np.abs(modes.freq_hz - 220.0) < 5.0
    assert np.abs(modes.amplitude[near_old]).sum() < 0.03 * level


def test_what_rang_before_is_no_new_mode() -> None:
    old = ring(S[:1], AMPLITUDE[:1], RATE)
    sound = old.copy()
    sound[RATE // 2 :] += ring(S[1:], AMPLITUDE[1:], RATE - RATE // 2)
    modes, fresh = modes_at(sound, RATE, RATE // 2, 6000, 12_000)
    near_old = np.abs(modes.freq_hz - FREQ[0]) < 5.0
    assert np.abs(modes.amplitude[near_old]).sum() < 0.05  # of an old amplitude of 0.5
    new = ring(S[1:], AMPLITUDE[1:], len(fresh))
    assert np.sum((fresh - new)[300:] ** 2) < 0.01 * np.sum(new**2)


def test_closed_form_least_squares_recovers_amplitudes_over_windows() -> None:
    sound = ring(S, AMPLITUDE, 20_000)
    windows = [Window(0.5 * sound[100:9000], 100, 0.5), Window(2.0 * sound[3000:], 3000, 2.0)]
    np.testing.assert_allclose(fit_amplitudes(S, windows, 1e-9), AMPLITUDE, atol=1e-4)


def test_offsets_find_a_mode_struck_harder() -> None:
    factors = np.array([1.0, 2.0, 1.0, 0.5])
    sound = ring(S, factors * AMPLITUDE, 20_000)
    found = fit_offsets(S, AMPLITUDE, Window(sound, 0, 1.0))
    np.testing.assert_allclose(found, factors, atol=0.15)
