"""The reference renderer follows the instrument's formula."""

import dataclasses

import numpy as np
import pytest

from rtsynth.decompose.synthesis import event_signal, pan_gains, render_score
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.instrument import Instrument

RATE = 48_000
BANK = Instrument.blank(2, 4, attack_length=100)
BANK.set_modes(0, np.array([200.0, 500.0]), np.array([1.0, 0.5]), np.array([0.5 + 0.1j, 0.2j]))
BANK.attack[0] = np.linspace(1.0, 0.0, 100)
BANK.texture_gain[1, 10:20] = 0.01


def plain(event: Event, count: int) -> np.ndarray:
    time = np.arange(count) / RATE
    s = -np.log(1000) / BANK.t60_s[0, :2, None] + 2j * np.pi * BANK.freq_hz[0, :2, None]
    sound = (BANK.amplitude(0)[:2, None] * np.exp(s * time)).sum(axis=0).real
    sound[:100] += BANK.attack[0]
    return np.asarray(event.gain * sound)


def test_modes_and_attack_are_the_written_sum() -> None:
    event = Event(1, gain=0.7)
    np.testing.assert_allclose(event_signal(event, BANK, RATE, 9000), plain(event, 9000), atol=1e-6)


def test_after_the_duration_decay_rates_add() -> None:
    event = Event(1, duration_s=0.1, release_s=0.2)
    held, free = (
        event_signal(e, BANK, RATE, 24_000)
        for e in (event, dataclasses.replace(event, duration_s=np.inf))
    )
    at = round(0.1 * RATE)
    age = np.arange(len(held) - at) / RATE
    np.testing.assert_allclose(held[at:], free[at : len(held)] * 10 ** (-3 * age / 0.2), atol=1e-9)


def test_an_octave_up_doubles_every_frequency_and_a_vector_lowers_one_mode() -> None:
    vector = (-96.0, *[0.0] * 31)
    sound = event_signal(Event(1, transpose=12.0, vector=vector), BANK, RATE, RATE)
    spectrum = np.abs(np.fft.rfft(sound[200:] * np.hanning(RATE - 200), RATE))
    assert int(np.argmax(spectrum)) == pytest.approx(1000, abs=1)


def test_pan_is_unity_at_the_centre_and_of_equal_power() -> None:
    np.testing.assert_allclose(pan_gains(0.0), 1.0)
    for pan in (-1.0, -0.3, 0.8, 1.0):
        assert np.sum(pan_gains(pan) ** 2) == pytest.approx(2.0)


def test_texture_has_its_level() -> None:
    event = Event(1, kind=Kind.TEXTURE, resonance=1)
    sound = event_signal(event, BANK, RATE, 4 * RATE)
    assert 20 * np.log10(np.std(sound) / (0.01 * np.sqrt(10))) == pytest.approx(0.0, abs=0.5)  # dB


def test_muted_events_are_silent_and_events_add() -> None:
    events = [Event(1, onset_s=0.1), Event(2, onset_s=0.2, muted=True), Event(3, onset_s=0.3)]
    score = Score(EventTable(events), seconds=0.5, channels=2)
    sound = render_score(score, BANK, RATE)
    assert sound.shape == (RATE // 2, 2)
    assert not sound[: RATE // 10].any()
    first = event_signal(events[0], BANK, RATE, 4000)
    np.testing.assert_allclose(sound[4800:8800, 0], first)
