"""Frequencies, decays and amplitudes of damped modes moved together to where they fit best.

Gauss–Newton with Levenberg's damping on `Σ Re a e^{s n}`: the derivative with respect to s is
`n e^{s n}`, so every inner product between modes and derivatives is a moment of a geometric sum in
closed form, and only the projections look at the sound. Amplitudes are solved for at every step
(Golub and Pereyra 1973). Thread: any.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Complex, Float, project
from rtsynth.units import LN1000

__all__ = ["Fitted", "fit_poles", "prune_poles", "refine_poles"]

RIDGE = 1e-6
OWN = 0.1  # of its energy a mode must bring by itself
NEEDLESS = 1e-7  # of what all explain: less is rounding
FIRST_DAMPING, MOST_DAMPING = 1e-3, 1e3
STEP = np.pi / 4.0  # of phase at the window's end: the farthest a pole moves at once
ENOUGH = 1e-5  # of what is explained: a smaller improvement ends the refinement
SHORTEST_S, LONGEST_S = 0.02, 8.0  # T60
LOWEST_HZ = 25.0


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Poles and their best amplitudes.

    Attributes:
        s: [modes] exponents per sample.
        amplitude: [modes] at the window's first sample.
        explained: energy by which they lower the signal's.
    """

    s: Complex
    amplitude: Complex
    explained: float


def fit_poles(s: Complex, signal: Float) -> Fitted:
    """The best amplitudes of these poles.

    Args:
        s: [modes] exponents per sample.
        signal: [samples].
    """
    if len(s) == 0:
        return Fitted(s, np.zeros(0, complex), 0.0)
    same, mixed = _moments(s, len(signal), 0)
    gram = _real_gram(same[0], mixed[0])
    right = _pairs(project(s, signal))
    amplitude = np.linalg.solve(_ridged(gram), right)
    explained = float(2.0 * right @ amplitude - amplitude @ gram @ amplitude)
    return Fitted(s, _complex(amplitude), explained)


def refine_poles(
    s: Complex, signal: Float, sample_rate: float, steps: int = 4, enough: float = ENOUGH
) -> Fitted:
    """Poles near these that explain more, and never less.

    Args:
        s: [modes] exponents per sample, not more than some 64.
        signal: [samples].
        sample_rate: Hz.
        steps: at most so many.
        enough: share of the explained energy below which a gain ends it.
    """
    best = fit_poles(s, signal)
    damping, anew, linear = FIRST_DAMPING, True, None
    for _ in range(steps if len(s) else 0):
        if anew or linear is None:
            linear = _linearised(best, signal)
        trial = fit_poles(_moved(best, linear, damping, len(signal), sample_rate), signal)
        anew = trial.explained > best.explained
        gained = trial.explained - best.explained
        if anew:
            best, damping = trial, 0.1 * damping
        else:
            damping *= 30.0
        if (anew and gained < enough * best.explained) or damping > MOST_DAMPING:
            break
    return best


def prune_poles(fitted: Fitted, signal: Float) -> Fitted:
    """Without the poles that only cancel others, the most needless first.

    What a pole brings is what would be lost without it, the others fitted anew; where that is far
    below its own energy, its neighbours could do without it.

    Args:
        fitted: poles.
        signal: [samples] to which they were fitted.
    """
    s = fitted.s
    same, mixed = _moments(s, len(signal), 0)
    gram, right = _real_gram(same[0], mixed[0]), _pairs(project(s, signal))
    kept = np.arange(len(s))
    while len(kept) > 1:
        pairs = np.concatenate([kept, kept + len(s)])
        here = gram[np.ix_(pairs, pairs)]
        brought, own = _brought(here, right[pairs])
        spare = brought / np.maximum(own, 1e-300)
        spare[brought < NEEDLESS * fitted.explained] = 0.0
        worst = int(np.argmin(spare))
        if spare[worst] >= OWN:
            break
        kept = np.delete(kept, worst)
    return fitted if len(kept) == len(s) else fit_poles(s[kept], signal)


