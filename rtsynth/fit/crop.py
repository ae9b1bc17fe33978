"""A crop of a recording, and the voices that sound in it. Thread: worker."""

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rtsynth.decompose.synthesis import pan_gains
from rtsynth.dsp.modal import TICK
from rtsynth.fit.material import Material, Piece
from rtsynth.fit.model import Model
from rtsynth.nn.batch import EventBatch

__all__ = ["Crop", "draw_crop", "place", "render_crop"]


@dataclasses.dataclass(frozen=True)
class Crop:
    """`count` frames of a piece from frame `first` on."""

    piece: Piece
    first: int
    count: int


def draw_crop(material: Material, seconds: float, random: np.random.Generator) -> Crop:
    """A crop that begins anywhere in any piece, each frame as likely as another."""
    lengths = np.array([piece.frames for piece in material.pieces], float)
    piece = material.pieces[int(random.choice(len(lengths), p=lengths / lengths.sum()))]
    count = min(round(seconds * material.sample_rate), piece.frames)
    first = int(random.integers(0, piece.frames - count + 1))
    return Crop(piece, first, count)


class _Place(torch.autograd.Function):
    """Sounds [E, n] added into [length] from their offsets on."""

    @staticmethod
    def forward(ctx: Any, sounds: Tensor, offsets: list[int], length: int) -> Tensor:
        ctx.offsets, ctx.shape = offsets, sounds.shape
        out = sounds.new_zeros(length)
        for sound, offset in zip(sounds, offsets, strict=True):
            low, high = max(0, offset), min(length, offset + len(sound))
            if high > low:
                out[low:high] += sound[low - offset : high - offset]
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        grad = grads[0].new_zeros(ctx.shape)
        length = len(grads[0])
        for row, offset in zip(grad, ctx.offsets, strict=True):
            low, high = max(0, offset), min(length, offset + len(row))
            if high > low:
                row[low - offset : high - offset] = grads[0][low:high]
        return grad, None, None


def place(sounds: Tensor, offsets: list[int], length: int) -> Tensor:
    """[length] sum of sounds [E, n], each from its offset on; what lies outside is lost."""
    out: Tensor = _Place.apply(sounds, offsets, length)  # type: ignore[no-untyped-call]
    return out


def render_crop(
    model: Model,
    batch: EventBatch,
    first: int,
    count: int,
    channels: int,
    weights: Tensor | None = None,
) -> Tensor:
    """[channels, count] frames from frame `first` of the recording on.

    Args:
        model: whose bank and field play.
        batch: the events.
        first: frame of the recording.
        count: frames.
        channels: 1 or 2.
        weights: [events] factor on each, None for 1.
    """
    if len(batch) == 0:
        return model.gain.new_zeros(channels, count)
    sounds, offsets = render_events(model, batch, first, count)
    if weights is not None:
        sounds = sounds * weights.to(sounds.dtype)[:, None]
    if channels == 1:
        return place(sounds, offsets, count)[None]
    gains = torch.from_numpy(np.stack([pan_gains(float(p)) for p in batch.pan])).to(sounds)
    return torch.stack([place(sounds * gains[:, c, None], offsets, count) for c in range(channels)])


def render_events(
    model: Model, batch: EventBatch, first: int, count: int
) -> tuple[Tensor, list[int]]:
    """[E, frames] each event's sound on whole ticks of its own, and where they lie in the crop."""
    begin = np.maximum(0, (first - batch.onset) // TICK)
    ticks = count // TICK + 2
    reach = model.source.attack.shape[1] + model.sample_rate // 5
    voices = model.voices(batch, model.bank(), attacking=bool((begin * TICK < reach).any()))
    sounds = voices.whole(torch.as_tensor(begin, device=model.gain.device), ticks)
    return sounds, (batch.onset + begin * TICK - first).tolist()
