"""Merge and split by bits, on sounds whose right score is known."""

import copy
import dataclasses

import numpy as np
import pytest

from rtsynth.decompose.bits import event_bits, sound_bits
from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.regroup import _split, merge_doubled, regroup, split_fused

RATE = 22_050
LENGTH = 3 * RATE
NOISE = 1e-4


def resonance(pitch_hz: float) -> Resonance:
    """Six stiff harmonics."""
    number = np.arange(1, 7)
    random = np.random.default_rng(round(pitch_hz))
    phase = np.exp(2j * np.pi * random.uniform(0, 1, 6))
    freq = pitch_hz * number * np.sqrt(1.0 + 4e-4 * number**2)
    t60_s = np.asarray(1.5 / number**0.5, np.float64)
    amplitude = np.asarray(0.2 * phase / number, np.complex128)
    return Resonance(Modes(freq, t60_s, amplitude), pitch_hz=pitch_hz)


BANK = [resonance(hz) for hz in (262.0, 330.0, 523.0, 415.0)]
RIGHT = [
    Strike(2_000, 0, 1.0), Strike(9_000, 1, 0.7), Strike(9_000, 0, 0.5), Strike(30_000, 2, 0.4),
    Strike(31_000, 3, 0.8, held=9_000), Strike(38_000, 0, 0.6),
]  # fmt: skip


def sound_of(strikes: list[Strike]) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0.0, NOISE, LENGTH)
    return Draft(RATE, LENGTH, strikes, BANK).model() + noise


def fit_of(strikes: list[Strike], true: list[Strike]) -> Fit:
    """A fit whose draft says `strikes`, to the sound of `true`."""
    return Fit(sound_of(true), Draft(RATE, LENGTH, copy.deepcopy(strikes), BANK))


def told(fit: Fit) -> list[tuple[int, int, float]]:
    found = [(s.onset, s.resonance, round(s.gain, 2)) for s in fit.draft.strikes]
    return sorted(found)


def score(strikes: list[Strike]) -> list[tuple[int, int, float]]:
    return sorted((s.onset, s.resonance, round(s.gain, 2)) for s in strikes)


def test_a_right_score_stays_as_it_is() -> None:
    fit = fit_of(RIGHT, RIGHT)
    before = fit.residual.copy()
    assert regroup(fit) == (0, 0)
    assert told(fit) == score(RIGHT)
    np.testing.assert_allclose(fit.residual, before, atol=1e-9)  # full scale


def test_an_event_written_twice_becomes_one() -> None:
    halves = [
        dataclasses.replace(RIGHT[0], gain=0.6), dataclasses.replace(RIGHT[0], gain=0.4),
        *RIGHT[1:],
    ]  # fmt: skip
    fit = fit_of(halves, RIGHT)
    assert merge_doubled(fit) == 1
    assert told(fit) == score(RIGHT)


def test_an_echo_that_is_not_there_goes_and_the_event_gets_its_level_back() -> None:
    doubled = [
        dataclasses.replace(RIGHT[0], gain=0.8), Strike(RIGHT[0].onset + 500, 0, 0.2), *RIGHT[1:]
    ]  # fmt: skip
    fit = fit_of(doubled, RIGHT)
    assert merge_doubled(fit) == 1
    assert told(fit) == score(RIGHT)


def test_two_strikes_that_are_there_40_ms_apart_stay_two() -> None:
    true = [*RIGHT, Strike(RIGHT[0].onset + 882, 0, 0.7)]
    assert regroup(fit_of(true, true)) == (0, 0)


def test_a_key_struck_again_within_an_event_is_found_to_the_sample() -> None:
    fused = [strike for strike in RIGHT if strike.onset != 38_000]
    fit = fit_of(fused, RIGHT)
    assert split_fused(fit) == 1
    assert told(fit) == score(RIGHT)


def test_two_resonances_at_one_onset_are_told_apart() -> None:
    fused = [strike for strike in RIGHT if (strike.onset, strike.resonance) != (9_000, 1)]
    fit = fit_of(fused, RIGHT)
    assert split_fused(fit) == 1
    assert told(fit) == score(RIGHT)


@pytest.mark.parametrize("wrong", ["fused", "doubled"])
def test_a_second_run_changes_nothing_and_two_runs_agree(wrong: str) -> None:
    strikes = RIGHT[:-1] if wrong == "fused" else [*RIGHT, Strike(2_100, 0, 0.1)]
    fits = [fit_of(strikes, RIGHT) for _ in range(2)]
    assert regroup(fits[0]) == regroup(fits[1])
    assert told(fits[0]) == told(fits[1])
    assert regroup(fits[0]) == (0, 0)


def test_what_is_left_is_what_the_changed_score_leaves() -> None:
    fit = fit_of([*RIGHT[:-1], Strike(2_100, 0, 0.1)], RIGHT)
    regroup(fit)
    left = fit.signal - fit.draft.model()
    np.testing.assert_allclose(fit.residual, left, atol=1e-9)  # full scale


def test_noise_costs_half_a_bit_per_sample_and_factor_of_two_of_power() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, 8 * RATE)
    saved = sound_bits(noise) - sound_bits(0.5 * noise)
    assert saved / len(noise) == pytest.approx(1.0, rel=0.03)  # bits per sample
    assert sound_bits(np.zeros(RATE)) == 0.0


def test_what_an_event_says_more_costs_more() -> None:
    plain = event_bits(Strike(0, 0, 1.0), RATE, 8)
    held = event_bits(Strike(0, 0, 1.0, held=99), RATE, 8)
    shaped = event_bits(Strike(0, 0, 1.0, offset_db=np.zeros(6)), RATE, 8)
    assert plain < held < shaped


def test_a_refused_split_leaves_everything_as_it_was() -> None:
    fit = fit_of(RIGHT, RIGHT)
    before = fit.residual.copy()
    gains = [strike.gain for strike in fit.draft.strikes]
    strike = fit.draft.strikes[0]
    assert not _split(fit, strike, Strike(strike.onset + 3_000, strike.resonance, 0.2))
    assert [one.gain for one in fit.draft.strikes] == gains
    np.testing.assert_allclose(fit.residual, before, atol=1e-12)


def test_a_strike_on_the_wrong_resonance_changes_place_with_the_right_one() -> None:
    wrong = [dataclasses.replace(strike) for strike in RIGHT]
    moved = next(strike for strike in wrong if (strike.onset, strike.resonance) == (9_000, 1))
    moved.resonance = 2
    fit = fit_of(wrong, RIGHT)
    split_fused(fit)
    there = [s for s in fit.draft.strikes if s.onset == 9_000 and s.gain > 0.05]
    assert 1 in {strike.resonance for strike in there}
    assert all(strike.gain > 0.0 for strike in fit.draft.strikes)
