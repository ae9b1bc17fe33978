"""Sounds that the losses' tests listen to, all seeded."""

import numpy as np
import torch
from torch import Tensor

RATE = 22_050


def noise(count: int, seed: int = 0) -> Tensor:
    """[count] white, of unit variance."""
    return torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tone(hz: float, count: int, t60_s: float = 3.0, gain: float = 0.3, onset: int = 0) -> Tensor:
    """[count] a decaying sine that begins after 5 ms of fading in."""
    t = torch.arange(count - onset, dtype=torch.float64) / RATE
    rise = torch.clamp(t / 0.005, max=1.0)
    sound = gain * rise * torch.exp(-6.9 / t60_s * t) * torch.sin(2 * np.pi * hz * t)
    return torch.nn.functional.pad(sound, (onset, 0))


def notes(count: int = 16_384) -> Tensor:
    """[1, 4, count] four notes, two of them one after the other."""
    found = [
        tone(300.0, count), tone(1_100.0, count, gain=0.2), tone(2_500.0, count, onset=5_000),
        tone(5_200.0, count, 1.0, 0.1, onset=9_000),
    ]  # fmt: skip
    return torch.stack(found)[None]
