"""What a picture says of an event is what the reference renderer makes of it."""

import dataclasses

import numpy as np
import pytest

from rtsynth.decompose.event_shape import event_shape
from rtsynth.decompose.synthesis import event_signal
from rtsynth.events import Event, Kind
from rtsynth.instrument import Instrument

RATE = 16_000
SECONDS = 2.0


def a_bank() -> Instrument:
    """Struck, bowed, hissing, and a texture."""
    bank = Instrument.blank(4, 3, RATE // 5, RATE)
    freq, amplitude = np.array([220.0, 431.0, 1010.0]), np.array([0.3, 0.2, 0.1], complex)
    for index in (0, 1):
        bank.set_modes(index, freq, np.array([1.2, 0.8, 0.4]), amplitude)
    bank.bow[1], bank.impulse[1] = bank.impulse[1], 0.0
    bank.blow_gain[2, 4:8], bank.blow_t60_s[2], bank.blow_dry[2] = 0.1, 0.9, 1.0
    bank.texture_gain[3, 5:9] = 0.05
    bank.names[1] = "A3"
    return bank


def rms_db(sound: np.ndarray, centre_s: float) -> float:
    """Of 50 ms."""
    first = round((centre_s - 0.025) * RATE)
    return 20.0 * float(np.log10(np.sqrt(np.mean(sound[first : first + RATE // 20] ** 2))))


@pytest.mark.parametrize(
    ("event", "tolerance_db"),
    [
        (Event(1, resonance=0, gain=0.5), 0.5),
        (Event(1, resonance=0, damp=0.5, bright=-3.0, duration_s=0.5, release_s=0.3), 0.5),
        (Event(1, resonance=0, transpose=7.0, stretch=0.5), 0.5),
        (Event(1, resonance=1, duration_s=1.0, release_s=0.4), 0.5),
        (Event(1, resonance=2, gain=2.0), 2.0),
    ],
)
def test_an_events_level_is_that_of_its_sound(event: Event, tolerance_db: float) -> None:
    bank = a_bank()
    sound = event_signal(event, bank, RATE, round(SECONDS * RATE))
    shape = event_shape(event, bank, RATE, SECONDS)
    said = np.interp(np.arange(len(sound)) / RATE, shape.age_s, shape.level)
    for centre_s in (0.1, 0.3, 0.45, 0.6):
        said_db = rms_db(said, centre_s)
        assert said_db == pytest.approx(rms_db(sound, centre_s), abs=tolerance_db)


def test_a_bowed_event_is_drawn_until_it_has_faded_after_its_bow() -> None:
    held = Event(1, resonance=1, duration_s=1.0, release_s=0.2)
    shape = event_shape(held, a_bank(), RATE, 10.0)
    at_end = float(np.interp(0.99, shape.age_s, shape.level))
    assert at_end == pytest.approx(shape.level.max(), rel=0.02)
    assert 1.0 < shape.age_s[-1] < 1.3


def test_a_texture_is_as_loud_all_along() -> None:
    floor = Event(1, kind=Kind.TEXTURE, resonance=3, duration_s=1.5, gain=2.0)
    shape = event_shape(floor, a_bank(), RATE, 1.0)
    assert shape.age_s[-1] == 1.0
    assert np.allclose(shape.level, 2.0 * 0.05 * 2.0)
    assert shape.freq_hz.shape == (0, len(shape.age_s))


def test_an_event_that_is_frozen_ends_with_the_picture() -> None:
    frozen = dataclasses.replace(Event(1, resonance=0), stretch=0.0)
    shape = event_shape(frozen, a_bank(), RATE, 3.0)
    assert shape.age_s[-1] == 3.0
    assert shape.level[-1] == pytest.approx(shape.level[0])
