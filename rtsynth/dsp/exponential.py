"""Sums of damped exponentials whose poles may move, and inner products with them. Thread: any.

All work in blocks: within a block an exponential is a table in single precision, from block to
block it turns by a complex factor in double precision, so that it keeps its phase for minutes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.compile import kernel

__all__ = [
    "BLOCK",
    "exponential_energies",
    "exponential_products",
    "exponential_sum",
    "exponential_tables",
]

BLOCK = 256
_TABLES = "float32[:,:,::1]"
_EACH = "complex128[::1], int64[::1], float64[::1]"


def exponential_tables(exponents: NDArray[np.complex128]) -> NDArray[np.float32]:
    """[modes, 4, BLOCK] real and imaginary part of `e^{s n}` and of `n·e^{s n}` within a block.

    Args:
        exponents: [modes] s, per sample.
    """
    place = np.arange(BLOCK)
    fine = np.exp(np.multiply.outer(exponents, place))
    parts = [fine.real, fine.imag, place * fine.real, place * fine.imag]
    return np.ascontiguousarray(np.stack(parts, axis=1), np.float32)


@kernel(f"void({_TABLES}, {_EACH}, complex128[::1], complex128[::1], float32[::1])", fastmath=True)
def exponential_sum(
    tables: Any, turns: Any, blocks: Any, centres: Any, levels: Any, slopes: Any, sound: Any
) -> None:
    """Write `Re Σ (level + slope·(n − centre))·e^{s n}` into `sound`.

    Args:
        tables: [modes, 4, BLOCK] of `exponential_tables`.
        turns: [modes] `e^{s BLOCK}`.
        blocks: [modes] after which each mode is over.
        centres: [modes] samples.
        levels: [modes].
        slopes: [modes] per sample.
        sound: [blocks · BLOCK].
    """
    sound[:] = np.float32(0.0)
    for mode in range(len(turns)):
        turned = 1.0 + 0.0j
        for block in range(blocks[mode]):
            steep = turned * slopes[mode]
            flat = turned * levels[mode] + steep * (block * BLOCK - centres[mode])
            first, second = np.float32(flat.real), np.float32(-flat.imag)
            third, fourth = np.float32(steep.real), np.float32(-steep.imag)
            begin = block * BLOCK
            for n in range(BLOCK):
                sound[begin + n] += (
                    first * tables[mode, 0, n]
                    + second * tables[mode, 1, n]
                    + third * tables[mode, 2, n]
                    + fourth * tables[mode, 3, n]
                )
            turned *= turns[mode]


@kernel(f"void({_TABLES}, {_EACH}, float32[::1], complex128[::1], complex128[::1])", fastmath=True)
def exponential_products(
    tables: Any, turns: Any, blocks: Any, centres: Any, signal: Any, levels: Any, slopes: Any
) -> None:
    """Write `Σ x·conj(e^{s n})` into `levels`, with `(n − centre)·conj(e^{s n})` into `slopes`.

    Args:
        tables: [modes, 4, BLOCK] of `exponential_tables`.
        turns: [modes] `e^{s BLOCK}`.
        blocks: [modes] after which each mode is over.
        centres: [modes] samples.
        signal: [blocks · BLOCK] x.
        levels: [modes].
        slopes: [modes].
    """
    for mode in range(len(turns)):
        turned, level, slope = 1.0 + 0.0j, 0.0j, 0.0j
        for block in range(blocks[mode]):
            first = second = third = fourth = np.float32(0.0)
            begin = block * BLOCK
            for n in range(BLOCK):
                x = signal[begin + n]
                first += x * tables[mode, 0, n]
                second += x * tables[mode, 1, n]
                third += x * tables[mode, 2, n]
                fourth += x * tables[mode, 3, n]
            back = turned.conjugate()
            flat = back * complex(first, -second)
            level += flat
            slope += back * complex(third, -fourth) + flat * (begin - centres[mode])
            turned *= turns[mode]
        levels[mode], slopes[mode] = level, slope


@kernel("void(complex128[::1], int64[::1], float64[::1], float64[:,::1])")
def exponential_energies(exponents: Any, blocks: Any, counted: Any, moments: Any) -> None:
    """Write the energy of each `Re e^{s n}`, and its first two moments over n, into `moments`.

    Args:
        exponents: [modes] s, per sample.
        blocks: [modes] after which each is over.
        counted: [blocks] how much the samples of each block count.
        moments: [3, modes].
    """
    for mode in range(len(exponents)):
        fall = np.exp(2.0 * exponents[mode].real)
        energy, within, place, square = 0.5, 0.0, 0.0, 0.0
        for n in range(BLOCK):  # the first block, of which all others are copies, but quieter
            within += energy
            place += energy * n
            square += energy * n * n
            energy *= fall
        total = first = second = 0.0
        level, fall = 1.0, 2.0 * energy
        for block in range(blocks[mode]):
            share, begin = level * counted[block], float(block * BLOCK)
            total += share * within
            first += share * (begin * within + place)
            second += share * (begin * begin * within + 2.0 * begin * place + square)
            level *= fall
        moments[0, mode], moments[1, mode], moments[2, mode] = total, first, second
