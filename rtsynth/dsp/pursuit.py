"""Matching pursuit with complex atoms: correlations, block maxima, closed-form optima.

A sound is explained by `2·Re(b g(t − n))`, g a complex atom of unit norm. With `C = Σ conj(g) r`
and `ρ = Σ g²` the best amplitude is `b = (C − conj(ρ C)) / (1 − |ρ|²)`; it lowers the energy of r
by `2(|C|² − Re(ρ C²)) / (1 − |ρ|²) = α|C|² − Re(β C²)`, whatever the phase of the sound is. (Mallat
and Zhang 1993 for the pursuit; the closed form follows from the two normal equations.)
Thread: worker.
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel

__all__ = [
    "add_atom",
    "correlate_here",
    "find_peaks",
    "fold_products",
    "gram_of_picks",
    "lower_grid",
    "subtract_shifted",
    "sum_geometric",
]


@kernel("complex128(complex128[::1], float64[::1], int64)", fastmath=True)
def correlate_here(atom: np.ndarray, residual: np.ndarray, shift: int) -> complex:
    """`Σ conj(g[t]) r[t + shift]`; the atom lies within the residual.

    Args:
        atom: [L] complex128.
        residual: [samples] float64.
        shift: first sample under the atom.
    """
    real, imag = 0.0, 0.0
    for t in range(atom.shape[0]):
        r = residual[shift + t]
        real += atom[t].real * r
        imag -= atom[t].imag * r
    return complex(real, imag)


@kernel("void(float64[::1], complex128[::1], int64, complex128)", fastmath=True)
def add_atom(sound: np.ndarray, atom: np.ndarray, shift: int, amplitude: complex) -> None:
    """`sound[t + shift] += 2·Re(amplitude · g[t])`, as far as it lies within the sound.

    Args:
        sound: [samples] float64, changed in place.
        atom: [L] complex128.
        shift: sample at which the atom begins, may be negative.
        amplitude: b.
    """
    real, imag = 2.0 * amplitude.real, 2.0 * amplitude.imag
    first, last = max(0, -shift), min(atom.shape[0], sound.shape[0] - shift)
    for t in range(first, last):
        sound[shift + t] += real * atom[t].real - imag * atom[t].imag


@kernel("void(complex64[:,::1], int64[:,::1], complex64[::1], complex64[:,::1])", fastmath=True)
def fold_products(
    spectra: np.ndarray, bands: np.ndarray, segment: np.ndarray, out: np.ndarray
) -> None:
    """Spectra of the correlations seen at every `hop`-th shift: products, their aliases summed.

    Args:
        spectra: [K, F] conj of the atoms' spectra.
        bands: [K, 2] first bin, and one past the last, outside which an atom has nothing.
        segment: [F] spectrum of a stretch of the residual.
        out: [K, F / hop], overwritten; `hop` 1 gives every shift.
    """
    count = out.shape[1]
    for k in range(out.shape[0]):
        for m in range(count):
            out[k, m] = 0.0
        for low in range(bands[k, 0] // count * count, bands[k, 1], count):
            for m in range(max(bands[k, 0] - low, 0), min(bands[k, 1] - low, count)):
                out[k, m] += spectra[k, low + m] * segment[low + m]


@kernel(
    "void(complex64[:,::1], float32[::1], complex64[::1], int64, int64, int64, int64,"
    " float32[::1], int32[::1], float32[::1], int64[::1], int64[::1])",
    fastmath=True,
)
def find_peaks(
    correlations: np.ndarray,
    alpha: np.ndarray,
    beta: np.ndarray,
    first_atom: int,
    start: int,
    limit: int,
    block: int,
    work: np.ndarray,
    bits: np.ndarray,
    gain: np.ndarray,
    atom: np.ndarray,
    place: np.ndarray,
) -> None:
    """The greatest `α|C|² − Re(β C²)` per block of shifts, kept if it exceeds what stands there.

    Args:
        correlations: [K', M], shift 0 of a row is the first of block `start // block`.
        alpha: [K'] of these atoms.
        beta: [K'] of these atoms.
        first_atom: index of row 0.
        start: place of column 0 on the grid of shifts, a multiple of `block`.
        limit: columns that count.
        block: places per block.
        work: [block] float32 scratch.
        bits: the same memory as int32: for numbers ≥ 0 the order is the same, and the search for
            the greatest integer is vectorised where that of floats is not.
        gain: [blocks], updated.
        atom: [blocks], updated.
        place: [blocks] on the grid of shifts, updated.
    """
    for k in range(correlations.shape[0]):
        a, br, bi = alpha[k], beta[k].real, beta[k].imag
        for low in range(0, limit, block):
            size = min(block, limit - low)
            for i in range(size):
                x = correlations[k, low + i].real
                y = correlations[k, low + i].imag
                xx, yy, xy = x * x, y * y, np.float32(2.0) * x * y
                work[i] = max(a * (xx + yy) - br * (xx - yy) + bi * xy, np.float32(0.0))
            best = np.int32(0)
            for i in range(size):
                best = max(best, bits[i])
            b = (start + low) // block
            for i in range(size):
                if bits[i] == best:
                    if work[i] > gain[b]:
                        gain[b] = work[i]
                        atom[b] = first_atom + k
                        place[b] = start + low + i
                    break


@kernel(
    "void(complex64[:,::1], complex64[:,::1], complex64[:,::1], int64, complex64)", fastmath=True
)
def subtract_shifted(
    table: np.ndarray, same: np.ndarray, mixed: np.ndarray, shift: int, amplitude: complex
) -> None:
    """Correlations after one pick: `C[k, n] −= b·same[k, n − shift] + conj(b)·mixed[k, n − shift]`.

    Args:
        table: [K, S], changed in place within ± L of the shift.
        same: [K, 2L − 1] `Σ conj(g_k[t]) g_j[t + lag]`, lags −L + 1 … L − 1 as n − shift.
        mixed: [K, 2L − 1] the same with conj(g_j).
        shift: of the pick.
        amplitude: b of the pick.
    """
    reach = (same.shape[1] - 1) // 2
    first, last = max(0, shift - reach), min(table.shape[1], shift + reach + 1)
    other = np.conj(amplitude)
    for k in range(table.shape[0]):
        for n in range(first, last):
            lag = n - shift + reach
            table[k, n] -= amplitude * same[k, lag] + other * mixed[k, lag]


@kernel(
    "void(complex128[:,::1], int64[::1], int64[::1], complex128[:,::1], complex128[:,::1])",
    fastmath=True,
)
def gram_of_picks(
    atoms: np.ndarray, which: np.ndarray, shifts: np.ndarray, same: np.ndarray, mixed: np.ndarray
) -> None:
    """Inner products between picks, 0 where they do not overlap.

    Args:
        atoms: [K, L].
        which: [picks] atom of each.
        shifts: [picks].
        same: [picks, picks] overwritten with `Σ conj(g_i) g_j`.
        mixed: [picks, picks] overwritten with `Σ g_i g_j`.
    """
    length = atoms.shape[1]
    for i in range(which.shape[0]):
        for j in range(i + 1):
            lag = shifts[i] - shifts[j]  # g_i[t] meets g_j[t + lag]
            a, b = atoms[which[i]], atoms[which[j]]
            rr, ri, ir, ii = 0.0, 0.0, 0.0, 0.0
            for t in range(max(0, -lag), min(length, length - lag)):
                x, y = a[t], b[t + lag]
                rr += x.real * y.real
                ri += x.real * y.imag
                ir += x.imag * y.real
                ii += x.imag * y.imag
            same[i, j] = complex(rr + ii, ri - ir)
            same[j, i] = complex(rr + ii, ir - ri)
            mixed[i, j] = complex(rr - ii, ri + ir)
            mixed[j, i] = mixed[i, j]


@kernel("complex128(complex128, complex128, int64)")
def sum_geometric(pole: complex, power: complex, count: int) -> complex:
    """`Σ pole^n` over n = 0 … count − 1, `power` being pole^count; near 1 its first-order limit."""
    below = 1.0 - pole
    if math.hypot(below.real, below.imag) < 1e-9:
        return count + 0.0j
    return (1.0 - power) / below


@kernel(
    "int64(complex128[::1], complex128[::1], complex128[::1], float64[::1], float64[::1],"
    " complex128[::1], complex128, complex128, complex128, int64, float64[::1])",
    fastmath=True,
)
def lower_grid(
    correlations: np.ndarray,
    poles: np.ndarray,
    powers: np.ndarray,
    weights: np.ndarray,
    alpha: np.ndarray,
    beta: np.ndarray,
    pole: complex,
    power: complex,
    amplitude: complex,
    count: int,
    gain: np.ndarray,
) -> int:
    """Take `2·Re(b pole^n)` out of the correlations with a grid of damped exponentials.

    The cross-Gram of the family is a geometric sum, so nothing is stored and no sound is touched.

    Args:
        correlations: [G] `Σ conj(p_i^n) r[n]`, changed in place.
        poles: [G] p_i.
        powers: [G] p_i^count.
        weights: [G] by which each gain counts.
        alpha: [G] of the gain, for exponentials that are not normalised.
        beta: [G] of the gain.
        pole: of what is taken out.
        power: pole^count.
        amplitude: b; 0 only finds the best.
        count: samples.
        gain: [G] overwritten, weighted.

    Returns:
        the index of the greatest gain.
    """
    best = 0
    for i in range(correlations.shape[0]):
        p, q = np.conj(poles[i]), np.conj(powers[i])
        if amplitude != 0.0:
            one = sum_geometric(p * pole, q * power, count)
            two = sum_geometric(p * np.conj(pole), q * np.conj(power), count)
            correlations[i] -= amplitude * one + np.conj(amplitude) * two
        c = correlations[i]
        square = c * c
        gain[i] = weights[i] * (
            alpha[i] * (c.real * c.real + c.imag * c.imag)
            - beta[i].real * square.real
            + beta[i].imag * square.imag
        )
        if gain[i] > gain[best]:
            best = i
    return best