def _brought(gram: Float, right: Float) -> tuple[Float, Float]:
    """[modes] energy lost without each mode, and of each by itself."""
    count = len(right) // 2
    inverse = np.linalg.inv(_ridged(gram))
    a = inverse @ right
    i = np.arange(count)
    j = i + count
    xx, xy, yy = inverse[i, i], inverse[i, j], inverse[j, j]
    brought = (yy * a[i] ** 2 - 2.0 * xy * a[i] * a[j] + xx * a[j] ** 2) / (xx * yy - xy**2)
    own = gram[i, i] * a[i] ** 2 + 2.0 * gram[i, j] * a[i] * a[j] + gram[j, j] * a[j] ** 2
    return brought, own


def _linearised(fitted: Fitted, signal: Float) -> tuple[Float, Float]:
    """Normal equations of amplitudes and `n e^{s n} / N`, [4 modes, 4 modes] and [4 modes]."""
    s, count = fitted.s, len(signal)
    same, mixed = _moments(s, count, 2)
    blocks = [
        np.block([[m[0], m[1] / count], [m[1] / count, m[2] / count**2]]) for m in (same, mixed)
    ]
    gram = _real_gram(blocks[0], blocks[1])
    ramped = project(s, signal, ramped=True) / count
    right = _pairs(np.concatenate([project(s, signal), ramped]))
    known = _pairs(np.concatenate([fitted.amplitude, np.zeros(len(s))]))
    return gram, right - gram @ known


def _moved(
    fitted: Fitted, linear: tuple[Float, Float], damping: float, count: int, sample_rate: float
) -> Complex:
    gram, right = linear
    modes = len(fitted.s)
    damped = _ridged(gram)
    damped[np.diag_indices_from(damped)] += damping * np.diag(gram)
    change = _complex(np.linalg.solve(damped, right))[modes:]
    step = change / count / np.where(fitted.amplitude == 0.0, 1.0, fitted.amplitude)
    step = step * np.minimum(1.0, STEP / count / np.maximum(np.abs(step), 1e-300))
    s = fitted.s + step
    slow, fast = (-LN1000 / (t60 * sample_rate) for t60 in (LONGEST_S, SHORTEST_S))
    lowest = 2 * np.pi * LOWEST_HZ / sample_rate
    imag = np.clip(s.imag, lowest, np.pi - lowest)
    return np.asarray(np.clip(s.real, fast, slow) + 1j * imag, complex)


def _moments(s: Complex, count: int, most: int) -> tuple[list[Complex], list[Complex]]:
    """`Σ n^p e^{(s_i + conj s_j) n}` and `Σ n^p e^{(s_i + s_j) n}` for p = 0 … most."""
    return (
        _geometric(s[:, None] + s.conj()[None, :], count, most),
        _geometric(s[:, None] + s[None, :], count, most),
    )


def _geometric(exponent: Complex, count: int, most: int) -> list[Complex]:
    """`Σ n^p e^{z n}` over n = 0 … count − 1: each from the last by differentiating by z.

    All z have a negative real part (T60 ≤ `LONGEST_S`), so nothing is divided by nearly 0.
    """
    q, power = np.exp(exponent), np.exp(exponent * count)
    below = -np.expm1(exponent)
    sums: list[Complex] = [np.asarray((1.0 - power) / below, complex)]
    if most >= 1:
        sums.append((q * sums[0] - count * power) / below)
    if most >= 2:
        sums.append((q * (sums[0] + 2.0 * sums[1]) - count**2 * power) / below)
    return sums


def _real_gram(same: Complex, mixed: Complex) -> Float:
    """Gram matrix of the columns [Re φ, −Im φ] from `Σ φ_i conj φ_j` and `Σ φ_i φ_j`."""
    cross = -0.5 * (mixed.imag - same.imag)
    return np.block([[0.5 * (same + mixed).real, cross], [cross.T, 0.5 * (same - mixed).real]])


def _ridged(gram: Float) -> Float:
    ridged = gram.copy()
    ridged[np.diag_indices_from(ridged)] *= 1.0 + RIDGE
    ridged[np.diag_indices_from(ridged)] += 1e-12 * float(np.trace(gram)) / len(gram) + 1e-30
    return ridged


def _pairs(values: Complex) -> Float:
    return np.concatenate([values.real, values.imag])


def _complex(pairs: NDArray[np.floating[Any]]) -> Complex:
    half = len(pairs) // 2
    return np.asarray(pairs[:half] + 1j * pairs[half:], complex)
