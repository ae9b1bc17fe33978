"""What the joint fit moves of an attack, and how long it takes an event to be heard."""

import numpy as np

from rtsynth.decompose.joint.start import attack_level, spans
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument

RATE = 48_000
KEY, DRUM, NONE = range(3)


def bank() -> Instrument:
    """A key with an attack of 0.2 s, a drum with one of 0.4 s, and one without."""
    instrument = Instrument.blank(3, 1, attack_length=round(0.4 * RATE), attack_rate=RATE)
    instrument.attack[KEY, : round(0.2 * RATE)] = 0.1
    instrument.attack[DRUM] = 0.1
    return instrument


def test_an_event_is_heard_until_its_attack_is_over() -> None:
    rows = EventTable([Event(1, 1.0, resonance=DRUM), Event(2, 1.0, resonance=KEY)]).rows
    begin, end = spans(rows, bank(), RATE)
    assert begin.tolist() == [RATE, RATE]
    assert end.tolist() == [round(1.45 * RATE), round(1.3 * RATE)]


def test_an_attack_moves_as_long_as_it_is_whatever_else_is_in_the_bank() -> None:
    level = attack_level(bank())
    assert not level[NONE].any()
    assert not level[KEY, round(0.2 * RATE) :].any()
    assert np.abs(level[KEY, : round(0.05 * RATE)] - 0.1).max() < 1e-6
    assert level[DRUM, round(0.3 * RATE)] > 0.01
    assert bank().attack_frames.tolist() == [round(0.2 * RATE), round(0.4 * RATE), 0]
