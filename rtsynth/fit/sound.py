"""A score as sound, by the engine that plays it. Thread: worker."""

import numpy as np
import torch
from numpy.typing import NDArray

from rtsynth.decompose.synthesis import event_signal, pan_gains
from rtsynth.dsp.modal import TICK
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.field import NeuralField
from rtsynth.nn.voice import Voices
from rtsynth.render import at_rate, render_score

__all__ = ["field_sound", "sound_of"]

Float = NDArray[np.float64]


def sound_of(score: Score, instrument: Instrument, sample_rate: int, frames: int) -> Float:
    """[frames, channels] of a score; what is missing at its end is silence."""
    if instrument.field is None:
        sound: Float = render_score(score, instrument, sample_rate=sample_rate).astype(np.float64)
    else:
        sound = field_sound(score, instrument, sample_rate, frames)
    out = np.zeros((frames, score.channels))
    count = min(frames, len(sound))
    out[:count] = sound[:count]
    return out


@torch.no_grad()
def field_sound(score: Score, instrument: Instrument, sample_rate: int, frames: int) -> Float:
    """[frames, channels] by the differentiable voices, textures by the reference renderer."""
    source = at_rate(instrument, sample_rate)
    field = None if source.field is None else NeuralField.from_weights(source.field)
    bank = BankTensors.of(source)
    out = np.zeros((frames, score.channels))
    for event in score.table:
        if event.muted:
            continue
        row = score.table.rows[[score.table.index(event.id)]]
        batch = EventBatch.of(row, source.modes, sample_rate)
        first = int(batch.onset[0])
        if first >= frames:
            continue
        if event.kind == Kind.TEXTURE:
            sound = event_signal(event, source, sample_rate, frames - first)
        else:
            sound = _voice(batch, bank, field, sample_rate, frames - first)
        gains = pan_gains(event.pan) if score.channels == 2 else np.ones(1)
        out[first : first + len(sound)] += sound[: frames - first, None] * gains
    return out


def _voice(
    batch: EventBatch, bank: BankTensors, field: NeuralField | None, rate: int, frames: int
) -> Float:
    controls, drawn = None, None
    if field is not None:
        event = (batch.resonance, batch.vector)

        def controls(age: torch.Tensor) -> torch.Tensor:
            return field.draw_controls(*event, age, batch.duration_s).sum(0)

        age = torch.arange(int(field.attack_s * rate), dtype=torch.float64)[None] / rate
        drawn = field.attack(*event, age, batch.duration_s)
    voices = Voices(bank, batch, rate, controls, drawn)
    start = torch.zeros(1, dtype=torch.int64)
    sound: Float = voices.whole(start, frames // TICK + 1)[0].numpy().astype(np.float64)
    return sound
