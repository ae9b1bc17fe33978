"""Rows of a picture have an order and the names of what sounds."""

import math
import pathlib

import numpy as np
import pytest

from rtsynth.decompose import draw
from rtsynth.decompose.event_panels import row_order, sounding_name
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.instrument import Instrument

RATE = 16_000


def a_bank(names: list[str]) -> Instrument:
    bank = Instrument.blank(len(names), 2, 0, RATE)
    for index, name in enumerate(names):
        bank.set_modes(index, np.array([300.0 - index]), np.array([0.5]), np.array([0.5 + 0j]))
        bank.names[index] = name
    return bank


def test_rows_go_from_textures_over_drums_to_keys_from_low_to_high() -> None:
    bank = a_bank(["C5", "r1", "A2", "floor", "r4"])
    events = [Event(i + 1, resonance=i) for i in (0, 1, 2, 4)]
    events.append(Event(9, kind=Kind.TEXTURE, resonance=3, duration_s=1.0))
    assert row_order(Score(EventTable(events), seconds=1.0), bank) == [3, 4, 1, 2, 0]


@pytest.mark.parametrize(
    ("name", "transpose", "sounding"), [("A4", 5.0, "D5"), ("C4", -1.04, "B3"), ("r3", 2.0, "")]
)
def test_a_moved_event_has_the_name_of_the_note_it_sounds(
    name: str, transpose: float, sounding: str
) -> None:
    assert sounding_name(Event(1, transpose=transpose), a_bank([name])) == sounding


def test_bowed_and_silent_resonances_are_drawn_too(tmp_path: pathlib.Path) -> None:
    bank = a_bank(["A4", "r1"])
    bank.bow[0], bank.impulse[0], bank.impulse[1] = bank.impulse[0], 0.0, 0.0
    events = [Event(1, transpose=2.0, duration_s=0.5), Event(2, resonance=1, duration_s=math.inf)]
    path = tmp_path / "picture.png"
    draw(Score(EventTable(events), seconds=1.0), bank, np.zeros(RATE), RATE, path, np.zeros(RATE))
    assert path.read_bytes()[:4] == b"\x89PNG"
