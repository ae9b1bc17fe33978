"""What is struck again: a string is stopped by it, a bar rings on below it."""

import numpy as np
import pytest

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike, modal_signal
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.restrike import rings_on

RATE = 22_050
LENGTH = 3 * RATE
GAP = round(0.6 * RATE)
RELEASE_S = 0.3


def bar(pitch_hz: float, t60_s: float = 3.0) -> Resonance:
    """Six inharmonic modes."""
    freq = pitch_hz * (1.0 + np.arange(6.0)) ** 1.1
    amplitude = 0.1 * np.exp(1j * np.arange(6.0)) / (1.0 + np.arange(6.0))
    return Resonance(Modes(freq, t60_s / (1.0 + 0.3 * np.arange(6.0)), amplitude))


def hiss(count: int) -> Float:
    """60 dB below full scale."""
    return 1e-3 * np.random.default_rng(1).standard_normal(count)


def sounds(span: int = GAP) -> tuple[Float, Float]:
    """One strike from `GAP` after its onset on, as if it were held, and the same struck anew."""
    modes = bar(220.0).modes
    long = modal_signal(Strike(0, 0, 1.0), modes, RATE, GAP + span)
    return long[GAP:], modal_signal(Strike(0, 0, 0.8), modes, RATE, span)


@pytest.mark.parametrize("level", [1.0, 0.8])
def test_a_bar_that_rings_on_is_heard_below_the_next_strike(level: float) -> None:
    older, newer = sounds()
    assert rings_on(level * older + newer + hiss(GAP), older, newer)


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_a_string_that_is_stopped_is_not(level: float) -> None:
    older, newer = sounds()
    assert not rings_on(level * older + newer + hiss(GAP), older, newer)


def test_what_cannot_be_told_apart_is_taken_as_stopped() -> None:
    _, newer = sounds()
    assert not rings_on(1.5 * newer, 0.5 * newer, newer)
    assert not rings_on(1.5 * newer, 0.5 * newer + 1e-5 * hiss(GAP), newer)
    older, newer = sounds(500)
    assert not rings_on(older + newer, older, newer)
    assert not rings_on(np.zeros(0), np.zeros(0), np.zeros(0))
    assert not rings_on(np.zeros(2_000), np.zeros(2_000), np.zeros(2_000))


@pytest.mark.parametrize("gap_s", [0.6, 2.0])
def test_a_strike_that_is_no_copy_of_the_last_one_is_not_taken_for_its_tail(gap_s: float) -> None:
    """Every mode 15 % and 0.15 rad off: the fainter the tail, the larger is that beside it."""
    rng = np.random.default_rng(2)
    modes, late = bar(220.0).modes, round(gap_s * RATE)
    older = modal_signal(Strike(0, 0, 1.0), modes, RATE, late + GAP)[late:]
    newer = modal_signal(Strike(0, 0, 0.8), modes, RATE, GAP)
    ringing = 0
    for _ in range(40):
        off = (1.0 + 0.15 * rng.standard_normal(6)) * np.exp(0.15j * rng.standard_normal(6))
        other = Modes(modes.freq_hz, modes.t60_s, modes.amplitude * off)
        sound = modal_signal(Strike(0, 0, 0.8), other, RATE, GAP) + hiss(GAP)
        ringing += rings_on(sound, older, newer)
    assert ringing <= 8


@pytest.mark.parametrize("stopped", [(True, True), (False, False), (False, True), (True, False)])
def test_a_strike_ends_where_its_string_is_struck_again_unless_it_rings_on(
    stopped: tuple[bool, bool],
) -> None:
    """Beside another one that begins with the second strike and hides the first one's end."""
    resonances = [bar(220.0), bar(347.0)]
    onsets = [2_000, 2_000 + GAP, 2_000 + 2 * GAP]
    helds = [*(GAP if stops else None for stops in stopped), None]
    strikes = [
        Strike(onset, 0, 1.0, held, RELEASE_S) for onset, held in zip(onsets, helds, strict=True)
    ]
    truth = Draft(RATE, LENGTH, [*strikes, Strike(onsets[1], 1, 1.5)], resonances)
    begun = [Strike(strike.onset, strike.resonance, strike.gain) for strike in truth.strikes]
    fit = Fit(truth.model() + hiss(LENGTH), Draft(RATE, LENGTH, begun, resonances))
    for number in range(3):
        fit.sweep(number)
    found = sorted(fit.draft.of(0), key=lambda strike: strike.onset)
    for strike, stops in zip(found[:2], stopped, strict=True):
        if stops:
            assert strike.held is not None
            assert abs(strike.held - GAP) / RATE < 0.03  # s
        else:
            assert strike.held is None or strike.held > 1.5 * GAP
