"""The compiled engine plays what the torch modules define, to 1e-5."""

import math

import numpy as np
import pytest
import scipy.signal
import torch

from rtsynth.engine import Op
from rtsynth.instrument import Instrument
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.field import NeuralField
from rtsynth.nn.voice import Voices
from rtsynth.render import run_engine
from tests.engine.bank import RATE, TICK
from tests.engine.drawn import BLOWN, BOWED, STRUCK, drawn_engine, drawn_instrument, one

FRAMES = 32_000


def in_torch(instrument: Instrument, batch: EventBatch) -> np.ndarray:
    """One event from its onset on, through the modules that learn."""
    assert instrument.field is not None
    field = NeuralField.from_weights(instrument.field).double()

    def controls(age: torch.Tensor) -> torch.Tensor:
        return field.draw_controls(batch.resonance, batch.vector, age, batch.duration_s).sum(0)

    length = math.ceil(instrument.field.attack_s * RATE)
    age = torch.arange(length, dtype=torch.float64)[None] / RATE
    drawn = field.attack(batch.resonance, batch.vector, age, batch.duration_s)
    bank = BankTensors.of(instrument, torch.float64)
    voices = Voices(bank, batch, RATE, controls, drawn)
    start = torch.zeros(1, dtype=torch.int64)
    sound: np.ndarray = voices.whole(start, FRAMES // TICK)[0].numpy()
    return sound


@pytest.mark.parametrize(
    "deformed",
    [{}, {"transpose": 5.0, "bright": -3.0, "damp": 2.0, "vibrato_depth": 0.3, "inharm": 0.01}],
)
@pytest.mark.parametrize("resonance", [STRUCK, BOWED, BLOWN])
@pytest.mark.parametrize("toned", [False, True])
@torch.no_grad()
def test_torch_and_the_engine_agree_within_1e_5_of_full_scale(
    resonance: int, deformed: dict[str, float], toned: bool
) -> None:
    instrument = drawn_instrument(toned=toned)
    vector = tuple(np.linspace(-3.0, 3.0, 32))
    table = one(
        resonance=resonance, duration_s=0.5, release_s=0.2, vector=vector, seed=5, gain=0.5,
        **deformed,
    )  # fmt: skip
    engine, drawer = drawn_engine(table, instrument, channels=1)
    engine.post(Op.PLAY, 0, 0)
    played = run_engine(engine, FRAMES, 512, drawer)[:, 0]
    learned = in_torch(instrument, EventBatch.of(table.rows, instrument.modes, RATE, torch.float64))
    radius = math.exp(-2.0 * math.pi * 10.0 / RATE)  # the engine's DC blocker
    expected = scipy.signal.lfilter([1.0, -1.0], [1.0, -radius], learned)
    assert np.abs(expected).max() > 0.05
    gap = np.abs(played - expected)
    assert gap[:24_000].max() < 1e-5, "while it is held"
    assert gap.max() < 4e-5, "it ends at −100 dBFS, where the formula goes on"
