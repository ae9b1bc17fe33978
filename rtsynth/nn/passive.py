"""The peak of a resonance's response, with its gradient: dividing by it makes the modes passive.

The peak is sought without gradient, as a distance from its nearest mode in half-bandwidths; the
response there is then evaluated with gradient. By the envelope theorem that is the gradient of the
maximum itself. So the normalisation need neither be a soft maximum, which would not bound, nor be
treated as constant, which would leave a gradient along the modes' common scale, though that scale
changes nothing. Thread: worker.
"""

import torch
from torch import Tensor

__all__ = ["peak_response", "response"]

ZOOMS = ((16, 2.0), (6, 0.25), (2, 0.06), (2, 0.015), (2, 0.004), (1, 0.001))
"""How many of the best points are looked around, how far to either side, in half-bandwidths."""

POINTS = 11
CHUNK = 1 << 18  # complex numbers at once while searching


def response(omega: Tensor, s: Tensor, gain: Tensor) -> Tensor:
    """`|Σ gain/(jω − s)|` of the real signal, both halves of each conjugate pair included.

    Args:
        omega: [resonances, points], rad/s.
        s: [resonances, modes] complex.
        gain: [resonances, modes] complex, 1/s.

    Returns:
        [resonances, points], ≥ 0, in units of gain·seconds.
    """
    turn = 1j * omega[..., None]
    pole, weight = s[..., None, :], gain[..., None, :]
    pairs = weight / (turn - pole) + weight.conj() / (turn - pole.conj())
    return 0.5 * pairs.sum(-1).abs()


def peak_response(s: Tensor, gain: Tensor) -> Tensor:
    """The largest response over frequency.

    Args:
        s: [resonances, modes] complex128, real parts < 0.
        gain: [resonances, modes] complex128; 0 for absent modes.

    Returns:
        [resonances]; 0 for a resonance without modes.
    """
    with torch.no_grad():
        omega = _peak_omega(s.detach(), gain.detach())[:, None]
        distance = (omega - s.imag) / -s.real
        nearest = distance.abs().argmin(-1, keepdim=True)
        distance = distance.gather(-1, nearest)
    # the point moves with its mode, or the least error of the search would tilt the gradient
    omega = s.imag.gather(-1, nearest) - distance * s.real.gather(-1, nearest)
    return response(omega, s, gain)[:, 0]


def _peak_omega(s: Tensor, gain: Tensor) -> Tensor:
    """[resonances] where the response is highest, rad/s."""
    omega, width = s.imag, -s.real
    level = _search(omega, s, gain)
    line = torch.linspace(-1.0, 1.0, POINTS, dtype=width.dtype, device=s.device)
    for kept, zoom in ZOOMS:
        best = level.topk(min(kept, level.shape[-1]), dim=-1).indices
        centre, width = omega.gather(-1, best), width.gather(-1, best)
        omega = (centre[..., None] + zoom * width[..., None] * line).flatten(-2)
        width = width.repeat_interleave(POINTS, dim=-1)
        level = _search(omega, s, gain)
    return omega.gather(-1, level.argmax(-1, keepdim=True))[..., 0]


def _search(omega: Tensor, s: Tensor, gain: Tensor) -> Tensor:
    """The response, in pieces that fit the memory."""
    piece = max(1, CHUNK // max(1, s.numel()))
    parts = torch.split(omega, piece, dim=-1)
    return torch.cat([response(part, s, gain) for part in parts], dim=-1)
