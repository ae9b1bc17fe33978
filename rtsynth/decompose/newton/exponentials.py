"""One resonance's exponentials and what they become when their poles move. Thread: any.

A pole that moves by δ changes its exponential by `δ·n·e^{s n}` to first order; with n counted from
the mode's centre of energy that is orthogonal to the exponential itself, so that a solver need not
tell the two apart.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Complex, Float, Modes, poles
from rtsynth.dsp.exponential import (
    BLOCK,
    exponential_energies,
    exponential_products,
    exponential_sum,
    exponential_tables,
)

__all__ = ["Exponentials", "Single"]

QUIETEST_DB = 70.0  # below the strongest mode a mode is over: steps need not be exact

Single = NDArray[np.float32]


class Exponentials:
    """The exponentials of some modes over a stretch of samples.

    Args:
        modes: of the resonance.
        sample_rate: Hz.
        weight: [samples] how much every sample's energy counts, ≥ 0; the stretch is as long.

    Attributes:
        energy: [modes] weighted energy of each exponential; 0 of a mode that is too quiet.
        centre: [modes] samples, the weighted mean time of that energy.
        spread: [modes] samples², its variance.
    """

    def __init__(self, modes: Modes, sample_rate: float, weight: Float) -> None:
        self._length = len(weight)
        self._whole = -(-self._length // BLOCK) * BLOCK
        s = poles(modes.freq_hz, modes.t60_s, sample_rate)
        self._tables, self._turns = exponential_tables(s), np.exp(s * BLOCK)
        self._blocks = np.minimum(_alive(modes, sample_rate), self._whole // BLOCK)
        padded = np.zeros(self._whole)
        padded[: self._length] = weight
        moments = np.zeros((3, len(modes)))
        exponential_energies(s, self._blocks, padded.reshape(-1, BLOCK).mean(axis=1), moments)
        some = np.maximum(moments[0], 1e-30)
        self.energy, self.centre = moments[0], moments[1] / some
        self.spread = np.maximum(moments[2] / some - self.centre**2, 1.0)

    def sound(self, level: Complex, slope: Complex) -> Single:
        """[samples] of `Re Σ (level + slope·(n − centre))·e^{s n}`.

        Args:
            level: [modes].
            slope: [modes] per sample.
        """
        sound = np.empty(self._whole, np.float32)
        exponential_sum(self._tables, self._turns, self._blocks, self.centre, level, slope, sound)
        return sound[: self._length]

    def products(self, signal: Single) -> tuple[Complex, Complex]:
        """[modes] `Σ x[n]·conj(e^{s n})` and the same with `(n − centre)·conj(e^{s n})`.

        Args:
            signal: [samples].
        """
        padded = np.zeros(self._whole, np.float32)
        padded[: self._length] = signal
        level, slope = np.empty((2, len(self._turns)), complex)
        exponential_products(
            self._tables, self._turns, self._blocks, self.centre, padded, level, slope
        )
        return level, slope


def _alive(modes: Modes, sample_rate: float) -> NDArray[np.int64]:
    """[modes] blocks until each is too quiet to count."""
    level = np.abs(modes.amplitude)
    above_db = QUIETEST_DB + 20.0 * np.log10(level / (level.max(initial=0.0) + 1e-30) + 1e-30)
    samples = np.maximum(above_db, 0.0) / 60.0 * modes.t60_s * sample_rate
    blocks: NDArray[np.int64] = np.ceil(samples / BLOCK).astype(np.int64)
    return blocks
