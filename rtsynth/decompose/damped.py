"""Sums of damped exponentials and projections on them, in blocks so that both are matrix products.

`e^{s n}` for n = B·q + r is the outer product of `e^{s B q}` and `e^{s r}`: M modes over N samples
cost M·N multiply-adds and only M·(N/B + B) powers, which are made in the same way. Thread: any.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.units import LN1000

__all__ = ["Modes", "poles", "powers", "project", "ring", "ring_modes"]

BLOCK = 256
ROWS = 32  # blocks at once
STILL = 0.9  # of the modes; fewer are worth being picked out
INAUDIBLE = 1e-7  # −140 dB against the strongest mode

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Modes:
    """Damped modes `Re Σ amplitude · e^{s t}`, t in seconds from the onset.

    Attributes:
        freq_hz: [modes], Hz.
        t60_s: [modes], seconds to fall 60 dB.
        amplitude: [modes], complex.
    """

    freq_hz: Float
    t60_s: Float
    amplitude: Complex

    def __len__(self) -> int:
        return len(self.freq_hz)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool]) -> "Modes":
        """The modes at `index`, in its order."""
        return Modes(self.freq_hz[index], self.t60_s[index], self.amplitude[index])

    def energy(self) -> Float:
        """[modes] energy of each until it is gone, amplitude² · seconds."""
        energy: Float = np.abs(self.amplitude) ** 2 * self.t60_s / (4 * LN1000)
        return energy

    def loudest(self) -> NDArray[np.intp]:
        """[modes] their indices, of most energy first."""
        order: NDArray[np.intp] = np.argsort(-self.energy(), kind="stable")
        return order

    @classmethod
    def none(cls) -> "Modes":
        """No modes at all."""
        return cls(np.zeros(0), np.zeros(0), np.zeros(0, complex))


def poles(freq_hz: Float, t60_s: Float, sample_rate: float) -> Complex:
    """[modes] exponents per sample, `(−ln(1000)/t60 + j·2π·freq) / sample_rate`."""
    s: Complex = np.asarray((-LN1000 / t60_s + 2j * np.pi * freq_hz) / sample_rate, complex)
    return s


def powers(s: Complex, count: int, step: int = 1) -> Complex:
    """[count, modes] `e^{s n}` at n = 0, step, 2·step …, by multiplying few exponentials.

    Args:
        s: [modes] exponents per sample.
        count: rows.
        step: samples between them.
    """
    few = max(1, int(count**0.5))
    fine = np.exp(np.multiply.outer(np.arange(few) * step, s))
    coarse = np.exp(np.multiply.outer(np.arange(-(-count // few)) * (few * step), s))
    found: Complex = (coarse[:, None, :] * fine).reshape(-1, len(s))[:count]
    return found


def ring(s: Complex, amplitude: Complex, length: int, *, single: bool = False) -> Float:
    """[length] samples of `Re Σ amplitude · e^{s n}`.

    Args:
        s: [modes] exponents per sample.
        amplitude: [modes].
        length: samples wanted.
        single: sum in single precision, 130 dB under the loudest: twice as fast, for a fit.
    """
    if length <= 0 or len(s) == 0:
        return np.zeros(max(length, 0))
    count = -(-length // BLOCK)
    kind: type[np.floating[Any]] = np.float32 if single else np.float64
    columns, rows = powers(s, BLOCK).T, powers(s, min(count, ROWS), BLOCK)
    sines = np.stack([columns.real, columns.imag]).astype(kind)
    begins = powers(s, -(-count // ROWS), ROWS * BLOCK) * amplitude
    sound = np.zeros((count, BLOCK))
    audible = INAUDIBLE * float(np.abs(amplitude).max())
    kept: float = math.inf
    for begin, part in zip(begins, np.split(sound, range(ROWS, count, ROWS)), strict=True):
        alive = np.abs(begin) > audible  # modes that are gone cost nothing more
        left = int(np.count_nonzero(alive))
        if left == 0:
            break
        if left < STILL * kept:
            kept, there = left, np.flatnonzero(alive)
            own, every = sines[:, there].reshape(-1, BLOCK), rows[:, there]
        levels = every[: len(part)] * begin[there]
        part[...] = np.concatenate([levels.real, -levels.imag], axis=1).astype(kind) @ own
    return sound.reshape(-1)[:length]


def ring_modes(modes: Modes, sample_rate: float, length: int, *, single: bool = False) -> Float:
    """[length] samples of modes struck with gain 1.

    Args:
        modes: to ring on.
        sample_rate: Hz.
        length: samples wanted.
        single: as of `ring`.
    """
    s = poles(modes.freq_hz, modes.t60_s, sample_rate)
    return ring(s, modes.amplitude, length, single=single)


def project(s: Complex, signal: Float, *, ramped: bool = False) -> Complex:
    """[modes] inner products `Σ x[n] · conj(e^{s n})`, or with n·e^{s n} if `ramped`.

    Args:
        s: [modes] exponents per sample.
        signal: [samples].
        ramped: weigh each sample by its index too.
    """
    count = -(-len(signal) // BLOCK)
    padded = np.zeros(count * BLOCK)
    padded[: len(signal)] = signal
    if ramped:
        padded *= np.arange(len(padded))
    columns, rows = powers(s.conj(), BLOCK), powers(s.conj(), count, BLOCK)
    blocks = padded.reshape(count, BLOCK)
    found = blocks @ columns.real.copy() + 1j * (blocks @ columns.imag.copy())
    products: Complex = np.einsum("qm,qm->m", rows, found)
    return products
