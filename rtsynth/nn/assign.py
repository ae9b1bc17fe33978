"""The other way to choose: score every resonance for every event, take the best, go round again.

Hard EM in the magnitude domain. The model of the recording's magnitudes is the sum of the events'
(losses.G2), so that an event is scored against what all the others leave, and phase plays no part.
The bank is then updated by its own optimiser with the choice held. Thread: worker.
"""

import dataclasses

import torch
from torch import Tensor

__all__ = ["Assignment", "hard_em", "placed", "score"]


@dataclasses.dataclass(frozen=True)
class Assignment:
    """What each event plays.

    Attributes:
        index: [events] int64.
        gain: [events] linear, ≥ 0.
        explained: [events, resonances] energy each resonance would explain, of the last sweep.
    """

    index: Tensor
    gain: Tensor
    explained: Tensor


def score(patches: Tensor, sounds: Tensor) -> tuple[Tensor, Tensor]:
    """Energy explained by each resonance at its best gain ≥ 0, and that gain.

    Args:
        patches: [events, bins, analysis frames], magnitudes from each event's onset on.
        sounds: [resonances, bins, analysis frames], magnitudes ≥ 0 at gain 1.

    Returns:
        [events, resonances] explained, [events, resonances] gain.
    """
    match = torch.relu(torch.einsum("eft,rft->er", patches, sounds))
    energy = sounds.square().sum((1, 2)).clamp_min(torch.finfo(sounds.dtype).tiny)
    return match.square() / energy, match / energy


@torch.no_grad()
def hard_em(magnitude: Tensor, onset: Tensor, sounds: Tensor, sweeps: int = 4) -> Assignment:
    """Choose resonance and gain of every event, one after the other, until nothing changes.

    No event's step can raise the squared error, so that the sweeps settle.

    Args:
        magnitude: [bins, analysis frames] of the recording.
        onset: [events] int64, analysis frame each begins at.
        sounds: [resonances, bins, length in analysis frames] at gain 1.
        sweeps: at most.
    """
    count, length = len(onset), sounds.shape[2]
    left = torch.nn.functional.pad(magnitude, (0, length))
    index = torch.zeros(count, dtype=torch.int64, device=magnitude.device)
    gain = magnitude.new_zeros(count)
    explained = magnitude.new_zeros(count, len(sounds))
    for _ in range(sweeps):
        before = index.clone()
        for event in onset.argsort(stable=True).tolist():
            first = int(onset[event])
            heard = min(length, magnitude.shape[1] - first)
            here = left[:, first : first + heard]
            shape = sounds[:, :, :heard]
            here += gain[event] * shape[index[event]]
            energies, gains = score(here[None], shape)
            explained[event] = energies[0]
            index[event] = energies[0].argmax()
            gain[event] = gains[0, index[event]]
            here -= gain[event] * shape[index[event]]
        if torch.equal(index, before):
            break
    return Assignment(index, gain, explained)


def placed(sounds: Tensor, onset: Tensor, length: int) -> Tensor:
    """The sum of the events' sounds (or magnitudes), each from its onset on; differentiable.

    Args:
        sounds: [events, ..., time]; what hangs over the end is cut off.
        onset: [events] int64, 0 … length − 1, in samples or analysis frames.
        length: of the result, in the same.

    Returns:
        [..., length].
    """
    time = onset[:, None] + torch.arange(sounds.shape[-1], device=sounds.device)
    flat = sounds.movedim(0, -2).flatten(-2)
    room = flat.new_zeros(*flat.shape[:-1], length + sounds.shape[-1])
    return room.index_add(-1, time.flatten(), flat)[..., :length]
