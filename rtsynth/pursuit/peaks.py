"""The greatest gain per block of shifts over all atoms: a flat table. Thread: worker."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.pursuit import find_peaks
from rtsynth.pursuit.atoms import Atoms, gain_form

__all__ = ["BLOCK", "Peaks"]

BLOCK = 128  # places whose maximum is kept


class Peaks:
    """A flat table of block maxima over a grid of `places` shifts."""

    def __init__(self, atoms: Atoms, places: int) -> None:
        alpha, beta = gain_form(atoms.rho)
        self._alpha, self._beta = alpha.astype(np.float32), beta.astype(np.complex64)
        self.places = places
        self.blocks = -(-places // BLOCK)
        self.gain = np.zeros(self.blocks, np.float32)
        self.atom = np.zeros(self.blocks, np.int64)
        self.place = np.zeros(self.blocks, np.int64)
        self._work = np.zeros(BLOCK, np.float32)
        self._bits = self._work.view(np.int32)

    def forget(self, first: int, last: int) -> None:
        """Blocks first … last − 1 are to be searched again."""
        self.gain[first:last] = 0.0

    def search(
        self, correlations: NDArray[np.complex64], atom: int, start: int, limit: int
    ) -> None:
        """Raise maxima to those of [atoms', places'], the first being `atom` at place `start`."""
        rows = slice(atom, atom + len(correlations))
        find_peaks(
            correlations, self._alpha[rows], self._beta[rows], atom, start, limit, BLOCK,
            self._work, self._bits, self.gain, self.atom, self.place,
        )  # fmt: skip

    def best(self) -> tuple[int, int]:
        """Atom and place of the greatest gain."""
        block = int(np.argmax(self.gain))
        return int(self.atom[block]), int(self.place[block])
