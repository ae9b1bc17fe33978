"""Damped modes are pursued and moved to where they are, and only those that start at the onset."""

import numpy as np
import pytest

from rtsynth.decompose.damped import poles, project, ring
from rtsynth.decompose.mode import modes_at
from rtsynth.decompose.pursue import choose_modes, explained, pursue_poles, pursued_modes
from rtsynth.decompose.pursue_grid import Grid
from rtsynth.decompose.pursue_refine import fit_poles, refine_poles

RATE = 44_100
FREQ = np.array([220.0, 447.0, 681.0, 2350.0])
T60 = np.array([3.0, 1.5, 0.8, 0.5])
AMPLITUDE = np.array([0.5, 0.3j, -0.2, 0.1 + 0.1j])
S = poles(FREQ, T60, RATE)


def test_frequency_within_a_tenth_of_a_hertz_and_t60_within_2_percent() -> None:
    sound = np.concatenate([np.zeros(4000), ring(S, AMPLITUDE, RATE // 2)])
    modes, _ = pursued_modes(sound, RATE, 4000, 2000, RATE // 2)
    for freq, t60, amplitude in zip(FREQ, T60, AMPLITUDE, strict=True):
        nearest = int(np.argmin(np.abs(modes.freq_hz - freq)))
        assert modes.freq_hz[nearest] == pytest.approx(freq, abs=0.1)
        assert modes.t60_s[nearest] == pytest.approx(t60, rel=0.02)
        assert abs(modes.amplitude[nearest] - amplitude) < 0.02


def test_two_modes_3_hertz_apart_are_told_apart_in_400_ms() -> None:
    s = poles(np.array([440.0, 443.0]), np.array([2.0, 1.5]), RATE)
    sound = ring(s, np.array([0.4, 0.3j]), round(0.4 * RATE))
    sound = sound + 1e-4 * np.random.default_rng(1).normal(size=len(sound))
    modes, _ = pursued_modes(sound, RATE, 0, 0, len(sound), 2)
    np.testing.assert_allclose(np.sort(modes.freq_hz), [440.0, 443.0], atol=0.2)


def test_what_rang_before_is_no_new_mode() -> None:
    old = ring(S[:1], AMPLITUDE[:1], RATE)
    sound = old.copy()
    sound[RATE // 2 :] += ring(S[1:], AMPLITUDE[1:], RATE - RATE // 2)
    modes, fresh = pursued_modes(sound, RATE, RATE // 2, 6000, 12_000)
    near_old = np.abs(modes.freq_hz - FREQ[0]) < 5.0
    assert np.abs(modes.amplitude[near_old]).sum() < 0.02  # of an old amplitude of 0.5
    new = ring(S[1:], AMPLITUDE[1:], len(fresh))
    assert np.sum((fresh - new)[300:] ** 2) < 0.003 * np.sum(new**2)


def test_a_mode_that_is_damped_at_the_onset_is_not_taken_out_of_what_follows() -> None:
    sound = ring(S, AMPLITUDE, RATE)
    sound[RATE // 2 :] = ring(S[3:], AMPLITUDE[3:], RATE - RATE // 2)
    _, fresh = pursued_modes(sound, RATE, RATE // 2, 6000, 12_000)
    wanted = sound[RATE // 2 :][: len(fresh)]
    assert np.sum((fresh - wanted) ** 2) < 0.02 * np.sum(wanted**2)


def test_refined_poles_explain_more_and_end_where_the_modes_are() -> None:
    sound = ring(S, AMPLITUDE, 20_000)
    near = poles(FREQ * 1.0004, T60 * 1.4, RATE)
    begun, refined = fit_poles(near, sound), refine_poles(near, sound, RATE, 12, 0.0)
    assert refined.explained > begun.explained
    np.testing.assert_allclose(refined.s.imag, S.imag, rtol=1e-5)
    np.testing.assert_allclose(refined.s.real, S.real, rtol=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_refining_never_explains_less(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = rng.normal(size=4000)
    s = poles(rng.uniform(100.0, 5000.0, 12), rng.uniform(0.03, 3.0, 12), RATE)
    found = refine_poles(s, sound, RATE, 6)
    assert found.explained >= fit_poles(s, sound).explained
    left = sound - ring(found.s, found.amplitude, len(sound))
    assert found.explained == pytest.approx(float(sound @ sound - left @ left), rel=1e-6)


def test_taking_a_mode_out_of_the_grid_equals_looking_again() -> None:
    sound = np.random.default_rng(0).normal(size=6000)
    one, other = Grid(6000, RATE), Grid(6000, RATE)
    one.look(sound)
    one.take(complex(S[1]), 0.3 - 0.2j)
    other.look(sound - ring(S[1:2], np.array([0.3 - 0.2j]), 6000))
    scale = float(np.abs(other.correlations).max())
    np.testing.assert_allclose(one.correlations, other.correlations, atol=1e-9 * scale)
    assert one.best() == other.best()


def test_the_grids_correlations_are_inner_products_with_its_exponentials() -> None:
    sound = np.random.default_rng(0).normal(size=3000)
    grid = Grid(3000, RATE)
    grid.look(sound)
    some = np.arange(0, len(grid.s), 97)
    np.testing.assert_allclose(grid.correlations[some], project(grid.s[some], sound), atol=1e-9)


def test_modes_do_not_cancel_one_another() -> None:
    sound = np.random.default_rng(2).normal(size=9000) * np.exp(-np.arange(9000) / 1500.0)
    found = pursue_poles(sound, RATE, 32)
    own = np.sum(np.abs(found.amplitude) ** 2 / (-4.0 * found.s.real))
    assert own < 4.0 * float(sound @ sound)


def test_the_better_of_both_is_chosen_at_every_onset() -> None:
    rng = np.random.default_rng(5)
    sound = np.concatenate([np.zeros(4000), ring(S, AMPLITUDE, 20_000)])
    sound += 0.02 * rng.normal(size=len(sound))
    shares = [
        explained(sound, RATE, 4000, take(sound, RATE, 4000, 2000, 18_000, 8))
        for take in (modes_at, pursued_modes, choose_modes)
    ]
    assert shares[2] == max(shares)
    assert 0.9 < shares[2] <= 1.0


@pytest.mark.parametrize("length", [0, 100, 1500])
def test_silence_and_what_is_too_short_have_no_modes(length: int) -> None:
    modes, fresh = pursued_modes(np.zeros(4000 + length), RATE, 4000, 2000, 20_000)
    assert len(modes) == 0
    assert len(fresh) == length


def test_no_modes_in_a_second_of_silence() -> None:
    modes, fresh = pursued_modes(np.zeros(RATE), RATE, 4000, 2000, 20_000)
    assert (len(modes), len(fresh)) == (0, 20_000)
