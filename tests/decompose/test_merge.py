"""One resonance plays another's strikes: aligned, levelled, and the cheapest merger first."""

import dataclasses

import numpy as np
import pytest

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Resonance, Strike, strike_signal
from rtsynth.decompose.merge import SPAN_S, merge_resonances, stand_in

RATE = 22_050


def bell(pitch_hz: float, seed: int = 0) -> Resonance:
    """Six inharmonic modes."""
    random = np.random.default_rng(seed)
    freq = pitch_hz * (1.0 + np.arange(6.0)) ** 1.1
    amplitude = np.exp(2j * np.pi * random.uniform(size=6)) / (1.0 + np.arange(6.0))
    return Resonance(Modes(freq, np.linspace(2.0, 0.5, 6), amplitude))


def delayed(resonance: Resonance, lag: int, gain: float) -> Resonance:
    """The same, begun `lag` samples earlier, so that it plays late, and louder."""
    modes = resonance.modes
    turn = np.exp(2j * np.pi * modes.freq_hz * lag / RATE)
    decay = np.exp(-np.log(1000.0) * lag / (modes.t60_s * RATE))
    amplitude = modes.amplitude * turn * decay * gain
    return Resonance(Modes(modes.freq_hz, modes.t60_s, amplitude))


def sounds(strike: Strike, resonance: Resonance) -> np.ndarray:
    """Half a second of a strike, from frame 0 on."""
    span = round(SPAN_S * RATE)
    sound = strike_signal(strike, resonance, RATE, span)
    return np.pad(sound, (strike.onset, span - len(sound)))[:span]


def test_a_copy_stands_in_without_loss() -> None:
    way = stand_in(bell(220.0), bell(220.0), RATE)
    assert (way.lag, way.offset_db) == (0, None)
    assert way.gain == pytest.approx(1.0, abs=1e-6)
    assert way.unlike < 1e-9


@pytest.mark.parametrize("lag", [-20, 13])
def test_lag_and_level_of_a_copy_are_found(lag: int) -> None:
    way = stand_in(bell(220.0), delayed(bell(220.0), lag, 0.25), RATE)
    assert way.lag == lag
    assert way.gain == pytest.approx(4.0, rel=0.02)
    assert way.unlike < 0.02  # of the energy: what lies before the onset


def test_levels_of_modes_follow() -> None:
    dull = bell(220.0)
    tilt_db = np.linspace(0.0, -12.0, 6)
    modes = dataclasses.replace(dull.modes, amplitude=dull.modes.amplitude * 10 ** (tilt_db / 20))
    way = stand_in(Resonance(modes), bell(220.0), RATE)
    assert way.offset_db is not None
    np.testing.assert_allclose(
        way.offset_db - way.offset_db[0], tilt_db, atol=2.5
    )  # dB: the fit draws them towards 0
    assert way.unlike < 0.03


def test_what_is_no_copy_keeps_a_level_that_can_be_heard() -> None:
    way = stand_in(bell(220.0), bell(311.0, 1), RATE)
    assert way.unlike > 0.7
    energies = [
        float(np.sum(sounds(Strike(0, 0, 1.0), one) ** 2)) for one in (bell(220.0), bell(311.0, 1))
    ]
    assert way.gain >= 0.399 * np.sqrt(energies[0] / energies[1])


def test_strikes_sound_as_before_on_the_other_resonance() -> None:
    bank = [bell(220.0), delayed(bell(220.0), 9, 0.5), bell(523.0, 2)]
    patterns = np.eye(3, dtype=np.float32)
    strikes = [Strike(100, 0, 3.0), Strike(100, 1, 1.0, held=5_000), Strike(0, 2, 1.0)]
    before = sounds(strikes[1], bank[1])
    merge_resonances(bank, patterns, strikes, 2, RATE)
    assert [strike.resonance for strike in strikes] == [0, 0, 2]
    assert strikes[1].onset + (strikes[1].held or 0) == 5_100
    after = sounds(strikes[1], bank[0])
    assert float(np.sum((after - before) ** 2)) < 0.02 * float(np.sum(before**2))


def test_the_quieter_of_two_that_are_unlike_goes() -> None:
    bank = [bell(220.0), bell(317.0, 1), bell(523.0, 2)]
    strikes = [Strike(0, 0, 1.0), Strike(0, 1, 0.01), Strike(0, 2, 1.0)]
    merge_resonances(bank, np.eye(3, dtype=np.float32), strikes, 2, RATE)
    assert {strike.resonance for strike in strikes} == {0, 2}


def test_within_the_limit_nothing_changes() -> None:
    strikes = [Strike(0, 0, 1.0), Strike(5, 1, 1.0)]
    merge_resonances([bell(220.0), bell(220.0)], np.eye(2, dtype=np.float32), strikes, 2, RATE)
    assert [(strike.resonance, strike.gain) for strike in strikes] == [(0, 1.0), (1, 1.0)]


def test_gains_per_mode_of_a_strike_are_kept() -> None:
    bank = [bell(220.0), delayed(bell(220.0), 9, 0.5)]
    tilt_db = np.linspace(0.0, -15.0, 6)
    strikes = [Strike(100, 0, 3.0), Strike(100, 1, 1.0, offset_db=tilt_db)]
    before = sounds(strikes[1], bank[1])
    merge_resonances(bank, np.eye(2, dtype=np.float32), strikes, 1, RATE)
    after = sounds(strikes[1], bank[0])
    assert strikes[0].offset_db is None
    assert float(np.sum((after - before) ** 2)) < 0.05 * float(np.sum(before**2))
