"""Steps of a whole draft at once: the tangent is one, its transpose is too, and less is left."""

import copy
import dataclasses
import importlib

import numpy as np
import pytest

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.newton import settle
from rtsynth.decompose.newton.tangent import Tangent

RATE = 22_050.0
LENGTH = 2 * 22_050
ATTACK = 441
RISE = 11  # samples in 0.5 ms


def string(pitch_hz: float, seed: int) -> Resonance:
    """Eight partials of a stiff string, and a short attack."""
    random = np.random.default_rng(seed)
    order = np.arange(1, 9)
    freq_hz = pitch_hz * order * np.sqrt(1.0 + 4e-4 * order**2)
    amplitude = 0.3 / order * np.exp(2j * np.pi * random.random(8))
    attack = 0.02 * random.standard_normal(ATTACK) * np.hanning(ATTACK)
    attack[0] = -amplitude.real.sum()  # begins from nothing
    t60_s: Float = 1.5 / np.sqrt(order)
    return Resonance(Modes(freq_hz, t60_s, amplitude), attack)


def played() -> Draft:
    """Two strings an octave apart, nearly all partials shared; three strikes, one let go."""
    strikes = [
        Strike(400, 0, 1.0),
        Strike(9_000, 1, 0.6, held=12_000, release_s=0.2),
        Strike(21_000, 0, 0.8),
    ]
    return Draft(RATE, LENGTH, strikes, [string(220.0, 1), string(440.2, 2)])


def missed(truth: Draft) -> Draft:
    """The same with all of it a little wrong."""
    draft, random = copy.deepcopy(truth), np.random.default_rng(5)
    for resonance in draft.resonances:
        modes = resonance.modes
        resonance.modes = Modes(
            modes.freq_hz + 0.1 * random.standard_normal(8),
            modes.t60_s * np.exp(0.15 * random.standard_normal(8)),
            modes.amplitude * (1.0 + 0.15 * random.standard_normal(8)),
        )
        resonance.attack = 0.8 * resonance.attack
    for strike in draft.strikes:
        strike.gain *= float(np.exp(0.2 * random.standard_normal()))
    return draft


def left_db(signal: Float, draft: Draft) -> float:
    left = signal - draft.model()
    return float(10.0 * np.log10(np.sum(left**2) / np.sum(signal**2)))


def weight() -> Float:
    return 1.0 + 0.5 * np.sin(np.arange(LENGTH) / 3_000.0)


def test_the_tangent_is_what_a_small_step_changes_within_2_percent() -> None:
    draft = played()
    tangent = Tangent(draft, weight())
    small = 1e-4 * np.random.default_rng(7).standard_normal(tangent.size)
    changed = (tangent.moved(small).model() - draft.model()) * weight()
    expected = tangent.forward(small)
    for strike in draft.strikes:  # where strikes rise the step is held back
        expected[strike.onset : strike.onset + RISE] = 0.0
        changed[strike.onset : strike.onset + RISE] = 0.0
    assert np.sum((changed - expected) ** 2) < 0.02**2 * np.sum(expected**2)


def test_the_adjoint_is_the_tangents_transpose() -> None:
    tangent, random = Tangent(played(), weight()), np.random.default_rng(11)
    step, change = random.standard_normal(tangent.size), random.standard_normal(LENGTH)
    one, other = tangent.forward(step) @ change, step @ tangent.adjoint(change)
    assert one == pytest.approx(other, rel=1e-4)


def test_a_step_of_1_in_a_level_a_pole_or_a_gain_changes_an_energy_of_about_1() -> None:
    draft = played()
    tangent = Tangent(draft, weight())
    # of the first mode level and pole, real and imaginary part; the first strike's gain
    for number in (0, 8, 16, 24, 32 + ATTACK):
        step = np.zeros(tangent.size)
        step[number] = 1.0
        assert float(np.sum(tangent.forward(step) ** 2)) == pytest.approx(1.0, rel=0.2)


