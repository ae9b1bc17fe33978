"""A resonance that a bow drives, and nothing strikes, is learned and baked like any other."""

import numpy as np
import pytest
import torch

from rtsynth.decompose import recording_from_array
from rtsynth.events import Event, EventTable, Score
from rtsynth.fit.bake import bake
from rtsynth.fit.crop import render_crop
from rtsynth.fit.experiment import Experiment
from rtsynth.fit.material import prepare
from rtsynth.fit.model import Model
from rtsynth.instrument import Instrument

RATE = 16_000


def test_a_bowed_resonance_is_heard_and_baked_as_it_was() -> None:
    instrument = Instrument.blank(2, 3, 0, RATE)
    for index, hz in enumerate((300.0, 440.0)):
        freq = hz * np.array([1.0, 2.0, 3.0])
        instrument.set_modes(index, freq, np.full(3, 0.4), np.array([0.3, 0.2, 0.1 + 0.1j]))
    instrument.bow[0], instrument.impulse[0] = instrument.impulse[0], 0.0
    events = [Event(id=i + 1, onset_s=0.0, duration_s=0.3, resonance=i, seed=1) for i in (0, 1)]
    score = Score(
        EventTable(events), seconds=0.5, sample_rate=RATE, channels=1,
        instrument=instrument.fingerprint(), source="",
    )  # fmt: skip
    material = prepare([(recording_from_array(np.ones(8_000) * 1e-3, RATE), score)], instrument)
    model = Model(material, Experiment())
    with torch.no_grad():
        sound = render_crop(model, model.batch(np.array([0])), 0, 8_000, 1)
    assert float(sound.abs().max()) > 0.1
    _, baked = bake(model, material)
    assert baked.impulse == pytest.approx(instrument.impulse, rel=1e-4)
    assert baked.mode_gain == pytest.approx(instrument.mode_gain, rel=1e-3, abs=1e-3)
    assert baked.bow == pytest.approx(instrument.bow)
