"""Frequencies learned by gradient descent through a damped surrogate.

The error of a real sinusoid against a target has about one local minimum per sample of its length.
The surrogate `Re z^n`, z complex and free, may decay while its frequency is wrong: its memory is
short and the error's surface smooth; |z| grows to 1 as it arrives. z is kept as two reals.
Hayes, Saitis, Fazekas: Sinusoidal frequency estimation by gradient descent, ICASSP 2023
(arXiv 2210.14476). Thread: worker.
"""

import math

import torch
from torch import Tensor, nn

from rtsynth.nn.project import Poles, folded, powers, residual, solve_amplitude

__all__ = ["SurrogateBank", "residual_peak"]

LEAST_RADIUS = 1e-6
PADDING = 4


class SurrogateBank(nn.Module):
    """K poles for each signal of a batch.

    Args:
        count: K.
        batch: signals learned side by side.
        saturate: whether |z| is kept below 1, as tanh of what is stored.
        unit_grad: whether each pole's gradient is scaled to length 1, for plain descent.
        seed: of the first poles: frequencies uniform, |z| from 0.9 to 1.

    Attributes:
        stored: [batch, K, 2] float64, real and imaginary part.
    """

    def __init__(
        self,
        count: int,
        batch: int = 1,
        *,
        saturate: bool = False,
        unit_grad: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(seed)
        turn, size = torch.rand(2, batch, count, generator=random, dtype=torch.float64)
        self.saturate = saturate
        self.stored = nn.Parameter(torch.zeros(batch, count, 2, dtype=torch.float64))
        self.place(math.pi * turn, -torch.log(0.9 + 0.1 * size))
        if unit_grad:
            self.stored.register_hook(_unit)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def place(self, omega: Tensor, decay: Tensor) -> None:
        """Put the poles where they are wanted.

        Args:
            omega: [batch, K] rad/sample.
            decay: [batch, K] nepers per sample, > 0 if saturated.
        """
        radius = torch.exp(-decay)
        if self.saturate:
            radius = torch.atanh(radius.clamp_max(1.0 - 1e-12))
        self.stored.copy_(torch.stack([radius * omega.cos(), radius * omega.sin()], dim=-1))

    @property
    def omega(self) -> Tensor:
        """[batch, K] rad/sample, −π … π."""
        return torch.atan2(self.stored[..., 1], self.stored[..., 0])

    @property
    def decay(self) -> Tensor:
        """[batch, K] nepers per sample; negative where |z| > 1."""
        radius = self.stored.square().sum(-1).clamp_min(LEAST_RADIUS**2).sqrt()
        return -torch.log(torch.tanh(radius) if self.saturate else radius)

    def waves(self, length: int) -> Tensor:
        """[batch, K, length] complex, `z^n`."""
        return powers(self.omega, self.decay, length)

    def forward(self, length: int) -> Tensor:
        """[batch, length] `Re Σ z^n`, every amplitude 1."""
        return self.waves(length).real.sum(-2)

    def loss(self, signal: Tensor) -> Tensor:
        """[batch] error energy over signal energy, the amplitudes solved for inside.

        Args:
            signal: [batch, length].
        """
        waves = self.waves(signal.shape[-1])
        left = residual(waves, solve_amplitude(waves, signal), signal)
        return left.square().sum(-1) / signal.square().sum(-1).clamp_min(1e-300)

    @torch.no_grad()
    def read_off(self, signal: Tensor, *, damped: bool = False) -> Poles:
        """Frequencies, decays, and amplitudes by least squares.

        Args:
            signal: [batch, length].
            damped: whether the decays are part of the model; otherwise they are 0.
        """
        decay = self.decay.clamp_min(0.0) if damped else torch.zeros_like(self.decay)
        waves = powers(self.omega, decay, signal.shape[-1])
        return folded(self.omega, decay, solve_amplitude(waves, signal))

    @torch.no_grad()
    def merged(self, length: int) -> Tensor:
        """[batch, K] bool: poles closer than 1/(2·length) cycles to one before them in the order.

        Args:
            length: of the signal, samples.
        """
        omega = self.omega.abs()
        near = (omega[:, :, None] - omega[:, None, :]).abs() < math.pi / length
        return near.tril(-1).any(-1)

    @torch.no_grad()
    def part(self, signal: Tensor) -> int:
        """Move one merged pole of each signal to the highest peak of what is left.

        Args:
            signal: [batch, length].

        Returns:
            how many poles moved.
        """
        length = signal.shape[-1]
        merged = self.merged(length)
        if not bool(merged.any()):
            return 0
        waves = self.waves(length)
        left = residual(waves, solve_amplitude(waves, signal), signal)
        omega, decay = self.omega, self.decay
        rows = merged.any(-1).nonzero()[:, 0]
        moved = merged[rows].double().argmax(-1)
        omega[rows, moved] = residual_peak(left[rows])
        decay[rows, moved] = 1.0 / length
        self.place(omega, decay)
        return len(rows)


def residual_peak(left: Tensor) -> Tensor:
    """[batch] rad/sample of the highest peak of the spectrum, inside 0 … π.

    Args:
        left: [batch, length].
    """
    size = PADDING << (left.shape[-1] - 1).bit_length()
    level = torch.fft.rfft(left, size).abs()
    level[:, 0] = 0.0
    peak: Tensor = level.argmax(-1).double() * (2.0 * math.pi / size)
    return peak


def _unit(gradient: Tensor) -> Tensor:
    unit: Tensor = gradient / gradient.norm(dim=-1, keepdim=True).clamp_min(1e-300)
    return unit