def test_strings_that_share_their_partials_settle_30_db_nearer() -> None:
    truth = played()
    signal = truth.model()
    draft = missed(truth)
    before = left_db(signal, draft)
    fit = Fit(signal, draft)
    settle(fit, 12)
    assert left_db(signal, draft) < before - 30.0
    np.testing.assert_allclose(fit.residual, signal - draft.model(), atol=1e-9)


def test_each_string_becomes_what_it_was_and_not_only_the_sum() -> None:
    truth = played()
    draft = missed(truth)
    settle(Fit(truth.model(), draft), 12)
    for was, now in zip(truth.resonances, draft.resonances, strict=True):
        loud = np.abs(was.modes.amplitude) > 0.05
        np.testing.assert_allclose(now.modes.freq_hz[loud], was.modes.freq_hz[loud], atol=0.02)


def test_no_step_leaves_more_than_there_was() -> None:
    draft = missed(played())
    noise = np.random.default_rng(2).standard_normal(LENGTH)
    fit = Fit(noise, draft)
    left = [float(np.sum((fit.residual * fit.weight) ** 2))]
    for _ in range(4):
        settle(fit, 1)
        left.append(float(np.sum((fit.residual * fit.weight) ** 2)))
    assert left == sorted(left, reverse=True)
    for resonance in draft.resonances:
        assert np.all((resonance.modes.t60_s >= 0.02) & (resonance.modes.t60_s <= 20.0))
        assert np.all((resonance.modes.freq_hz >= 20.0) & (resonance.modes.freq_hz < RATE / 2))
        assert np.all(np.isfinite(resonance.modes.amplitude))


