"""Missed, mistaken and needless strikes, told by how their keys' other strikes sound."""

import copy
import dataclasses

import numpy as np
import pytest

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.keyboard import key_hz
from rtsynth.decompose.keys.likeness import likenesses, onsets_of
from rtsynth.decompose.keys.recognise import recognise
from rtsynth.decompose.prune import lift_gains

RATE = 22_050.0
SECONDS = 6.0
LOW, HIGH, OTHER = 0, 1, 2  # two keys an octave apart, and a fifth between them
PITCHES = [key_hz(57.0), key_hz(69.0), key_hz(64.0)]


def string(pitch_hz: float, seed: int) -> Resonance:
    """Twelve partials of a stiff string at random phases, and a hammer's noise."""
    random = np.random.default_rng(seed)
    order = np.arange(1, 13)
    freq_hz = pitch_hz * order * np.sqrt(1.0 + 2e-4 * order**2)
    amplitude = 0.2 / order * np.exp(2j * np.pi * random.random(12))
    attack = 0.05 * random.standard_normal(441) * np.hanning(882)[441:]
    return Resonance(Modes(freq_hz, 2.5 / np.sqrt(order), amplitude), attack, pitch_hz=pitch_hz)


def played() -> Draft:
    """Each key three times by itself and with others; the last chord is the octave."""
    struck = [
        (0.3, [LOW]), (0.9, [HIGH]), (1.5, [OTHER]), (2.1, [LOW, OTHER]), (2.7, [HIGH]),
        (3.3, [OTHER]), (3.9, [LOW]), (4.5, [HIGH, OTHER]), (5.1, [LOW, HIGH]),
    ]  # fmt: skip
    strikes = [
        Strike(round(time * RATE), key, 0.6 + 0.1 * (number % 4), seen_gain=1.0)
        for number, (time, keys) in enumerate(struck)
        for key in keys
    ]
    return Draft(
        RATE, round(SECONDS * RATE), strikes, [string(p, i) for i, p in enumerate(PITCHES)]
    )


TRUE = played()
NOISE = 1e-3 * np.random.default_rng(9).standard_normal(TRUE.length)


def fit_of(draft: Draft) -> Fit:
    return Fit(TRUE.model() + NOISE, draft)


def notes(draft: Draft) -> list[tuple[int, int]]:
    """Onset in frames and resonance of every strike."""
    return sorted((strike.onset, strike.resonance) for strike in draft.strikes)


def without(resonance: int, onset_s: float) -> tuple[Draft, Strike]:
    """A draft that lacks one strike, and that one."""
    draft = copy.deepcopy(TRUE)
    near = [
        s for s in draft.strikes if abs(s.onset - onset_s * RATE) < 1 and s.resonance == resonance
    ]
    draft.strikes.remove(near[0])
    return draft, near[0]


def test_an_onset_is_like_the_keys_struck_there_and_not_like_their_octaves() -> None:
    fit = fit_of(copy.deepcopy(TRUE))
    chords = onsets_of(fit.draft.strikes, RATE)
    alike = likenesses(fit, chords)
    own = [alike[s.resonance][n] for n, chord in enumerate(chords) for s in chord.strikes]
    foreign = [
        alike[key][n].likeness
        for n, chord in enumerate(chords)
        for key in (LOW, HIGH, OTHER)
        if chord.of(key) is None
    ]
    assert min(found.likeness for found in own) > max(foreign) + 2.0
    for number, chord in enumerate(chords):
        for strike in chord.strikes:
            assert alike[strike.resonance][number].frame == strike.onset  # to the sample


def test_own_strikes_are_as_like_where_nothing_else_is_compared() -> None:
    fit = fit_of(copy.deepcopy(TRUE))
    onsets = onsets_of(fit.draft.strikes, RATE)
    every, own = likenesses(fit, onsets), likenesses(fit, onsets, elsewhere=False)
    for key in (LOW, HIGH, OTHER):
        for number, onset in enumerate(onsets):
            if onset.of(key):
                assert own[key][number] == every[key][number]
            else:
                assert own[key][number].others == 0


