"""At another rate the instrument sounds the same."""

import numpy as np
import pytest

from rtsynth.instrument import Instrument
from rtsynth.render import at_rate

LEARNED = 48_000


def instrument_with(wave: np.ndarray) -> Instrument:
    instrument = Instrument.blank(1, 1, len(wave), LEARNED)
    instrument.attack[0] = wave
    return instrument


def tone(freq_hz: float, rate: int, frames: int) -> np.ndarray:
    t = np.arange(frames) / rate
    return np.sin(np.pi * np.minimum(t / 0.1, 1.0)) ** 2 * np.sin(2.0 * np.pi * freq_hz * t)


@pytest.mark.parametrize("rate", [32_000, 44_100, 88_200, 96_000])
@pytest.mark.parametrize("freq_hz", [100.0, 1000.0, 9_000.0])
def test_an_attack_at_another_rate_is_the_same_sound(rate: int, freq_hz: float) -> None:
    attack = at_rate(instrument_with(tone(freq_hz, LEARNED, 4800)), rate).attack[0]
    assert len(attack) == np.ceil(4800 * rate / LEARNED)
    expected = tone(freq_hz, rate, len(attack))
    level = np.sqrt((attack.astype(float) ** 2).mean() / (expected**2).mean())
    assert abs(20.0 * np.log10(level)) < 0.1  # dB
    assert np.abs(attack - expected).max() < 1e-3


@pytest.mark.parametrize("rate", [32_000, 44_100, 96_000])
def test_strike_noise_keeps_its_power_per_hertz(rate: int) -> None:
    instrument = Instrument.blank(1, 1, attack_rate=LEARNED)
    instrument.strike_filter[0] = np.hanning(34)[1:-1] / 17.0  # a low-pass of some 2 kHz
    taps = at_rate(instrument, rate).strike_filter[0].astype(float)
    freq = np.linspace(50.0, 2_000.0, 40)

    def density(taps: np.ndarray, rate: int) -> np.ndarray:
        turn = np.exp(-2j * np.pi * np.outer(freq, np.arange(len(taps))) / rate)
        power: np.ndarray = np.abs(turn @ taps) ** 2 / rate
        return power

    change = density(taps, rate) / density(instrument.strike_filter[0].astype(float), LEARNED)
    assert np.abs(10.0 * np.log10(change)).max() < 0.1  # dB


def test_at_its_own_rate_it_is_the_same_object() -> None:
    instrument = instrument_with(tone(440.0, LEARNED, 480))
    assert at_rate(instrument, LEARNED) is instrument


def test_modes_know_no_rate() -> None:
    instrument = Instrument.blank(1, 1)
    instrument.set_modes(0, np.array([440.0]), np.array([1.0]), np.array([1.0 + 0j]))
    other = at_rate(instrument, 44_100)
    assert np.array_equal(other.freq_hz, instrument.freq_hz)
    assert np.array_equal(other.mode_gain, instrument.mode_gain)
    assert other.attack_rate == 44_100
