"""A picture is drawn with and without the original, and of nothing too."""

import pathlib

import numpy as np

from rtsynth.decompose import draw
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.instrument import Instrument

RATE = 16_000


def test_pictures_are_written(tmp_path: pathlib.Path) -> None:
    bank = Instrument.blank(2, 2)
    bank.set_modes(0, np.array([440.0]), np.array([0.5]), np.array([0.5]))
    events = [Event(1, onset_s=0.2), Event(2, kind=Kind.TEXTURE, resonance=1)]
    sound = np.random.default_rng(0).normal(0.0, 0.1, RATE)
    for name, score in (
        ("full", Score(EventTable(events), seconds=1.0)),
        ("empty", Score(seconds=1.0)),
    ):
        for reference in (sound, None):
            path = tmp_path / f"{name}-{reference is None}.png"
            draw(score, bank, sound, RATE, path, reference=reference)
            assert path.read_bytes()[:4] == b"\x89PNG"
