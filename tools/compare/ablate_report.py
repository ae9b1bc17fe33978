"""What a learned choice comes to: how near, at what cost, with how much of the bank."""

import math
from typing import Any

import numpy as np
import torch
from ablate_bank import Bank
from ablate_material import Clip
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.fit.measure import held_out, mel_distance_db
from rtsynth.metrics.sparsity import event_bits

__all__ = ["report"]

AUDIBLE = 1e-3  # of an event's largest gain

Array = NDArray[Any]


@torch.no_grad()
def report(
    clip: Clip, bank: Bank, index: Tensor, weights: Tensor, vector: Tensor, way: str
) -> dict[str, Any]:
    """Everything that the table says of one cell.

    Args:
        clip: the recording.
        bank: as learned.
        index: [E, k] what each event plays.
        weights: [E, k, 1 or M].
        vector: [E, coordinates] dB.
        way: how it was chosen.
    """
    stems = _rendered(clip, bank, index, weights)
    made = stems.sum(0) + clip.rest
    gains = weights.mean(-1).numpy()
    played = gains > AUDIBLE * gains.max(axis=1, keepdims=True)
    used = _used(index.numpy(), played, bank.shape[0])
    sizes = (bank.first_hz > 0).sum(1)[index].numpy()
    own: Array = vector.detach().numpy()
    if way != "one_vector":
        own = np.zeros((len(played), 1))
    facts = {
        "held_out": held_out(clip.target, made),
        "mel_db": mel_distance_db(clip.target, made, clip.rate),
        "bits": _bits(clip, bank.shape[0], played, own, index.shape[1]),
        "numbers": float(2.0 * played.sum(1).mean()) + (own.shape[1] if own.any() else 0),
        "active": float(played.sum(1).mean()),
        "participation": float(np.mean(gains.sum(1) ** 2 / (gains**2).sum(1))),
        "modes_per_event": float((played * sizes).sum(1).mean()),
        "in_use": int(used.any(0).sum()),
        "of": int(bank.shape[0]),
        "events": len(played),
    }
    if len(clip.truths) > 1:
        facts |= _stem_facts(clip, stems, used)
    return facts


def _rendered(clip: Clip, bank: Bank, index: Tensor, weights: Tensor) -> Array:
    """[S, frames] modes of each truth's events."""
    out: Array = np.zeros(clip.truths.shape)
    owner = torch.from_numpy(clip.owner)
    for first in range(0, out.shape[1], clip.rate):
        events = bank.active(first, clip.rate)
        sounds = bank.sounds(events, index[events], weights[events], first, clip.rate).double()
        for stem in range(len(out)):
            here = out[stem, first : first + clip.rate]
            here += sounds[owner[events] == stem].sum(0).numpy()[: len(here)]
    return out


def _used(index: Array, played: Array, resonances: int) -> Array:
    """[E, R] whether an event plays a resonance."""
    used = np.zeros((len(index), resonances), bool)
    np.put_along_axis(used, index, played, axis=1)
    return used


def _bits(clip: Clip, resonances: int, played: Array, vectors: Array, kept: int) -> float:
    """Bits per event; a mixture says how many, which, and a gain each."""
    found = event_bits(clip.seconds, resonances, vectors)
    assert found is not None
    if kept == 1:
        return found.continuous
    active = played.sum(1)
    which = [math.log2(math.comb(resonances, int(k))) for k in active]
    return found.onset + math.log2(kept) + float(np.mean(which + found.gain * active))


def _stem_facts(clip: Clip, stems: Array, used: Array) -> dict[str, float]:
    """How near each recording's own events are to it, and how many resonances both play."""
    distances = [
        held_out(truth, stem + rest)
        for truth, stem, rest in zip(clip.truths, stems, clip.rests, strict=True)
    ]
    both = used[clip.owner == 0].any(0) & used[clip.owner == 1].any(0)
    return {"stems": float(np.mean(distances)), "shared": float(both.sum() / used.any(0).sum())}
