"""A dictionary of complex atoms and the numbers their closed form needs. Thread: any."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtsynth.errors import ValueRangeError
from rtsynth.units import LN1000

__all__ = ["Atoms", "analytic", "damped_atoms"]

REAL = 1e-6  # of 1 − |ρ|²: below it an atom is one real waveform and has no second phase
LONGEST, MOST = 65_536, 65_536

Complex = NDArray[np.complex128]


@dataclasses.dataclass(frozen=True)
class Atoms:
    """Waveforms of unit norm that a sound is made of as `2·Re(b g)`.

    Analytic atoms (energy at positive frequencies only) have ρ near 0 and explain any phase alike.
    A real atom is legal: its ρ is 1 and it explains one phase only.

    Attributes:
        waveform: [atoms, samples] complex, brought to unit norm.

    Raises:
        ValueRangeError: no atoms, NaN, a silent atom, or too many.
    """

    waveform: Complex

    def __post_init__(self) -> None:
        wave = np.ascontiguousarray(self.waveform, complex)
        if wave.ndim != 2 or not 1 <= wave.shape[0] <= MOST or not 2 <= wave.shape[1] <= LONGEST:
            raise ValueRangeError(
                f"atoms of shape {np.shape(self.waveform)}; legal: [1 … {MOST}, 2 … {LONGEST}]",
                field="waveform",
            )
        norm = np.linalg.norm(wave, axis=1)
        if not np.isfinite(norm).all() or (norm <= 0.0).any():
            bad = int(np.flatnonzero(~np.isfinite(norm) | (norm <= 0.0))[0])
            raise ValueRangeError(
                f"atom {bad} has norm {norm[bad]}; legal: finite and not 0", field="waveform"
            )
        object.__setattr__(self, "waveform", wave / norm[:, None])

    def __len__(self) -> int:
        return len(self.waveform)

    @property
    def length(self) -> int:
        """Samples of each atom."""
        return int(self.waveform.shape[1])

    @property
    def rho(self) -> Complex:
        """[atoms] `Σ g²`."""
        rho: Complex = np.sum(self.waveform**2, axis=1)
        return rho


def gain_form(rho: Complex) -> tuple[NDArray[np.float64], Complex]:
    """[atoms] α and β of the gain `α|C|² − Re(β C²)` of atoms with this ρ."""
    left = 1.0 - np.abs(rho) ** 2
    real = left < REAL
    left = np.where(real, 1.0, left)
    return np.where(real, 1.0, 2.0 / left), np.where(real, 0.0, 2.0 * rho / left)


def optimum(correlation: complex, rho: complex) -> tuple[complex, float]:
    """The amplitude that lowers the residual's energy most, and by how much.

    Args:
        correlation: C of the residual with the atom.
        rho: of the atom.
    """
    left = 1.0 - abs(rho) ** 2
    if left < REAL:
        return correlation / 2.0, abs(correlation) ** 2
    amplitude = (correlation - np.conj(rho * correlation)) / left
    gain = 2.0 * (abs(correlation) ** 2 - (rho * correlation**2).real) / left
    return complex(amplitude), float(gain)


def damped_atoms(freq_hz: ArrayLike, t60_s: ArrayLike, length: int, sample_rate: float) -> Atoms:
    """Damped exponentials `e^{s t}`, the family of which resonances are made.

    Args:
        freq_hz: Hz, 0 … half the rate.
        t60_s: seconds to fall 60 dB; broadcast against `freq_hz`.
        length: samples.
        sample_rate: Hz.

    Raises:
        ValueRangeError: a frequency, T60, length or rate out of range.
    """
    freq, t60 = (np.ravel(a) for a in np.broadcast_arrays(np.asarray(freq_hz, float), t60_s))
    if not sample_rate > 0.0:
        raise ValueRangeError(f"sample_rate = {sample_rate}; legal: above 0", field="sample_rate")
    if not ((freq > 0.0) & (freq < sample_rate / 2)).all():
        raise ValueRangeError(
            f"freq_hz = {freq}; legal: above 0, below {sample_rate / 2:g} Hz", field="freq_hz"
        )
    if not ((t60 > 0.0) & np.isfinite(t60)).all():
        raise ValueRangeError(f"t60_s = {t60}; legal: above 0, finite", field="t60_s")
    if not 2 <= length <= LONGEST:
        raise ValueRangeError(f"length = {length}; legal: 2 … {LONGEST} samples", field="length")
    s = (-LN1000 / t60 + 2j * np.pi * freq) / sample_rate
    return Atoms(np.exp(np.outer(s, np.arange(length))))


def analytic(waveform: Complex) -> Complex:
    """[…, samples] without what is not at positive frequencies."""
    spectrum = np.fft.fft(waveform, axis=-1)
    spectrum[..., waveform.shape[-1] // 2 :] = 0.0
    spectrum[..., 0] = 0.0
    positive: Complex = np.fft.ifft(spectrum, axis=-1)
    return positive
