"""Strikes of a key are put in step, though a tone repeats itself every period."""

import numpy as np
import pytest

from rtsynth.decompose.align import rise_shift
from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from tests.decompose.known_bank import RATE, key_sound

LEAD = round(0.006 * RATE)
HEAD = LEAD + round(0.03 * RATE)
REACH = round(0.012 * RATE)
STEP = round(0.0002 * RATE)


def struck_again(key: int, late: int) -> tuple[np.ndarray, np.ndarray]:
    """A strike alone, and one `late` samples after the middle of what an older one still rings."""
    sound = key_sound(key, 2.0)
    alone = np.concatenate([np.zeros(LEAD), sound])[:HEAD]
    older = sound[RATE // 2 :][: HEAD + 2 * REACH].copy()
    begin = REACH + LEAD + late
    older[begin:] += 0.5 * sound[: len(older) - begin]
    return np.diff(alone), np.diff(older)


@pytest.mark.parametrize("key", [48, 60, 67, 72])
@pytest.mark.parametrize("late", [-200, -84, 0, 84, 150])
def test_a_strike_is_found_within_half_a_millisecond_while_its_key_still_rings(
    key: int, late: int
) -> None:
    shift, clear = rise_shift(*struck_again(key, late), RATE)
    assert shift - REACH == pytest.approx(late, abs=round(0.0005 * RATE))
    assert clear > 0.1


def test_nothing_rises_clearly_in_steady_noise() -> None:
    reference, around = struck_again(60, 0)
    noise = np.random.default_rng(0).normal(0.0, 1.0, len(around))
    assert rise_shift(reference, noise, RATE)[1] < 0.1


def test_too_little_sound_is_no_rise() -> None:
    reference, _ = struck_again(60, 0)
    assert rise_shift(reference, reference[:40], RATE) == (0, 0.0)
    assert rise_shift(reference[:40], reference, RATE) == (0, 0.0)


def test_strikes_drafted_a_period_late_and_early_are_brought_in_step() -> None:
    key, period = 60, round(RATE / 261.6)
    true = [3_000, 14_000, 27_000, 40_000]
    note = key_sound(key, 3.0)
    sound = np.random.default_rng(0).normal(0.0, 1e-5, 60_000)
    for onset in true:
        kept = note[: len(sound) - onset]
        sound[onset : onset + len(kept)] += 0.3 * kept
    number = np.arange(1, 8)
    freq = 261.63 * number * np.sqrt(1.0 + 4e-4 * number**2)
    t60_s = np.asarray(2.5 / number**0.7, np.float64)
    amplitude = np.asarray(0.7 / number, np.complex128)
    rough = Resonance(Modes(freq, t60_s, amplitude), pitch_hz=261.63)
    drafted = [true[0], true[1] + period, true[2] - period, true[3] + period]
    draft = Draft(RATE, len(sound), [Strike(o, 0, 0.3, seen_gain=0.3) for o in drafted], [rough])
    fit = Fit(sound, draft, modes=12)
    for sweep in range(3):
        fit.sweep(sweep, peel=sweep == 1)
    apart = np.array([strike.onset for strike in draft.strikes]) - true
    np.testing.assert_allclose(apart, apart[0], atol=2)  # samples, 0.1 ms
    left = float(fit.residual @ fit.residual) / float(sound @ sound)
    assert 10.0 * np.log10(left) < -20.0  # dB
