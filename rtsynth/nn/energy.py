"""What keeps a score modest: the energy it excites with, and how many modes share the work.

A passive resonance gives no more energy than it is driven with, so that bounding the excitation
bounds the sound. Thread: worker.
"""

import torch
from torch import Tensor

__all__ = ["budget_loss", "complexity_loss", "excitation_energy", "participation"]

MAX_MODES_AT_WORK = 16.0


def excitation_energy(gain: Tensor, impulse: Tensor, sample_rate: float) -> Tensor:
    """[events] energy of a strike in the band of the sample rate, amplitude² · seconds.

    Args:
        gain: [events] linear.
        impulse: [events] seconds.
        sample_rate: Hz.
    """
    return (gain * impulse).square() * sample_rate


def budget_loss(energy: Tensor, budget: float) -> Tensor:
    """`relu(Σ energy − budget)`: nothing until the whole score drives with more than the budget."""
    return torch.relu(energy.sum() - budget)


def participation(amplitude: Tensor) -> Tensor:
    """`(Σ|a|²)² / Σ|a|⁴`: how many modes share the energy, 1 … M; 0 for silence.

    Args:
        amplitude: [..., modes], complex or real.
    """
    power = amplitude.abs().square()
    power = power / power.amax(-1, keepdim=True).clamp_min(torch.finfo(power.dtype).tiny)
    return power.sum(-1).square() / power.square().sum(-1).clamp_min(torch.finfo(power.dtype).tiny)


def complexity_loss(amplitude: Tensor, most: float = MAX_MODES_AT_WORK) -> Tensor:
    """Mean excess of the participation over `most` modes.

    Args:
        amplitude: [events, modes].
        most: modes that cost nothing.
    """
    return torch.relu(participation(amplitude) - most).mean()
