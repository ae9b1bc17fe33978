"""Sums of damped exponentials and projections on them, in blocks so that both are matrix products.

`e^{s n}` for n = B·q + r is the outer product of `e^{s B q}` and `e^{s r}`: M modes over N samples
cost M·N multiply-adds and only M·(N/B + B) exponentials. Thread: any.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from rtsynth.units import LN1000

__all__ = ["Modes", "poles", "project", "ring", "ring_modes"]

BLOCK = 256
ROWS = 32  # blocks at once
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

    @classmethod
    def none(cls) -> "Modes":
        """No modes at all."""
        return cls(np.zeros(0), np.zeros(0), np.zeros(0, complex))


def poles(freq_hz: Float, t60_s: Float, sample_rate: float) -> Complex:
    """[modes] exponents per sample, `(−ln(1000)/t60 + j·2π·freq) / sample_rate`."""
    s: Complex = np.asarray((-LN1000 / t60_s + 2j * np.pi * freq_hz) / sample_rate, complex)
    return s


def ring(s: Complex, amplitude: Complex, length: int) -> Float:
    """[length] samples of `Re Σ amplitude · e^{s n}`.

    Args:
        s: [modes] exponents per sample.
        amplitude: [modes].
        length: samples wanted.
    """
    if length <= 0 or len(s) == 0:
        return np.zeros(max(length, 0))
    count = -(-length // BLOCK)
    rows = np.exp(np.outer(np.arange(count) * BLOCK, s)) * amplitude
    columns = np.exp(np.outer(s, np.arange(BLOCK)))
    sound = np.zeros((count, BLOCK))
    audible = INAUDIBLE * float(np.abs(amplitude).max())
    for first in range(0, count, ROWS):  # modes that are gone cost nothing more
        part = rows[first : first + ROWS]
        alive = np.abs(part[0]) > audible
        if not alive.any():
            break
        part, own = part[:, alive], columns[alive]
        sound[first : first + ROWS] = part.real @ own.real - part.imag @ own.imag
    return sound.reshape(-1)[:length]


def ring_modes(modes: Modes, sample_rate: float, length: int) -> Float:
    """[length] samples of modes struck with gain 1.

    Args:
        modes: to ring on.
        sample_rate: Hz.
        length: samples wanted.
    """
    return ring(poles(modes.freq_hz, modes.t60_s, sample_rate), modes.amplitude, length)


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
    columns = np.exp(np.outer(s, np.arange(BLOCK))).conj()
    rows = np.exp(np.outer(np.arange(count) * BLOCK, s)).conj()
    products: Complex = np.einsum("qm,qm->m", rows, padded.reshape(count, BLOCK) @ columns.T)
    return products
