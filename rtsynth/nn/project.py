"""Variable projection: poles are learned, their complex amplitudes are solved for.

    x[n] ≈ Re Σ_k a_k z_k^n,  z = e^{−decay + jω}

is linear in a, so that only the poles are searched (Golub & Pereyra 1973). At the solution the
error does not change with a to first order, so its gradient by the poles is exact with a held.
Gauss-Newton drops the projection's own curvature (Kaufman 1975), damped after Levenberg-Marquardt.
Everything is batched, and batches do not know each other. Thread: worker.
"""

import dataclasses

import torch
from torch import Tensor

__all__ = ["Poles", "polish", "powers", "residual", "solve_amplitude"]

BLOCK = 128
RIDGE = 1e-10
MAX_DAMPING, MIN_DAMPING = 1e8, 1e-12
SETTLED = 1e-12


@dataclasses.dataclass(frozen=True)
class Poles:
    """Sinusoids found in some signals.

    Attributes:
        omega: [batch, poles] rad/sample, 0 … π.
        decay: [batch, poles] nepers per sample.
        amplitude: [batch, poles] complex, at the first sample.
    """

    omega: Tensor
    decay: Tensor
    amplitude: Tensor


def powers(omega: Tensor, decay: Tensor, length: int) -> Tensor:
    """`z^n` = e^{n log z}, [batch, poles, length] complex128, its phase in float64."""
    exponent = torch.complex(-decay, omega)[..., None]
    rows = torch.arange(0, length, BLOCK, dtype=torch.float64, device=omega.device)
    columns = torch.arange(min(BLOCK, length), dtype=torch.float64, device=omega.device)
    # as an outer product: a product is many times cheaper than an exponential
    table = torch.exp(exponent * rows)[..., None] * torch.exp(exponent * columns)[..., None, :]
    return table.flatten(-2)[..., :length]


def solve_amplitude(waves: Tensor, signal: Tensor) -> Tensor:
    """[batch, poles] complex amplitudes that fit best, with gradient.

    Args:
        waves: [batch, poles, length] complex.
        signal: [batch, length].
    """
    rows = _rows(waves)
    solved = torch.linalg.solve(_gram(rows), (rows @ signal[..., None])[..., 0])
    real, imaginary = solved.chunk(2, dim=-1)
    return torch.complex(real, imaginary)


def residual(waves: Tensor, amplitude: Tensor, signal: Tensor) -> Tensor:
    """[batch, length] signal − Re Σ amplitude · waves."""
    return signal - (amplitude[..., None] * waves).real.sum(-2)


def polish(
    signal: Tensor, poles: Poles, *, damped: bool, rounds: int = 40, settled: float = SETTLED
) -> Poles:
    """The poles after Gauss-Newton steps, each taken only where it lowers the error.

    Args:
        signal: [batch, length].
        poles: where to begin.
        damped: whether decays are learned; otherwise they are held at 0.
        rounds: at most.
        settled: share of the error that a step must gain to be worth another.
    """
    omega = poles.omega.clone()
    decay = poles.decay.clone() if damped else torch.zeros_like(poles.decay)
    damping = torch.full((len(signal), 1), 1e-3, dtype=torch.float64, device=signal.device)
    error, amplitude = _fit(signal, omega, decay)
    for _ in range(rounds):
        move = _gauss_newton(signal, omega, decay, amplitude, damping, damped)
        turn, fade = move.chunk(2, dim=-1) if damped else (move, torch.zeros_like(move))
        new_omega, new_decay = omega + turn, (decay + fade).clamp_min(0.0)
        new_error, new_amplitude = _fit(signal, new_omega, new_decay)
        better = (new_error < error)[:, None]
        gained = (error - new_error).clamp_min(0.0) / error.clamp_min(1e-300)
        omega = torch.where(better, new_omega, omega)
        decay = torch.where(better, new_decay, decay)
        amplitude = torch.where(better, new_amplitude, amplitude)
        error = torch.where(better[:, 0], new_error, error)
        damping = (damping * torch.where(better, 0.2, 8.0)).clamp(MIN_DAMPING, MAX_DAMPING)
        if bool(((gained < settled) & better[:, 0] | (damping[:, 0] >= MAX_DAMPING)).all()):
            break
    return folded(omega, decay, amplitude)


def folded(omega: Tensor, decay: Tensor, amplitude: Tensor) -> Poles:
    """The same real signals with every frequency in 0 … π."""
    turned = torch.remainder(omega + torch.pi, 2.0 * torch.pi) - torch.pi
    back = torch.where(turned < 0, amplitude.conj(), amplitude)
    return Poles(turned.abs(), decay, back.resolve_conj())


def _fit(signal: Tensor, omega: Tensor, decay: Tensor) -> tuple[Tensor, Tensor]:
    waves = powers(omega, decay, signal.shape[-1])
    amplitude = solve_amplitude(waves, signal)
    return residual(waves, amplitude, signal).square().sum(-1), amplitude


def _gauss_newton(
    signal: Tensor,
    omega: Tensor,
    decay: Tensor,
    amplitude: Tensor,
    damping: Tensor,
    damped: bool,
) -> Tensor:
    """[batch, parameters] the step, frequencies first, then decays."""
    waves = powers(omega, decay, signal.shape[-1])
    left = residual(waves, amplitude, signal)
    time = torch.arange(signal.shape[-1], dtype=torch.float64, device=signal.device)
    slope = amplitude[..., None] * waves * time
    slopes = torch.cat([-slope.imag, -slope.real], dim=-2) if damped else -slope.imag
    rows = _rows(waves)
    slopes = slopes - torch.linalg.solve(_gram(rows), rows @ slopes.mT).mT @ rows
    normal = slopes @ slopes.mT
    scale = normal.diagonal(dim1=-2, dim2=-1)
    floor = 1e-12 * scale.amax(-1, keepdim=True) + 1e-300
    normal = normal + torch.diag_embed(damping * scale + floor)
    step: Tensor = torch.linalg.solve(normal, (slopes @ left[..., None])[..., 0])
    return step


def _gram(rows: Tensor) -> Tensor:
    """Products of every two rows, with a ridge that keeps coinciding poles solvable."""
    gram = rows @ rows.mT
    size = gram.diagonal(dim1=-2, dim2=-1).mean(-1).clamp_min(1e-30)[:, None, None]
    ridge = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    solvable: Tensor = gram + RIDGE * size * ridge
    return solvable


def _rows(waves: Tensor) -> Tensor:
    """[batch, 2·poles, length] so that the signal is amplitudes (re, im) times rows."""
    return torch.cat([waves.real, -waves.imag], dim=-2)
