"""A score as sound, as the engine plays it. Thread: worker.

Without a field the engine itself plays. With one, modal events are rendered whole by the
differentiable voices, which agree with the engine (tests/fit) and need not be drawn ahead.
"""

import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter

from rtsynth.decompose.synthesis import pan_gains
from rtsynth.dsp.modal import TICK
from rtsynth.events import EventTable, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.field import NeuralField
from rtsynth.nn.voice import Voices
from rtsynth.render import at_rate, render_score

__all__ = ["play", "sound_of"]

DC_CUTOFF_HZ = 10.0  # of the engine's blocker
Float = NDArray[np.float64]


def sound_of(score: Score, instrument: Instrument, sample_rate: int, frames: int) -> Float:
    """[frames, channels] of a score; what is missing at its end is silence."""
    if instrument.field is None:
        return play(score, instrument, sample_rate, frames)
    textures = [event for event in score.table if event.kind == Kind.TEXTURE]
    rest = dataclasses.replace(score, table=EventTable(textures))
    plain = dataclasses.replace(instrument, field=None)
    sound = play(rest, plain, sample_rate, frames)
    radius = math.exp(-2.0 * math.pi * DC_CUTOFF_HZ / sample_rate)
    modal = _modal(score, at_rate(instrument, sample_rate), sample_rate, frames)
    blocked: Float = lfilter([1.0, -1.0], [1.0, -radius], modal, axis=0)
    return sound + blocked


def play(score: Score, instrument: Instrument, sample_rate: int, frames: int) -> Float:
    """[frames, channels] of a score by the engine, field or not."""
    sound = render_score(score, instrument, sample_rate=sample_rate)
    out = np.zeros((frames, score.channels))
    count = min(frames, len(sound))
    out[:count] = sound[:count]
    return out


@torch.no_grad()
def _modal(score: Score, instrument: Instrument, sample_rate: int, frames: int) -> Float:
    assert instrument.field is not None
    field, bank = NeuralField.from_weights(instrument.field), BankTensors.of(instrument)
    out = np.zeros((frames, score.channels))
    rows = score.table.rows
    heard = (rows["kind"] == Kind.MODAL) & (rows["muted"] == 0)
    ends = score.table.ends(instrument.tail_s())[heard]
    for row, end_s in zip(rows[heard], ends, strict=True):
        batch = EventBatch.of(np.array([row]), instrument.modes, sample_rate)
        first = int(batch.onset[0])
        last = min(frames, math.ceil(min(end_s * sample_rate, frames)))
        if last <= first:
            continue
        sound = _voice(batch, bank, field, sample_rate, last - first)
        gains = pan_gains(float(row["pan"])) if score.channels == 2 else np.ones(1)
        out[first:last] += sound[:, None] * gains
    return out


def _voice(
    batch: EventBatch, bank: BankTensors, field: NeuralField, sample_rate: int, count: int
) -> Float:
    def controls(age: torch.Tensor) -> torch.Tensor:
        return field.draw_controls(batch.resonance, batch.vector, age, batch.duration_s).sum(0)

    length = math.ceil(field.attack_s * sample_rate)
    age = torch.arange(length, dtype=torch.float64)[None] / sample_rate
    drawn = field.attack(batch.resonance, batch.vector, age, batch.duration_s)
    voices = Voices(bank, batch, sample_rate, controls, drawn)
    sound = voices.whole(torch.zeros(1, dtype=torch.int64), count // TICK + 1)
    whole: Float = sound[0, :count].double().numpy()
    return whole
