"""Learning which resonance an event plays, by hard EM: propose, hear, keep what is closer.

`rtsynth.nn.assign.hard_em` proposes in the magnitude domain; a proposal is kept only if what the
engine then plays is closer to the recording, so that no round makes anything worse. Thread: worker.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from rtsynth.fit.choosing import HOP, SIZE, resonance_magnitudes, resonance_sounds
from rtsynth.fit.material import Material, Piece
from rtsynth.fit.model import Model
from rtsynth.metrics import stft_magnitude
from rtsynth.nn.assign import hard_em

__all__ = ["reassign"]

HEARD_S = 1.0
BETTER = 1.1  # energy explained against that of the present choice, for a proposal
MOST_TRIED = 8


@torch.no_grad()
def reassign(model: Model, material: Material, validate: Callable[[], float]) -> int:
    """One round over all pieces; how many events changed their resonance.

    Args:
        model: its events' resonances, gains and vectors are changed.
        material: what it learns from.
        validate: distance of what would be baked now; smaller is better.
    """
    sounds = resonance_sounds(model.bank(), material.sample_rate, HEARD_S)
    shapes = torch.from_numpy(resonance_magnitudes(sounds))
    best, changed = validate(), 0
    for piece in material.pieces:
        for event, resonance, gain in _proposals(model, piece, shapes):
            before = (model.events.resonance[event].clone(), model.gain[event].clone(),
                      model.vector[event].clone())  # fmt: skip
            model.events.resonance[event] = resonance
            model.gain[event] = float(np.log(gain / float(model.events.gain[event])))
            model.vector[event] = 0.0
            found = validate()
            if found < best:
                best, changed = found, changed + 1
                continue
            model.events.resonance[event], model.gain[event], model.vector[event] = before
    return changed


def _proposals(model: Model, piece: Piece, shapes: torch.Tensor) -> list[tuple[int, int, float]]:
    """(event, resonance, gain) of a piece that explain most more than what is played now."""
    count = len(piece.modal)
    own = np.arange(piece.first, piece.first + count)
    magnitude = stft_magnitude(piece.target.mean(axis=0).astype(float), SIZE, HOP).T
    onset: NDArray[np.int64] = np.minimum(model.onset[own] // HOP, magnitude.shape[1] - 1)
    found = hard_em(torch.from_numpy(magnitude), torch.from_numpy(onset), shapes)
    now = model.events.resonance.cpu()[torch.from_numpy(own)]
    rows = torch.arange(count)
    gains = found.explained[rows, found.index] / (found.explained[rows, now] + 1e-30)
    order = torch.argsort(gains, descending=True, stable=True).tolist()
    return [
        (int(own[e]), int(found.index[e]), float(found.gain[e]))
        for e in order
        if int(found.index[e]) != int(now[e])
        and float(gains[e]) > BETTER
        and float(found.gain[e]) > 1e-6
        and float(model.events.gain[own[e]]) > 0.0
    ][:MOST_TRIED]
