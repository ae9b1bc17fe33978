"""Least squares on damped exponentials in closed form: no design matrix, only geometric sums.

For windows of many strikes of one resonance the normal equations are sums of
`Σ_n e^{(s_i + s_j*) n}`, and the right-hand sides are projections of the signal. Thread: any.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Complex, Float, project

__all__ = ["Window", "fit_amplitudes", "fit_offsets", "weighted_amplitudes"]

RIDGE = 1e-4
OFFSET_RIDGE = 0.1


@dataclasses.dataclass(frozen=True)
class Window:
    """Part of a strike's sound: samples first … last − 1 after its onset, struck with `gain`."""

    signal: Float
    first: int
    gain: float

    @property
    def last(self) -> int:
        """One past the last sample, counted from the onset."""
        return self.first + len(self.signal)


def fit_amplitudes(s: Complex, windows: list[Window], ridge: float = RIDGE) -> Complex:
    """[modes] complex amplitudes at gain 1 that fit all windows best.

    Args:
        s: [modes] exponents per sample.
        windows: of one resonance.
        ridge: relative weight that keeps unsupported amplitudes small.
    """
    count = len(s)
    gram = _real_gram(*_sums(s, [(w.first, w.last, w.gain**2) for w in windows]))
    right = np.zeros(2 * count)
    for window in windows:
        products = project(s, window.signal) * np.exp(s * window.first).conj()
        right += window.gain * np.concatenate([products.real, products.imag])
    return _solved(gram, right, ridge)


def weighted_amplitudes(
    s: Complex, signal: Float, pieces: list[tuple[int, int, float]], ridge: float = RIDGE
) -> Complex:
    """[modes] complex amplitudes at sample 0 that fit a signal best.

    Args:
        s: [modes] exponents per sample.
        signal: [samples] from the onset on.
        pieces: (first, last, weight) stretches of it; what lies in none does not count.
        ridge: relative weight that keeps unsupported amplitudes small.
    """
    weighted = np.zeros(len(signal))
    for first, last, weight in pieces:
        weighted[first:last] += weight * signal[first:last]
    products = project(s, weighted)
    right = np.concatenate([products.real, products.imag])
    return _solved(_real_gram(*_sums(s, pieces)), right, ridge)


def _solved(gram: Float, right: Float, ridge: float) -> Complex:
    count = len(right) // 2
    diagonal = np.diag_indices_from(gram)
    gram[diagonal] *= 1.0 + ridge
    gram[diagonal] += 1e-9 * float(np.trace(gram)) / (2 * count) + 1e-30
    solved = np.linalg.solve(gram, right)
    amplitude: Complex = solved[:count] + 1j * solved[count:]
    return amplitude


def fit_offsets(s: Complex, amplitude: Complex, window: Window) -> Float:
    """[modes] real factors on each mode, drawn towards 1, that fit one strike best.

    Args:
        s: [modes] exponents per sample.
        amplitude: [modes] at gain 1.
        window: what the strike left, by itself.
    """
    same, mixed = _sums(s, [(window.first, window.last, 1.0)])
    a = window.gain * amplitude
    gram = 0.5 * (np.outer(a, a) * mixed + np.outer(a, a.conj()) * same).real
    products = project(s, window.signal) * np.exp(s * window.first).conj()
    right = (a * products.conj()).real
    pull = OFFSET_RIDGE * np.diag(gram) + 1e-4 * float(np.trace(gram)) / len(s) + 1e-30
    factors: Float = np.asarray(np.linalg.solve(gram + np.diag(pull), right + pull), float)
    return factors


def _sums(s: Complex, pieces: list[tuple[int, int, float]]) -> tuple[Complex, Complex]:
    """`Σ w e^{(s_i + conj s_j) n}` and `Σ w e^{(s_i + s_j) n}` over n = first … last − 1 of all."""
    first, last, weight = np.array(pieces, float).reshape(-1, 3).T
    edges, steps = np.concatenate([first, last]), np.concatenate([weight, -weight])
    at = np.exp(np.multiply.outer(s, edges))
    total = float(weight @ (last - first))
    same = _geometric(s, s.conj(), (at * steps) @ at.conj().T, total)
    return same, _geometric(s, s, (at * steps) @ at.T, total)


def _geometric(s: Complex, other: Complex, ends: Complex, total: float) -> Complex:
    """Sums of `e^{(s_i + other_j) n}` from their ends; `total` where they do not change."""
    below = 1.0 - np.multiply.outer(np.exp(s), np.exp(other))
    degenerate = np.abs(below) < 1e-9
    below[degenerate] = 1.0
    sums: Complex = ends / below
    sums[degenerate] = total
    return sums


def _real_gram(same: Complex, mixed: Complex) -> Float:
    """Gram matrix of the columns [Re e, −Im e] from the two complex sums."""
    cross = -0.5 * (mixed.imag - same.imag)
    return np.block([[0.5 * (same + mixed).real, cross], [cross.T, 0.5 * (same - mixed).real]])
