"""Loudness over time as the ear weighs frequencies. Thread: worker.

A-weighting by IEC 61672-1, normalised to 1 at 1 kHz.
"""

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.losses.spectra import Spectra

__all__ = ["Loudness", "a_weight"]

SIZE, HOP = 2048, 512
FLOOR = 1e-4  # of full scale, as in the multi-scale loss
CORNERS_HZ = (20.598997, 107.65265, 737.86223, 12194.217)
AT_1_KHZ = 1.2588966  # 2.0 dB


def a_weight(freq_hz: Tensor) -> Tensor:
    """Gain of the A-weighting at frequencies ≥ 0 Hz."""
    square = freq_hz**2
    low, middle, upper, high = (corner**2 for corner in CORNERS_HZ)
    below = (square + low) * torch.sqrt((square + middle) * (square + upper)) * (square + high)
    return AT_1_KHZ * high * square**2 / below


class Loudness:
    """The A-weighted level of frames of 2048 samples.

    Args:
        sample_rate: Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        if not 1_000 <= sample_rate <= 400_000:
            raise ValueRangeError(
                f"sample_rate = {sample_rate}; legal: 1000 … 400000 Hz", field="sample_rate"
            )
        self._weight = a_weight(torch.linspace(0.0, sample_rate / 2, SIZE // 2 + 1)).square()

    def level(self, spectrum: Tensor) -> Tensor:
        """[B, frames] nepers of amplitude, of spectra [B, bins, frames]."""
        power = spectrum.real**2 + spectrum.imag**2
        weighted = (self._weight.to(power)[:, None] * power).sum(dim=-2)
        return 0.5 * torch.log(weighted + (FLOOR * SIZE / 4) ** 2)

    def distance(self, spectra: Spectra) -> Tensor:
        """Mean difference between the mix and the target, nepers."""
        wanted = self.level(spectra.stft("target", SIZE, HOP))
        return (self.level(spectra.stft("mix", SIZE, HOP)) - wanted).abs().mean()
