"""Strikes missed in chords, all of whose partials are partials of the chord's other keys too."""

import copy

import numpy as np
import pytest

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.covered import find_covered
from rtsynth.decompose.keys.unheard import find_unheard
from tests.decompose.strings import RATE, keys_of, string

LOW, FIFTH, THIRD, OCTAVE, TWELFTH = 48, 55, 64, 60, 67  # C3, G3, E4, C4, G4
CHORD_S = 3.9


def played(
    keys: list[int], chord: list[int], *, at_s: float = CHORD_S, late_s: float = 0.0
) -> Draft:
    """Every key twice by itself, then a chord of some; its last key is late."""
    struck = [(0.1 + 0.6 * n, key) for n, key in enumerate(2 * keys)]
    gains = [0.6 + 0.1 * (n % 3) for n in range(len(struck))]
    strikes = [
        Strike(round(time * RATE), keys.index(key), gain)
        for (time, key), gain in zip(struck, gains, strict=True)
        if time < at_s
    ]
    for key in chord:
        late = late_s if key == chord[-1] else 0.0
        strikes.append(Strike(round((at_s + late) * RATE), keys.index(key), 0.7))
    length = round((at_s + 1.5) * RATE)
    return Draft(RATE, length, strikes, [string(key, key) for key in keys])


def missing(
    true: Draft, lost: list[int], *, by: int = 0, level: float = 1.0, share: float = 1.0 / 3.0
) -> Fit:
    """A draft without some strikes, a share of which another key has learned; noise at −66 dB.

    Args:
        true: what is heard.
        lost: places of the strikes, from the end.
        by: resonance that learned them.
        level: at which they are struck.
        share: of them, learned as its own.
    """
    draft = copy.deepcopy(true)
    heir = draft.resonances[by]
    for place in lost:
        true.strikes[place].gain *= level
        gone = draft.resonances[true.strikes[place].resonance].modes
        heir.modes = Modes(
            np.concatenate([heir.modes.freq_hz, gone.freq_hz]),
            np.concatenate([heir.modes.t60_s, gone.t60_s]),
            np.concatenate([heir.modes.amplitude, share * level * gone.amplitude]),
        )
    for place in sorted(place % len(draft.strikes) for place in lost)[::-1]:
        del draft.strikes[place]
    noise = 5e-4 * np.random.default_rng(3).standard_normal(true.length)
    return Fit(true.model() + noise, draft)


def place_of(true: Draft, resonance: int) -> int:
    """Place of a resonance's last strike in time."""
    own = [(s.onset, n) for n, s in enumerate(true.strikes) if s.resonance == resonance]
    return max(own)[1]


@pytest.mark.parametrize(
    ("struck", "missed"), [(LOW, OCTAVE), (OCTAVE, LOW), (LOW, TWELFTH), (THIRD, THIRD + 12)]
)
def test_a_missed_octave_or_twelfth_is_found_above_and_below(struck: int, missed: int) -> None:
    keys = [struck, FIFTH, missed]
    fit = missing(played(keys, keys), [-1])
    (strike,) = find_covered(fit)
    assert keys_of(fit, [strike]) == [(missed, CHORD_S)]
    assert abs(strike.onset - CHORD_S * RATE) <= 1  # samples
    assert strike.gain == pytest.approx(0.7, rel=0.1)


def test_one_struck_5_ms_after_the_others_is_found_there_within_half_a_millisecond() -> None:
    keys = [LOW, FIFTH, OCTAVE]
    (strike,) = find_covered(missing(played(keys, keys, late_s=0.005), [-1]))
    assert abs(strike.onset / RATE - (CHORD_S + 0.005)) < 0.0005


def test_two_that_one_chord_lacks_are_both_found() -> None:
    keys = [LOW, FIFTH, OCTAVE, TWELFTH]
    fit = missing(played(keys, keys), [-1, -2])
    assert sorted(keys_of(fit, find_covered(fit))) == [(OCTAVE, CHORD_S), (TWELFTH, CHORD_S)]


def test_an_octave_is_found_where_a_single_key_was_said_to_be() -> None:
    fit = missing(played([LOW, OCTAVE], [LOW, OCTAVE]), [-1])
    assert keys_of(fit, find_covered(fit)) == [(OCTAVE, CHORD_S)]


def test_nothing_is_found_where_nothing_is_missing_and_nothing_is_changed() -> None:
    keys = [LOW, FIFTH, OCTAVE, TWELFTH]
    fit = missing(played(keys, [LOW, FIFTH]), [])
    before, strikes = fit.residual.copy(), list(fit.draft.strikes)
    assert find_covered(fit) == []
    assert np.array_equal(fit.residual, before)
    assert fit.draft.strikes == strikes


def test_a_key_struck_three_times_as_hard_has_no_octave_for_it() -> None:
    true = played([LOW, FIFTH, OCTAVE], [LOW, FIFTH])
    draft = copy.deepcopy(true)
    true.strikes[-2].gain *= 3.0
    noise = 5e-4 * np.random.default_rng(3).standard_normal(true.length)
    assert find_covered(Fit(true.model() + noise, draft)) == []


def test_a_strike_of_a_quarter_of_its_keys_usual_gain_is_not_looked_for() -> None:
    keys = [LOW, FIFTH, OCTAVE]
    assert find_covered(missing(played(keys, keys), [-1], level=0.25)) == []


