"""Least squares over picks that overlap: the orthogonal step of a pursuit, done locally.

After Mailhé, Gribonval, Bimbot and Vandergheynst, "A low complexity orthogonal matching pursuit for
sparse signal approximation with shift-invariant dictionaries" (ICASSP 2009). Thread: worker.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.pursuit import correlate_here, gram_of_picks
from rtsynth.pursuit.atoms import Atoms

__all__ = ["neighbours", "refit"]

MOST = 128  # picks at once
RIDGE = 1e-10

Index = NDArray[np.int64]


def neighbours(shifts: Index, new: Index, length: int) -> Index:
    """The new picks and those that overlap them, the nearest `MOST`, ascending.

    Args:
        shifts: [picks].
        new: indices of the picks to begin with.
        length: of the atoms, samples.
    """
    distance = np.abs(shifts[:, None] - shifts[new][None, :]).min(axis=1)
    distance[new] = -1
    near = np.flatnonzero(distance < length)
    order = near[np.argsort(distance[near], kind="stable")[:MOST]]
    return np.sort(order)


def refit(
    residual: NDArray[np.float64], atoms: Atoms, which: Index, shifts: Index
) -> NDArray[np.complex128]:
    """[picks] what to add to the amplitudes so that the residual becomes smallest.

    Args:
        residual: [samples].
        atoms: the dictionary.
        which: [picks] atom of each.
        shifts: [picks] sample at which each begins.
    """
    count = len(which)
    same, mixed = np.zeros((2, count, count), complex)
    gram_of_picks(atoms.waveform, which, shifts, same, mixed)
    right = np.array(
        [correlate_here(atoms.waveform[k], residual, n) for k, n in zip(which, shifts, strict=True)]
    )
    cross = -(mixed + same).imag
    gram = np.block([[(same + mixed).real, cross], [cross.T, (same - mixed).real]])
    gram[np.diag_indices_from(gram)] += RIDGE * float(np.trace(gram)) / len(gram)
    solved = np.linalg.solve(gram, np.concatenate([right.real, right.imag]))
    return np.asarray(solved[:count] + 1j * solved[count:], complex)
