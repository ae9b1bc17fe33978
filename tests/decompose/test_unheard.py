"""Keys struck in a chord and nowhere else, whose partials the chord's other keys have learned."""

import copy

import numpy as np

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.keyboard import nearest_key
from rtsynth.decompose.keys.unheard import add_unheard, find_unheard
from tests.decompose.strings import RATE, keys_of, string, taken_over

LOW, HIGH, FIFTH, OCTAVE = 48, 64, 55, 60  # C3, E4, G3, C4
CHORD_S = 2.7


def played(keys: list[int], *, alone: int = 2, gain: float = 0.8) -> Draft:
    """The first two keys by themselves, each so often, then all of them at once."""
    struck = [(0.3 + 0.6 * n, [n % 2]) for n in range(2 * alone)]
    struck.append((CHORD_S, list(range(len(keys)))))
    strikes = [
        Strike(round(time * RATE), index, gain if index > 1 else 0.6 + 0.1 * (number % 3))
        for number, (time, some) in enumerate(struck)
        for index in some
    ]
    return Draft(RATE, round(4.5 * RATE), strikes, [string(key, key) for key in keys])


def modes_added() -> tuple[Modes, Modes]:
    """A key's first modes, and of its true ones the nearest to each."""
    true = played([LOW, HIGH, FIFTH])
    fit = taken_over(true, 2, 0)
    (strike,) = add_unheard(fit, find_unheard(fit, 8))
    modes, wanted = fit.draft.resonances[strike.resonance].modes, true.resonances[2].modes
    return modes, wanted.take(np.abs(modes.freq_hz[:, None] - wanted.freq_hz).argmin(axis=1))


def test_a_key_is_found_by_what_the_chords_other_keys_have_not_got_elsewhere() -> None:
    fit = taken_over(played([LOW, HIGH, FIFTH]), 2, 0)
    chord = slice(round(CHORD_S * RATE), round((CHORD_S + 0.2) * RATE))
    missing = fit.residual[chord] @ fit.residual[chord] / (fit.signal[chord] @ fit.signal[chord])
    assert missing < 0.001  # by the waveform: what rings on from before is 30 dB down
    found = add_unheard(fit, find_unheard(fit, 8))
    assert keys_of(fit, found) == [(FIFTH, CHORD_S)]
    assert found[0] in fit.draft.strikes
    assert found[0].resonance == len(fit.draft.resonances) - 1


def test_its_first_modes_lie_on_its_partials_within_a_hertz_and_begin_as_loud_within_6_db() -> None:
    modes, wanted = modes_added()
    assert len(modes) >= 3
    assert np.abs(modes.freq_hz - wanted.freq_hz).max() < 1.0
    level = np.abs(modes.amplitude) / (0.8 * np.abs(wanted.amplitude))
    assert np.abs(20.0 * np.log10(level[:3])).max() < 6.0  # they are said to last a second


def test_its_first_modes_are_in_step_with_its_partials_from_the_onset_on() -> None:
    found, wanted = modes_added()
    phases = np.angle(found.amplitude / wanted.amplitude)
    assert np.abs(phases).max() < 0.5  # radians


def test_the_residual_lacks_what_was_added() -> None:
    fit = taken_over(played([LOW, HIGH, FIFTH]), 2, 0)
    add_unheard(fit, find_unheard(fit, 8))
    assert np.allclose(fit.residual, fit.signal - fit.draft.model(), atol=1e-5)


def test_nothing_is_found_where_every_key_is_known() -> None:
    true = played([LOW, HIGH, FIFTH])
    noise = 5e-4 * np.random.default_rng(3).standard_normal(true.length)
    fit = Fit(true.model() + noise, copy.deepcopy(true))
    assert find_unheard(fit, 8) == []
    assert len(fit.draft.resonances) == 3


def test_a_key_that_is_struck_harder_in_the_chord_makes_none_of_its_partials_a_key() -> None:
    true = played([LOW, HIGH])
    true.strikes[-2].gain *= 3.0
    noise = 5e-4 * np.random.default_rng(3).standard_normal(true.length)
    assert find_unheard(Fit(true.model() + noise, copy.deepcopy(true)), 8) == []


def test_where_nobody_knows_how_loud_a_chords_key_is_its_partials_tell_of_no_other() -> None:
    """The octave's partials are all partials of a key that has nothing elsewhere."""
    true = played([HIGH, FIFTH, LOW])
    fit = taken_over(played([HIGH, FIFTH, LOW, OCTAVE]), 3, 2)
    assert {nearest_key(r.pitch_hz) for r in fit.draft.resonances} == {HIGH, FIFTH, LOW}
    assert find_unheard(fit, 8) == []
    assert len(true.resonances) == len(fit.draft.resonances)


def test_a_key_28_db_below_the_chord_is_none() -> None:
    fit = taken_over(played([LOW, HIGH, FIFTH], gain=0.03), 2, 0)
    assert find_unheard(fit, 8) == []


def test_partials_without_the_first_are_no_key() -> None:
    true = played([LOW, HIGH, FIFTH])
    true.resonances[2].modes = true.resonances[2].modes.take(np.arange(1, 16))
    assert find_unheard(taken_over(true, 2, 0), 8) == []


def test_what_rings_on_from_just_before_the_chord_is_not_struck_in_it() -> None:
    true = played([LOW, HIGH, FIFTH])
    true.strikes[-1].onset -= round(0.3 * RATE)
    draft = copy.deepcopy(true)
    del draft.strikes[-1], draft.resonances[-1]
    assert find_unheard(Fit(true.model(), draft), 8) == []


def test_a_strike_that_was_turned_down_makes_no_octave_of_its_key() -> None:
    true = played([LOW, HIGH])
    draft = copy.deepcopy(true)
    draft.strikes[0].gain *= 0.1
    draft.strikes[-2].gain *= 0.1
    assert find_unheard(Fit(true.model(), draft), 8) == []


def test_a_twelfth_whose_first_partial_a_chords_key_has_is_not_taken_for_its_octave() -> None:
    fit = taken_over(played([LOW, HIGH, 67]), 2, 0)
    assert find_unheard(fit, 8) == []


def test_a_key_that_the_draft_has_but_that_is_struck_nowhere_is_not_added_again() -> None:
    fit = taken_over(played([LOW, HIGH, FIFTH]), 2, 0)
    fit.draft.resonances.append(string(FIFTH, 1))
    assert find_unheard(fit, 8) == []


def test_no_more_resonances_are_added_than_are_allowed() -> None:
    fit = taken_over(played([LOW, HIGH, FIFTH]), 2, 0)
    before = fit.residual.copy()
    assert find_unheard(fit, 0) == []
    assert np.array_equal(fit.residual, before)


def test_a_draft_with_a_resonance_that_is_no_key_is_left_alone() -> None:
    fit = taken_over(played([LOW, HIGH, FIFTH]), 2, 0)
    fit.draft.resonances[1].pitch_hz = 0.0
    assert find_unheard(fit, 8) == []


def test_an_empty_draft_and_onsets_too_close_to_be_looked_at_are_none() -> None:
    silent = Fit(np.zeros(4_410), Draft(RATE, 4_410, [], []))
    assert find_unheard(silent, 8) == []
    true = played([LOW, HIGH, FIFTH])
    true.length = round((CHORD_S + 0.1) * RATE)
    assert find_unheard(taken_over(true, 2, 0), 8) == []