def test_strikes_within_30_ms_are_one_chord() -> None:
    strikes = [Strike(0, 0, 1.0), Strike(600, 1, 1.0), Strike(700, 2, 1.0), Strike(5_000, 0, 1.0)]
    assert [len(chord.strikes) for chord in onsets_of(strikes, RATE)] == [2, 1, 1]


@pytest.mark.parametrize(
    ("resonance", "onset_s"), [(HIGH, 5.1), (LOW, 5.1), (OTHER, 2.1), (OTHER, 4.5)]
)
def test_a_key_missed_in_a_chord_is_found_to_the_sample_and_as_loud(
    resonance: int, onset_s: float
) -> None:
    draft, lost = without(resonance, onset_s)
    fit = fit_of(draft)
    assert recognise(fit) == (1, 0)
    assert notes(draft) == notes(TRUE)
    found = draft.strikes[-1]
    assert 20.0 * abs(np.log10(found.gain / lost.gain)) < 1.0  # dB
    np.testing.assert_allclose(fit.residual, fit.signal - draft.model(), atol=1e-8)


def test_nothing_is_added_to_or_taken_from_what_is_right() -> None:
    draft = copy.deepcopy(TRUE)
    assert recognise(fit_of(draft), sure=True) == (0, 0)
    assert notes(draft) == notes(TRUE)


def test_a_strike_is_compared_with_its_keys_others_alone() -> None:
    """What a resonance sounds like is one thing, what was struck another."""
    draft = copy.deepcopy(TRUE)
    draft.strikes = [s for s in draft.strikes if s.resonance != HIGH]
    draft.strikes += [Strike(round(t * RATE), HIGH, 0.7) for t in (0.9, 2.4)]
    fit = Fit(TRUE.model() + NOISE, draft)
    fit.residual = fit.signal - TRUE.model()  # the one at 2.4 s is there and was never struck
    onsets = onsets_of(draft.strikes, RATE)
    alike = likenesses(fit, onsets)[HIGH]
    at = [n for n, onset in enumerate(onsets) if onset.of(HIGH)]
    assert [alike[n].others for n in at] == [1, 1]
    assert likenesses(fit, onsets)[HIGH][at[0]].likeness > 5.0
    lone = Draft(RATE, draft.length, [Strike(100, HIGH, 1.0)], draft.resonances)
    assert likenesses(Fit(NOISE, lone), onsets_of(lone.strikes, RATE))[HIGH][0].others == 0


@pytest.mark.parametrize("late_s", [0.012, 0.021, 0.029])
def test_a_chord_may_be_spread_over_30_ms(late_s: float) -> None:
    """What is missing in it is found up to 20 ms from what is known."""
    truth = copy.deepcopy(TRUE)
    late = next(s for s in truth.strikes if s.onset == round(5.1 * RATE) and s.resonance == HIGH)
    late.onset += round(late_s * RATE)
    signal = truth.model() + NOISE
    assert recognise(Fit(signal, copy.deepcopy(truth)), sure=True) == (0, 0)
    if late_s > 0.02:
        return
    draft = copy.deepcopy(truth)
    draft.strikes = [s for s in draft.strikes if (s.onset, s.resonance) != (late.onset, HIGH)]
    assert recognise(Fit(signal, draft)) == (1, 0)
    assert notes(draft) == notes(truth)


@pytest.mark.parametrize("early_s", [0.008, 0.015])
def test_a_key_missed_before_the_first_of_a_chord_is_found_to_the_sample(early_s: float) -> None:
    truth = copy.deepcopy(TRUE)
    early = next(s for s in truth.strikes if s.onset == round(4.5 * RATE) and s.resonance == OTHER)
    early.onset -= round(early_s * RATE)
    draft = copy.deepcopy(truth)
    draft.strikes = [s for s in draft.strikes if (s.onset, s.resonance) != (early.onset, OTHER)]
    assert recognise(Fit(truth.model() + NOISE, draft)) == (1, 0)
    assert notes(draft) == notes(truth)