def test_a_key_that_shares_no_series_with_the_chord_is_left_to_others() -> None:
    keys = [LOW, FIFTH, THIRD + 1]
    assert find_covered(missing(played(keys, keys), [-1])) == []


def test_a_key_that_is_struck_nowhere_without_the_lower_one_may_be_its_partials() -> None:
    true = played([LOW, FIFTH, OCTAVE], [LOW, FIFTH, OCTAVE])
    for strike in true.strikes[:-3]:
        if strike.resonance == 2:
            true.strikes.append(Strike(strike.onset, 0, 0.7))
    assert find_covered(missing(true, [place_of(true, 2)])) == []


@pytest.mark.parametrize("early_s", [0.032, 0.037])
def test_a_key_whose_gain_is_too_low_in_a_rolled_chord_is_not_struck_twice(early_s: float) -> None:
    """C4 comes before the others, an onset by itself."""
    true = played([LOW, FIFTH, OCTAVE], [LOW, FIFTH, OCTAVE], late_s=-early_s)
    draft = copy.deepcopy(true)
    draft.strikes[-1].gain *= 0.2
    noise = 5e-4 * np.random.default_rng(3).standard_normal(true.length)
    assert find_covered(Fit(true.model() + noise, draft)) == []


def test_where_what_a_chord_brought_is_mostly_noise_nothing_is_found() -> None:
    keys = [LOW, FIFTH, OCTAVE]
    fit = missing(played(keys, keys), [-1])
    burst = slice(round(CHORD_S * RATE), round((CHORD_S + 0.5) * RATE))
    loud = 2.0 * float(np.std(fit.signal[burst]))
    noise = loud * np.random.default_rng(5).standard_normal(burst.stop - burst.start)
    fit.signal[burst] += noise
    fit.residual[burst] += noise
    assert find_covered(fit) == []


def test_beside_a_key_struck_only_in_the_chord_another_ones_octave_is_found() -> None:
    """That key has learned all of the octave, and nobody knows what is its own."""
    true = played([LOW, OCTAVE, THIRD], [LOW, OCTAVE, THIRD])
    true.strikes = [s for n, s in enumerate(true.strikes) if s.resonance != 2 or n > 5]
    fit = missing(true, [-2], by=2)
    assert keys_of(fit, find_covered(fit)) == [(OCTAVE, CHORD_S)]


def test_the_octave_of_a_key_struck_only_in_the_chord_cannot_be_told() -> None:
    true = played([FIFTH, OCTAVE, LOW], [FIFTH, OCTAVE, LOW])
    true.strikes = [s for n, s in enumerate(true.strikes) if s.resonance != 2 or n > 5]
    assert find_covered(missing(true, [-2], by=2)) == []


def test_once_it_is_known_none_of_its_partials_is_a_key_that_nobody_has_heard() -> None:
    """The third, ninth … partial of the missed key are a twelfth's, and the octave has none."""
    true = played([OCTAVE, THIRD, LOW], [OCTAVE, THIRD, LOW])
    true.resonances[2] = string(LOW, LOW, 60)
    fit = missing(true, [-1], share=1.0)
    assert find_unheard(fit, 8) != []
    assert find_unheard(fit, 8, find_covered(fit)) == []


def test_a_chord_on_the_first_frame_has_no_strike_before_it() -> None:
    keys = [LOW, FIFTH, OCTAVE]
    true = played(keys, keys)
    for strike in true.strikes:
        strike.onset += round(0.4 * RATE)
    true.length += round(0.4 * RATE)
    true.strikes += [Strike(0, resonance, 0.7) for resonance in range(3)]
    assert [strike.onset for strike in find_covered(missing(true, [-1]))] == [0]


def test_no_keys_no_pitch_and_onsets_too_close_to_be_looked_at_give_none() -> None:
    assert find_covered(Fit(np.zeros(4_410), Draft(RATE, 4_410, [], []))) == []
    keys = [LOW, FIFTH, OCTAVE]
    fit = missing(played(keys, keys), [-1])
    fit.draft.resonances[1].pitch_hz = 0.0
    assert find_covered(fit) == []
    short = played(keys, keys)
    short.length = round((CHORD_S + 0.1) * RATE)
    assert find_covered(missing(short, [-1])) == []


@pytest.mark.parametrize(
    ("low", "level", "noise", "found"),
    [(0.05, 1.0, 0.05, 1), (0.05, 1.0, 0.3, 0), (1.4, 0.5, 0.02, 1), (1.4, 0.5, 0.1, 0)],
)
def test_the_more_is_unexplained_the_more_an_octave_must_explain(
    low: float, level: float, noise: float, found: int
) -> None:
    """The low key's gain, the octave's level, noise of so much of the chord's power."""
    true = played([LOW, OCTAVE], [LOW, OCTAVE])
    true.strikes[-2].gain = low
    fit = missing(true, [-1], level=level)
    chord = slice(round(CHORD_S * RATE), round((CHORD_S + 0.5) * RATE))
    size = (noise * float(np.mean(fit.signal[chord] ** 2))) ** 0.5
    hiss = size * np.random.default_rng(5).standard_normal(chord.stop - chord.start)
    fit.residual[chord] += hiss
    fit.signal[chord] += hiss
    assert len(find_covered(fit)) == found
