"""Damped complex exponentials in torch: the whole form of any length, and the step form.

Exponents `s` are in 1/s and rad/s, amplitudes complex; both are [events, modes]. Exponentials are
formed in float64 whatever the sound's type, so a tail an hour long is still in phase.
Thread: worker.
"""

import torch
from torch import Tensor

__all__ = ["ring", "step"]

BLOCK = 256


def ring(
    s: Tensor,
    amplitude: Tensor,
    length: int,
    sample_rate: float,
    first: float | Tensor = 0.0,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """`Re Σ amplitude · e^{s n / sample_rate}` for `length` values of n from `first` on.

    With n = first + B·q + r the exponential is an outer product, so that a mode costs one
    multiply-add per sample and only length/B + B exponentials.

    Args:
        s: [events, modes] complex128.
        amplitude: [events, modes] complex128, at age 0.
        length: samples.
        sample_rate: Hz.
        first: age of the first sample, ≥ 0, in samples, not necessarily whole; or [events] of them.
        dtype: of the sound.

    Returns:
        [events, length].
    """
    exponent = (s / sample_rate)[..., None]
    begin = torch.as_tensor(first, dtype=torch.float64, device=s.device).reshape(-1, 1, 1)
    rows = torch.arange(0, max(length, 1), BLOCK, dtype=torch.float64, device=s.device)
    columns = torch.arange(BLOCK, dtype=torch.float64, device=s.device)
    coarse = amplitude[..., None] * torch.exp(exponent * (begin + rows))
    fine = torch.exp(exponent * columns)
    # Re(a·b) = Re a · Re b − Im a · Im b, as one real matrix product over 2·modes
    left = torch.cat([coarse.real, -coarse.imag], dim=-2).to(dtype)
    right = torch.cat([fine.real, fine.imag], dim=-2).to(dtype)
    return (left.mT @ right).flatten(-2)[..., :length]


def step(
    s: Tensor, gain: Tensor, state: Tensor, drive: Tensor, sample_rate: float
) -> tuple[Tensor, Tensor]:
    """The next block of `q[n] = e^{s/rate} q[n−1] + gain·drive[n]/rate`, `y[n] = Re Σ q[n]`.

    Any partition of a drive into blocks gives the same sound. A voice that meets a number that is
    not finite is silenced, state and all; the others do not notice.

    Args:
        s: [events, modes] complex128.
        gain: [events, modes] complex128, 1/s.
        state: [events, modes] complex128, q before the block.
        drive: [events, length].
        sample_rate: Hz.

    Returns:
        [events, length] sound, and the state after the block.
    """
    length = drive.shape[-1]
    count = torch.arange(length + 1, dtype=torch.float64, device=s.device)
    powers = torch.exp((s / sample_rate)[..., None] * count)
    fed = (gain / sample_rate)[..., None] * powers[..., :-1]
    size = 1 << (2 * length).bit_length()
    spectrum = torch.fft.rfft(drive.double(), size) * torch.fft.rfft(fed.real.sum(-2), size)
    driven = torch.fft.irfft(spectrum, size)[..., :length]
    out = driven + (powers[..., 1:] * state[..., None]).real.sum(-2)
    # the same sum as a product with the drive backwards
    after = powers[..., -1] * state + (fed * drive.double().flip(-1)[..., None, :]).sum(-1)
    sane = out.isfinite().all(-1, keepdim=True) & after.abs().isfinite().all(-1, keepdim=True)
    return torch.where(sane, out, 0.0), torch.where(sane, after, 0.0)