@pytest.mark.parametrize("gap_s", [0.032, 0.038, 0.05])
def test_a_strike_between_two_onsets_is_one(gap_s: float) -> None:
    truth = copy.deepcopy(TRUE)
    first = round(5.6 * RATE)
    truth.strikes += [
        Strike(first, LOW, 0.7),
        Strike(first + round(gap_s * RATE / 2), HIGH, 0.7),
        Strike(first + round(gap_s * RATE), OTHER, 0.7),
    ]
    draft = copy.deepcopy(truth)
    del draft.strikes[-2]
    recognise(Fit(truth.model() + NOISE, draft))
    struck = [s for s in draft.strikes if s.resonance == HIGH and s.onset >= first - 500]
    assert len(struck) <= 1


def test_a_faint_strike_that_is_no_copy_is_forgotten_and_a_faint_copy_stays() -> None:
    draft, truth = copy.deepcopy(TRUE), copy.deepcopy(TRUE)
    quiet = next(s for s in truth.strikes if s.resonance == OTHER and s.onset == round(4.5 * RATE))
    quiet.gain = 0.1
    draft.strikes = [dataclasses.replace(strike) for strike in truth.strikes]
    draft.strikes.append(Strike(round(0.3 * RATE), OTHER, 0.05))
    fit = Fit(truth.model() + NOISE, draft)
    assert recognise(fit) == (0, 1)
    assert notes(draft) == notes(truth)
    np.testing.assert_allclose(fit.residual, fit.signal - draft.model(), atol=1e-8)


def test_an_onset_is_left_one_strike() -> None:
    """What was struck there sounds like none of the keys; something was."""
    draft = copy.deepcopy(TRUE)
    place = round(5.7 * RATE)
    draft.strikes += [Strike(place, LOW, 0.03), Strike(place, OTHER, 0.02)]
    signal = TRUE.model() + NOISE
    burst = 0.2 * np.random.default_rng(1).standard_normal(2_000) * np.exp(-np.arange(2_000) / 300)
    signal[place : place + 2_000] += burst
    recognise(Fit(signal, draft))
    assert len([strike for strike in draft.strikes if strike.onset == place]) == 1


def test_strikes_of_a_string_that_are_no_copies_all_stay() -> None:
    """Each with phases of its own, as a guitar's: least squares makes most of them faint."""
    signal, draft = NOISE.copy(), copy.deepcopy(TRUE)
    for number, strike in enumerate(draft.strikes):
        other = string(PITCHES[strike.resonance], 100 + number)
        one = Draft(RATE, draft.length, [dataclasses.replace(strike, resonance=0)], [other])
        signal += one.model()
        strike.gain *= 0.1 + 0.9 * (number % 3 == 0)
    assert recognise(Fit(signal, draft), sure=True)[1] == 0


def test_a_key_that_was_learned_as_another_is_that_key() -> None:
    """Both strikes of a made-up key two octaves and a third higher are the low key's."""
    draft = copy.deepcopy(TRUE)
    draft.resonances.append(
        dataclasses.replace(copy.deepcopy(TRUE.resonances[LOW]), pitch_hz=key_hz(85.0))
    )
    wrong = [s for s in draft.strikes if s.resonance == LOW][::2]
    gains = [strike.gain for strike in wrong]
    for strike in wrong:
        strike.resonance = 3
    assert recognise(fit_of(draft)) == (0, 0)  # too soon
    fit = fit_of(draft)
    assert recognise(fit, sure=True) == (2, 2)
    assert notes(draft) == notes(TRUE)
    found = sorted(draft.strikes[-2:], key=lambda strike: strike.onset)
    np.testing.assert_allclose([strike.gain for strike in found], gains, rtol=0.02)
    np.testing.assert_allclose(fit.residual, fit.signal - draft.model(), atol=1e-8)


