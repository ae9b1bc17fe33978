"""Poles of a few damped exponentials moved together until they explain a signal best.

Levenberg–Marquardt on the poles alone; after each step the amplitudes are those of least squares
(variable projection: Golub and Pereyra, SIAM J. Numer. Anal. 10, 1973). Thread: any.
"""

from typing import Any

import numpy as np

from rtsynth.dsp.compile import kernel

__all__ = ["move_poles", "pole_scratch"]

STEPS, TRIALS = 15, 6
SETTLED = 1e-3  # share of the misfit that one more step must take away
RIDGE, TINY = 1e-6, 1e-30
_COLUMNS = "complex128[:,::1]"


def pole_scratch(poles: int, samples: int) -> tuple[Any, Any]:
    """Work arrays of `move_poles` for so many poles and samples."""
    return (
        np.empty((3 * poles + 2, samples), complex),
        np.empty((6 * poles + 4, 2 * poles), complex),
    )


@kernel("void(complex128[::1], complex128[::1])")
def _copy(source: Any, target: Any) -> None:
    for n in range(len(source)):
        target[n] = source[n]


@kernel(f"void({_COLUMNS}, complex128[::1], int64)")
def _eliminate(gram: Any, right: Any, size: int) -> None:
    """Solve in place by elimination with partial pivoting; `gram` is spoiled."""
    for column in range(size):
        pivot = column
        for row in range(column + 1, size):
            if abs(gram[row, column]) > abs(gram[pivot, column]):
                pivot = row
        if pivot != column:
            for place in range(size):
                swapped = gram[column, place]
                gram[column, place] = gram[pivot, place]
                gram[pivot, place] = swapped
            swapped = right[column]
            right[column] = right[pivot]
            right[pivot] = swapped
        for row in range(column + 1, size):
            share = gram[row, column] / gram[column, column]
            for place in range(column, size):
                gram[row, place] -= share * gram[column, place]
            right[row] -= share * right[column]
    for row in range(size - 1, -1, -1):
        total = right[row]
        for place in range(row + 1, size):
            total -= gram[row, place] * right[place]
        right[row] = total / gram[row, row]


@kernel(f"void({_COLUMNS}, complex128[::1], {_COLUMNS}, complex128[::1], int64)", fastmath=True)
def _normal(columns: Any, wanted: Any, gram: Any, right: Any, size: int) -> None:
    """The normal equations of columns that are to sum up to what is wanted."""
    for row in range(size):
        own = columns[row]
        total = 0.0j
        for n in range(len(wanted)):
            total += own[n].conjugate() * wanted[n]
        right[row] = total
        for other in range(row, size):
            beside = columns[other]
            total = 0.0j
            for n in range(len(wanted)):
                total += own[n].conjugate() * beside[n]
            gram[row, other] = total
            gram[other, row] = total.conjugate()


@kernel(
    f"float64(complex128[::1], complex128[::1], float64[::1], {_COLUMNS}, complex128[::1], "
    f"{_COLUMNS}, complex128[::1])",
    fastmath=True,
)
def _solve(s: Any, wanted: Any, weight: Any, shape: Any, left: Any, gram: Any, found: Any) -> float:
    """Amplitudes into `found`, weighed exponentials into `shape`, what is left, and its energy."""
    for k in range(len(s)):
        turn, value = np.exp(s[k]), 1.0 + 0.0j
        for n in range(len(weight)):
            shape[k, n] = value * weight[n]
            value *= turn
    _normal(shape, wanted, gram, found, len(s))
    for k in range(len(s)):
        gram[k, k] = gram[k, k] * (1.0 + RIDGE) + TINY
    _eliminate(gram, found, len(s))
    misfit = 0.0
    for n in range(len(weight)):
        rest = wanted[n]
        for k in range(len(s)):
            rest -= found[k] * shape[k, n]
        left[n] = rest
        misfit += rest.real * rest.real + rest.imag * rest.imag
    return misfit


@kernel(
    "float64(complex128[::1], complex128[::1], float64[::1], float64, float64, "
    f"{_COLUMNS}, {_COLUMNS})"
)
def move_poles(
    s: Any, wanted: Any, weight: Any, least: float, most: float, columns: Any, small: Any
) -> float:
    """Move poles to where they explain most.

    Args:
        s: [poles] exponents per sample, changed in place.
        wanted: [samples] complex, what is to be explained, weighed.
        weight: [samples] of each in the misfit's root.
        least: decay per sample, −Re of an exponent.
        most: the same, the largest.
        columns: as from `pole_scratch`.
        small: likewise.

    Returns:
        The misfit that is left, Σ|wanted − weight · Σ a e^{s n}|².
    """
    count = len(s)
    shape, left, tried = columns[: 2 * count], columns[2 * count], columns[2 * count + 1]
    trial = columns[2 * count + 2 :]
    gram, damped = small[: 2 * count], small[2 * count : 4 * count]
    own = small[4 * count : 6 * count]
    right, step = small[6 * count], small[6 * count + 1]
    amplitude, moved = small[6 * count + 2, :count], small[6 * count + 3, :count]
    misfit, damping = _solve(s, wanted, weight, shape, left, own, amplitude), 1e-2
    for _ in range(STEPS):
        for k in range(count):
            for n in range(len(weight)):
                shape[count + k, n] = n * amplitude[k] * shape[k, n]
        _normal(shape, left, gram, right, 2 * count)
        now = misfit
        for _ in range(TRIALS):
            for row in range(2 * count):
                step[row] = right[row]
                for place in range(2 * count):
                    damped[row, place] = gram[row, place]
                damped[row, row] = gram[row, row] * (1.0 + damping) + TINY
            _eliminate(damped, step, 2 * count)
            for k in range(count):
                at = s[k] + step[count + k]
                moved[k] = complex(-min(max(-at.real, least), most), at.imag)
            now = _solve(moved, wanted, weight, trial, tried, own, step[:count])
            if now < misfit:
                break
            damping *= 5.0
        if not now < misfit:
            break
        gained = 1.0 - now / misfit
        misfit, damping = now, max(damping / 5.0, 1e-6)
        _copy(moved, s)
        _copy(step[:count], amplitude)
        _copy(tried, left)
        for k in range(count):
            _copy(trial[k], shape[k])
        if gained < SETTLED:
            break
    return misfit
