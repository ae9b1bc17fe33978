"""Where the next pick is: all atoms correlated with the residual, again only where it changed.

Nothing but block maxima is kept: where the residual changed it is correlated again, by FFT, within
± L, so memory does not grow with the atoms and rounding does not add up. Correlations are single
precision: they choose; the pick itself is computed in double from the residual. Thread: worker.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from rtsynth.dsp.pursuit import fold_products
from rtsynth.pursuit.atoms import Atoms
from rtsynth.pursuit.peaks import BLOCK, Peaks
from rtsynth.pursuit.through_gram import ThroughGram

__all__ = ["WIDEST_HOP", "FromResidual", "Search", "make_search", "safe_hop"]

GROUP_BYTES = 1 << 20  # of correlations at once, so that they stay near the processor
GRAM_BYTES, TABLE_BYTES = 16 << 20, 192 << 20
STALE = 0.01  # of the next pick's amplitude: smaller changes move no maximum that matters
BAND = 1e-5  # of an atom's norm may lie outside its band
WIDEST_HOP = 8
FAITHFUL = 0.9  # of a gain is still seen from half a hop away

Float = NDArray[np.float64]
Index = NDArray[np.int64]


class Search(Protocol):
    """Knows the best pick of the residual it was made for."""

    def best(self) -> tuple[int, int]:
        """Atom and shift of the greatest gain."""
        ...

    def moved(self, atom: Index, shift: Index, amplitude: NDArray[np.complex128]) -> None:
        """These were taken out of the residual."""
        ...


def make_search(residual: Float, atoms: Atoms, hop: int) -> Search:
    """The quicker of the two that fits in memory."""
    gram = 16 * len(atoms) ** 2 * (2 * atoms.length - 1)
    table = 8 * len(atoms) * len(residual)
    if hop == 1 and gram <= GRAM_BYTES and table <= TABLE_BYTES:
        return ThroughGram(residual, atoms)
    return FromResidual(residual, atoms, hop)


def safe_hop(atoms: Atoms) -> int:
    """The widest hop at which every atom is still seen with 90 % of its gain, a power of 2."""
    spectrum = np.abs(fft.fft(atoms.waveform, 2 * atoms.length, axis=1)) ** 2
    seen = np.abs(fft.ifft(spectrum, axis=1)[:, : WIDEST_HOP // 2 + 1]) ** 2
    hop = 1
    while 2 * hop <= WIDEST_HOP and bool((seen[:, : hop + 1] >= FAITHFUL).all()):
        hop *= 2
    return hop


class FromResidual:
    """Correlates the residual itself again wherever it changed.

    Args:
        residual: [samples], looked at again at every change; at least an atom long.
        atoms: the dictionary.
        hop: shifts looked at are multiples of it.
    """

    def __init__(self, residual: Float, atoms: Atoms, hop: int = 1) -> None:
        self._residual, self._hop, self._length = residual, hop, atoms.length
        shifts = len(residual) - atoms.length + 1
        self.peaks = Peaks(atoms, -(-shifts // hop))
        span = BLOCK * hop
        reach = 2 * atoms.length - 1 + 2 * (span - 1)
        size = min(reach, shifts + span) // span * span + atoms.length - 1
        self._size = hop * fft.next_fast_len(-(-size // hop))
        self._run = (self._size - atoms.length + 1) // span  # blocks per transform
        spectra = fft.fft(atoms.waveform, self._size, axis=1).conj() / hop
        self._spectra = np.ascontiguousarray(spectra, np.complex64)
        self._bands = _bands(self._spectra)
        self._group = max(1, GROUP_BYTES * hop // (8 * self._size))
        self._work = np.zeros((min(self._group, len(atoms)), self._size // hop), np.complex64)
        self._look(0, self.peaks.blocks)

    def best(self) -> tuple[int, int]:
        """Atom and shift of the greatest gain."""
        atom, place = self.peaks.best()
        return atom, place * self._hop

    def moved(self, atom: Index, shift: Index, amplitude: NDArray[np.complex128]) -> None:
        """Search again within ± L of every shift, but not where next to nothing was taken."""
        span = BLOCK * self._hop
        touched = np.zeros(self.peaks.blocks, bool)
        greatest = float(self.peaks.gain.max())
        for here in shift[np.abs(amplitude) ** 2 > STALE**2 * greatest / 2.0]:
            low = max(0, int(here) - self._length + 1) // span
            touched[low : (int(here) + self._length - 1) // span + 1] = True
        edges = np.flatnonzero(np.diff(np.pad(touched, 1).astype(np.int8))).tolist()
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            self._look(first, last)

    def _look(self, first: int, last: int) -> None:
        self.peaks.forget(first, last)
        for block in range(first, last, self._run):
            self._transform(block, min(last, block + self._run))

    def _transform(self, first: int, last: int) -> None:
        start = first * BLOCK
        limit = min(last * BLOCK, self.peaks.places) - start
        stretch = self._residual[start * self._hop :][: self._size].astype(np.float32)
        segment = fft.fft(stretch, self._size)
        for low in range(0, len(self._spectra), self._group):
            rows = self._spectra[low : low + self._group]
            work = self._work[: len(rows)]
            fold_products(rows, self._bands[low : low + self._group], segment, work)
            found = fft.ifft(work, axis=1, overwrite_x=True)
            self.peaks.search(found, low, start, limit)


def _bands(spectra: NDArray[np.complex64]) -> Index:
    """[atoms, 2] the bins outside which each has less than `BAND` of its norm at either end."""
    energy = np.cumsum(np.abs(spectra).astype(float) ** 2, axis=1)
    least = BAND**2 * energy[:, -1:]
    low = np.argmax(energy > least, axis=1)
    high = np.argmax(energy >= energy[:, -1:] - least, axis=1) + 1
    return np.ascontiguousarray(np.stack([low, high], axis=1), np.int64)
