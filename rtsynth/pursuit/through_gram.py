"""All correlations kept, and lowered by the atoms' cross-Gram after each pick.

Quick for small dictionaries; the Gram of 512 atoms of 1024 samples would take 8.6 GB.
Thread: worker.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from rtsynth.dsp.pursuit import subtract_shifted
from rtsynth.pursuit.atoms import Atoms
from rtsynth.pursuit.peaks import BLOCK, Peaks

__all__ = ["ThroughGram"]

Float = NDArray[np.float64]
Index = NDArray[np.int64]


class ThroughGram:
    """Keeps every correlation and lowers them by the atoms' cross-Gram.

    Args:
        residual: [samples], read once.
        atoms: the dictionary; the Gram's rows are computed when an atom is first picked.
    """

    def __init__(self, residual: Float, atoms: Atoms) -> None:
        self._length = atoms.length
        size = fft.next_fast_len(len(residual) + atoms.length - 1)
        spectrum = fft.fft(residual.astype(np.float32), size)
        places = len(residual) - atoms.length + 1
        self.peaks = Peaks(atoms, places)
        self.table = np.zeros((len(atoms), places), np.complex64)
        for k, wave in enumerate(atoms.waveform.astype(np.complex64)):
            self.table[k] = fft.ifft(spectrum * fft.fft(wave, size).conj())[:places]
        self._waves = atoms.waveform
        self._size = fft.next_fast_len(2 * atoms.length - 1)
        self._spectra = fft.fft(atoms.waveform, self._size, axis=1).conj()
        self._rows: dict[int, tuple[NDArray[np.complex64], NDArray[np.complex64]]] = {}
        self.peaks.search(self.table, 0, 0, places)

    def best(self) -> tuple[int, int]:
        """Atom and shift of the greatest gain."""
        return self.peaks.best()

    def moved(self, atom: Index, shift: Index, amplitude: NDArray[np.complex128]) -> None:
        """Lower the correlations within ± L of every shift."""
        touched = np.zeros(self.peaks.blocks, bool)
        for k, here, b in zip(atom, shift, amplitude, strict=True):
            same, mixed = self._row(int(k))
            subtract_shifted(self.table, same, mixed, int(here), np.complex64(b))
            low = max(0, int(here) - self._length + 1) // BLOCK
            touched[low : (int(here) + self._length - 1) // BLOCK + 1] = True
        edges = np.flatnonzero(np.diff(np.pad(touched, 1).astype(np.int8))).tolist()
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            start = first * BLOCK
            limit = min(last * BLOCK, self.peaks.places) - start
            self.peaks.forget(first, last)
            part = np.ascontiguousarray(self.table[:, start : start + limit])
            self.peaks.search(part, 0, start, limit)

    def _row(self, k: int) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        if k not in self._rows:
            self._rows[k] = (self._lags(self._waves[k]), self._lags(self._waves[k].conj()))
        return self._rows[k]

    def _lags(self, wave: NDArray[np.complex128]) -> NDArray[np.complex64]:
        """[atoms, 2L − 1] `Σ conj(g_k[t − lag]) wave[t]` for lags 1 − L … L − 1."""
        found = fft.ifft(self._spectra * fft.fft(wave, self._size), axis=1)
        reach = self._length - 1
        lags = np.concatenate([found[:, self._size - reach :], found[:, : reach + 1]], axis=1)
        return np.ascontiguousarray(lags, np.complex64)
