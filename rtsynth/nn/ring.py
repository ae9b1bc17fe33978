"""Damped exponentials summed over a tick, with gradients: one operation, two twins.

On the processor a compiled kernel does it, a tick of all modes at a time and without an
intermediate array; elsewhere, and in tests, plain torch does. The gradients: of
`y_n = Re(g_n z p^(n+1))` they are ∂y_n/∂z = g_n conj(p^(n+1)) and ∂y_n/∂p = g_n (n+1) conj(z p^n),
as (real, imaginary) pairs. Thread: worker.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.modal import TICK

__all__ = ["powers", "ring_plain", "ring_ticks"]

INAUDIBLE = 1e-12  # a row of modes whose sum of |g z| is below this is silence
WORK_ROWS = 12


@kernel(fastmath=True)
def _ring(zr: Any, zi: Any, pr: Any, pi: Any, g0: Any, g1: Any, work: Any, out: Any) -> None:
    """[rows, TICK] `out[k, n] = Σ_m Re(g z p^{n+1})`, g moving from g0 to g1; work is [≥ 2, M]."""
    modes = zr.shape[1]
    for k in range(zr.shape[0]):
        level = 0.0
        for m in range(modes):
            work[0, m] = zr[k, m]
            work[1, m] = zi[k, m]
            level += (abs(zr[k, m]) + abs(zi[k, m])) * (abs(g0[k, m]) + abs(g1[k, m]))
        if level < INAUDIBLE:
            for n in range(TICK):
                out[k, n] = 0.0
            continue
        for n in range(TICK):
            t = np.float32((n + 1) / TICK)
            total = 0.0
            for m in range(modes):
                re = work[0, m] * pr[k, m] - work[1, m] * pi[k, m]
                im = work[0, m] * pi[k, m] + work[1, m] * pr[k, m]
                work[0, m] = re
                work[1, m] = im
                total += (g0[k, m] + (g1[k, m] - g0[k, m]) * t) * re
            out[k, n] = total


@kernel(fastmath=True)
def _ring_back(
    zr: Any, zi: Any, pr: Any, pi: Any, g0: Any, g1: Any, dy: Any, work: Any, grad: Any
) -> None:
    """Gradients of `_ring` into grad [6, rows, M], in the order of its arguments; work [≥ 2, M]."""
    modes = zr.shape[1]
    for k in range(zr.shape[0]):
        loud = 0.0
        for n in range(TICK):
            loud += abs(dy[k, n])
        for m in range(modes):
            work[0, m] = 1.0
            work[1, m] = 0.0
            for row in range(6):
                grad[row, k, m] = 0.0
        if loud == 0.0:
            continue
        for n in range(TICK):
            t = np.float32((n + 1) / TICK)
            d = dy[k, n]
            count = np.float32(n + 1)
            for m in range(modes):
                qr, qi = work[0, m], work[1, m]
                vr = zr[k, m] * qr - zi[k, m] * qi
                vi = zr[k, m] * qi + zi[k, m] * qr
                nr = qr * pr[k, m] - qi * pi[k, m]
                ni = qr * pi[k, m] + qi * pr[k, m]
                work[0, m] = nr
                work[1, m] = ni
                wr = zr[k, m] * nr - zi[k, m] * ni
                g = d * (g0[k, m] + (g1[k, m] - g0[k, m]) * t)
                grad[0, k, m] += g * nr
                grad[1, k, m] -= g * ni
                grad[2, k, m] += g * count * vr
                grad[3, k, m] -= g * count * vi
                grad[4, k, m] += d * (1.0 - t) * wr
                grad[5, k, m] += d * t * wr


class _Ring(torch.autograd.Function):
    """The kernel as an operation of torch; inputs are [rows, M] contiguous on the processor."""

    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        ctx.save_for_backward(*inputs)
        arrays = [x.numpy() for x in inputs]
        out = np.empty((arrays[0].shape[0], TICK), arrays[0].dtype)
        work = np.empty((WORK_ROWS, arrays[0].shape[1]), arrays[0].dtype)
        _ring(*arrays, work, out)
        return torch.from_numpy(out)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        arrays = [x.numpy() for x in ctx.saved_tensors]
        dy = np.ascontiguousarray(grads[0].numpy())
        grad = np.empty((6, *arrays[0].shape), arrays[0].dtype)
        work = np.empty((WORK_ROWS, arrays[0].shape[1]), arrays[0].dtype)
        _ring_back(*arrays, dy, work, grad)
        return tuple(torch.from_numpy(g) for g in grad)


def powers(pole: Tensor, count: int = TICK) -> Tensor:
    """[..., count] the powers 1 … count of complex poles [...], by doubling."""
    found = pole.unsqueeze(-1)
    while found.shape[-1] < count:
        found = torch.cat([found, found * found[..., -1:]], dim=-1)
    return found[..., :count]


def ring_plain(z: Tensor, pole: Tensor, g0: Tensor, g1: Tensor) -> Tensor:
    """`ring_ticks` written out in torch."""
    t = torch.arange(1, TICK + 1, device=z.device, dtype=g0.dtype) / TICK
    gain = g0.unsqueeze(-1) + (g1 - g0).unsqueeze(-1) * t
    return (gain * (z.unsqueeze(-1) * powers(pole)).real).sum(dim=-2)


def ring_ticks(z: Tensor, pole: Tensor, g0: Tensor, g1: Tensor) -> Tensor:
    """One tick of ringing modes: `y_n = Σ_m Re((g0 + (g1 − g0)(n+1)/32) · z · p^(n+1))`.

    Args:
        z: [..., M] complex states one frame before the tick.
        pole: [..., M] complex, per frame.
        g0: [..., M] output gain before the tick.
        g1: [..., M] output gain at its last frame.

    Returns:
        [..., 32] samples.
    """
    shape = np.broadcast_shapes(z.shape, pole.shape, g0.shape, g1.shape)
    if z.device.type != "cpu":
        return ring_plain(z, pole, g0, g1)
    parts = (z.real, z.imag, pole.real, pole.imag, g0, g1)
    flat = [x.expand(shape).reshape(-1, shape[-1]).contiguous() for x in parts]
    out: Tensor = _Ring.apply(*flat)  # type: ignore[no-untyped-call]
    return out.reshape(*shape[:-1], TICK)