@pytest.mark.parametrize(("times", "taken"), [(3.0, True), (1e4, False)])
def test_a_step_that_goes_too_far_is_halved_or_not_taken(
    times: float, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = importlib.import_module("rtsynth.decompose.newton.settle")
    solve = steps.lsmr
    monkeypatch.setattr(steps, "lsmr", lambda *given: (times * solve(*given)[0],))
    tried: list[Float] = []
    moved = Tangent.moved

    def told(tangent: Tangent, step: Float) -> Draft:
        tried.append(step)
        return moved(tangent, step)

    monkeypatch.setattr(Tangent, "moved", told)
    truth = played()
    draft = missed(truth)
    fit = Fit(truth.model(), draft)
    before = float(np.sum((fit.residual * fit.weight) ** 2))
    known = copy.deepcopy(draft)
    settle(fit, 1)
    assert len(tried) > 1
    np.testing.assert_array_equal(tried[1], 0.5 * tried[0])
    after = float(np.sum((fit.residual * fit.weight) ** 2))
    assert (after < before) == taken
    np.testing.assert_allclose(fit.residual, truth.model() - draft.model(), atol=1e-9)
    if not taken:
        assert [s.gain for s in draft.strikes] == [s.gain for s in known.strikes]
        assert np.array_equal(draft.resonances[0].attack, known.resonances[0].attack)


@pytest.mark.parametrize("gain", [1e-6, 1e-4, 1e-2])
def test_a_strike_turned_down_to_next_to_nothing_does_not_stop_the_others(gain: float) -> None:
    truth = played()
    truth.resonances.append(string(330.0, 9))
    truth.strikes.append(Strike(5_000, 2, 0.3))
    draft = missed(truth)
    draft.strikes[3].gain = gain
    without = left_db(truth.model(), dataclasses.replace(truth, strikes=truth.strikes[:3]))
    settle(Fit(truth.model(), draft), 8)
    assert left_db(truth.model(), draft) < without + 0.5  # dB: the others are right
    assert draft.strikes[3].gain * np.abs(draft.resonances[2].modes.amplitude).max() < 0.3


def test_a_strike_of_gain_0_stays_silent() -> None:
    truth = played()
    draft = missed(truth)
    draft.strikes[2].gain = 0.0
    settle(Fit(truth.model(), draft), 2)
    assert draft.strikes[2].gain == 0.0


def test_a_strike_of_which_a_moment_is_heard_keeps_its_resonance() -> None:
    truth = played()
    draft = missed(truth)
    longer = np.concatenate([string(500.0, 4).attack, np.zeros(4_000)])  # than what is heard
    draft.resonances.append(dataclasses.replace(string(500.0, 4), attack=longer))
    draft.strikes.append(Strike(LENGTH - 1, 2, 1.0))
    known = copy.deepcopy(draft.resonances[2])
    settle(Fit(truth.model(), draft), 5)
    assert np.array_equal(draft.resonances[2].attack, known.attack)
    assert np.array_equal(draft.resonances[2].modes.amplitude, known.modes.amplitude)
    assert left_db(truth.model(), draft) < -25.0


def test_modes_out_of_range_stay_and_do_not_stop_the_others() -> None:
    truth = played()
    low = Modes(np.array([15.0]), np.array([60.0]), np.array([0.1 + 0.0j]))
    truth.resonances.append(Resonance(low))
    truth.strikes.append(Strike(1_000, 2, 1.0))
    draft = missed(Draft(RATE, LENGTH, truth.strikes[:3], truth.resonances[:2]))
    draft.resonances.append(Resonance(low))
    draft.strikes.append(Strike(1_000, 2, 0.9))
    settle(Fit(truth.model(), draft), 8)
    assert left_db(truth.model(), draft) < -25.0


def test_attacks_still_fade_to_nothing() -> None:
    truth = played()
    draft = missed(truth)
    settle(Fit(truth.model(), draft), 3)
    for was, now in zip(missed(truth).resonances, draft.resonances, strict=True):
        changed = np.abs(now.attack - was.attack)
        assert changed.max() > 1e-4  # moved at all
        assert changed[-1] < 1e-3 * changed.max()


def test_strikes_still_begin_from_nothing() -> None:
    truth = played()
    draft = missed(truth)
    for resonance in draft.resonances:
        resonance.attack[0] = -resonance.modes.amplitude.real.sum()
    settle(Fit(truth.model(), draft), 3)
    for resonance in draft.resonances:
        begin = resonance.modes.amplitude.real.sum() + resonance.attack[0]
        assert abs(begin) < 1e-9


def test_a_frozen_resonance_stays_and_its_strikes_find_their_gains() -> None:
    truth = played()
    draft = copy.deepcopy(truth)
    draft.strikes[0].gain, draft.strikes[2].gain = 0.7, 1.1
    known = copy.deepcopy(draft.resonances[0])
    settle(Fit(truth.model(), draft, frozen=frozenset([0])), 4)
    assert np.array_equal(draft.resonances[0].modes.amplitude, known.modes.amplitude)
    assert np.array_equal(draft.resonances[0].modes.freq_hz, known.modes.freq_hz)
    assert np.array_equal(draft.resonances[0].attack, known.attack)
    assert draft.strikes[0].gain == pytest.approx(1.0, rel=0.01)
    assert draft.strikes[2].gain == pytest.approx(0.8, rel=0.01)


def test_two_threads_find_the_same_to_the_bit() -> None:
    truth = played()
    drafts = [missed(truth), missed(truth)]
    for draft, workers in zip(drafts, (1, 2), strict=True):
        settle(Fit(truth.model(), draft), 3, workers=workers)
    one, other = drafts
    for a, b in zip(one.resonances, other.resonances, strict=True):
        assert np.array_equal(a.modes.amplitude, b.modes.amplitude)
        assert np.array_equal(a.attack, b.attack)
    assert [s.gain for s in one.strikes] == [s.gain for s in other.strikes]


def test_resonances_without_modes_or_attack_or_strikes_are_no_error() -> None:
    strikes = [Strike(100, 0, 1.0), Strike(5_000, 1, 0.5), Strike(LENGTH - 3, 2, 1.0)]
    bare = [
        Resonance(Modes.none(), 0.1 * np.hanning(ATTACK)),
        Resonance(string(300.0, 3).modes),
        string(500.0, 4),
        string(600.0, 5),
    ]
    draft = Draft(RATE, LENGTH, strikes, bare)
    signal = draft.model()
    strikes[0].gain, strikes[1].gain = 0.5, 0.6
    settle(Fit(signal, draft), 4)
    assert left_db(signal, draft) < -30.0
    settle(Fit(signal, Draft(RATE, LENGTH, [], [])), 4)  # nothing to settle