def test_a_key_struck_once_stays_beside_one_that_was_missed() -> None:
    truth = copy.deepcopy(TRUE)
    truth.resonances.append(string(key_hz(76.0), 7))  # the low key's third partial
    place = round(5.7 * RATE)
    truth.strikes += [Strike(place, 3, 0.6), Strike(place, LOW, 0.6)]
    draft = copy.deepcopy(truth)
    del draft.strikes[-1]
    assert recognise(Fit(truth.model() + NOISE, draft), sure=True) == (1, 0)
    assert notes(draft) == notes(truth)


def test_what_another_key_has_learned_as_its_own_is_found_by_its_likeness() -> None:
    """The only strike of the high key with another one holds a third key's sound as well."""
    truth, draft = copy.deepcopy(TRUE), copy.deepcopy(TRUE)
    place = round(5.7 * RATE)
    high = string(key_hz(76.0), 7)
    truth.resonances.append(high)
    truth.strikes += [Strike(place, 3, 0.7), Strike(place, LOW, 0.5)]
    own, low = high.modes, TRUE.resonances[LOW]
    share = 0.5 / 0.7
    both = Modes(
        np.concatenate([own.freq_hz, low.modes.freq_hz]),
        np.concatenate([own.t60_s, low.modes.t60_s]),
        np.concatenate([own.amplitude, share * low.modes.amplitude]),
    )
    draft.resonances.append(
        Resonance(both, high.attack + share * low.attack, pitch_hz=key_hz(76.0))
    )
    draft.strikes.append(Strike(place, 3, 0.7))
    signal = truth.model() + NOISE
    assert recognise(Fit(signal, copy.deepcopy(draft))) == (0, 0)
    assert recognise(Fit(signal, draft), sure=True)[0] == 1
    assert (place, LOW) in notes(draft)


def test_at_last_nothing_is_added() -> None:
    draft, _ = without(HIGH, 5.1)
    assert recognise(fit_of(draft), adding=False) == (0, 0)


def test_noise_of_strikes_that_are_no_copies_is_neither_added_nor_replaced() -> None:
    random = np.random.default_rng(4)
    draft = Draft(RATE, TRUE.length, [], [string(pitch, i) for i, pitch in enumerate(PITCHES)])
    draft.strikes = [Strike(round((0.3 + 0.5 * n) * RATE), n % 3, 0.3) for n in range(10)]
    fit = Fit(0.1 * random.standard_normal(TRUE.length), draft)
    assert recognise(fit, sure=True)[0] == 0


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_strikes_at_the_ends_and_silence_are_no_trouble(level: float) -> None:
    draft = copy.deepcopy(TRUE)
    draft.resonances.append(Resonance(Modes.none(), pitch_hz=440.0))
    draft.strikes += [Strike(0, HIGH, 0.5), Strike(draft.length - 1, LOW, 0.5)]
    draft.strikes += [Strike(3_000, 3, 0.5), Strike(9_000, 3, 0.5)]
    signal = level * draft.model()
    for fit in (Fit(signal, draft), Fit(draft.model(), draft)):
        recognise(fit, sure=True)
        assert all(0 <= strike.onset < draft.length for strike in draft.strikes)
        np.testing.assert_allclose(fit.residual, fit.signal - draft.model(), atol=1e-8)


def test_a_strike_found_by_its_waveform_lifts_no_others() -> None:
    """It has no level in a spectrum that the others' could be compared with."""
    draft = copy.deepcopy(TRUE)
    found, *others = [s for s in draft.strikes if s.resonance == LOW]
    found.seen_gain = 0.0
    for strike in others:
        strike.gain *= 0.3
    before = [strike.gain for strike in draft.strikes]
    lift_gains(fit_of(draft))
    assert [strike.gain for strike in draft.strikes] == before
