"""Rotary position: an age turns and damps complex coefficients. Thread: worker.

Rotary embedding (Su et al. 2021) turns a position into a rotation. Here the position is an age in
seconds, the angle ω·age is formed in float64 and reduced to one turn before anything is float32, so
that an hour later it is still in phase; and every frequency has a decay, so that a linear read-out
is a bank of damped modes.
"""

import math

import torch
from torch import Tensor, nn

__all__ = ["LOWEST_HZ", "Rotary", "frequency_groups", "span_features"]

LOWEST_HZ = 0.25
"""Lowest frequency of a field."""

FIRST_DECAY = 0.01
TURN = 2.0 * math.pi


def frequency_groups(members: int, frequencies: int, top_hz: float) -> Tensor:
    """Frequencies in geometric order, member k holding the k-th group of neighbouring ones.

    Args:
        members: K.
        frequencies: F of each member.
        top_hz: the highest; the lowest is `LOWEST_HZ`.

    Returns:
        [K, F] float64, rad/s.
    """
    octaves = torch.linspace(
        math.log2(LOWEST_HZ), math.log2(top_hz), members * frequencies, dtype=torch.float64
    )
    return (TURN * torch.exp2(octaves)).reshape(members, frequencies)


def span_features(age: Tensor, duration: Tensor, dtype: torch.dtype) -> Tensor:
    """What a member sees of the age besides its rotary features.

    Args:
        age: [events, ages] seconds ≥ 0.
        duration: [events] seconds; where it is infinite the last eight features are 0.
        dtype: of the result.

    Returns:
        [events, ages, 9]: log1p(age / 1 ms), cos and sin of 2π·(n/2)·age/duration, n = 1 … 4.
    """
    age, duration = age.double(), duration.double()
    finite = torch.isfinite(duration) & (duration > 0.0)
    share = age / torch.where(finite, duration, 1.0)[:, None]
    half_turns = torch.arange(1, 5, dtype=torch.float64, device=age.device)
    angle = math.pi * torch.remainder(share[..., None] * half_turns, 2.0)
    spans = torch.cat([angle.cos(), angle.sin()], -1) * finite[:, None, None]
    return torch.cat([torch.log1p(age / 1e-3)[..., None], spans], -1).to(dtype)


class Rotary(nn.Module):
    """φ = h · exp((−alpha + j·omega)·age), for the frequencies of every member.

    A learnable frequency keeps to its own slot, half the way to its neighbours: so the members'
    octave groups stay apart. Casting the module with `.float()` or `.half()` would round the
    frequencies and with them every late phase; moving it to another device does not.

    Args:
        omega: [K, F] float64 rad/s, ≥ 0.
        alpha: [K, F] 1/s, ≥ 0; None starts every decay small.
        learn_frequencies: whether omega is learned too.
    """

    def __init__(
        self, omega: Tensor, alpha: Tensor | None = None, *, learn_frequencies: bool = False
    ) -> None:
        super().__init__()
        self.register_buffer("base", omega.double().clone())
        self.register_buffer("scale", self.base.clamp_min(1.0).sqrt())
        decay = torch.full_like(self.base, FIRST_DECAY) if alpha is None else alpha / self.scale
        self.decay = nn.Parameter(decay.float())
        lowest, highest = float(omega.min()), float(omega.max())
        octaves = math.log2(highest / lowest) if lowest > 0.0 else 0.0
        self.slot = 0.5 * octaves / max(omega.numel() - 1, 1)
        self.shift = nn.Parameter(torch.zeros(omega.shape), requires_grad=learn_frequencies)

    base: Tensor
    scale: Tensor

    def omega(self) -> Tensor:
        """[K, F] float64, rad/s."""
        return self.base * torch.exp2(self.slot * torch.tanh(self.shift.double()))

    def alpha(self) -> Tensor:
        """[K, F] float64, 1/s, ≥ 0."""
        return self.decay.double().abs() * self.scale

    def forward(self, h: Tensor, age: Tensor) -> Tensor:
        """The rotary position of every event at every age.

        Args:
            h: [events, K, F, 2] real and imaginary part.
            age: [events, ages] seconds ≥ 0; float64 where it may be long.

        Returns:
            [K, events, ages, 2F]: real parts, then imaginary parts, in h's precision.
        """
        age = age.double()[..., None]
        turns = (self.omega() / TURN)[:, None, None] * age
        angle = (TURN * (turns - turns.round())).to(h.dtype)
        size = torch.exp(-(self.alpha()[:, None, None] * age).to(h.dtype))
        re, im = size * angle.cos(), size * angle.sin()
        h_re, h_im = h.movedim(1, 0)[:, :, None].unbind(-1)
        return torch.cat([h_re * re - h_im * im, h_re * im + h_im * re], -1)
