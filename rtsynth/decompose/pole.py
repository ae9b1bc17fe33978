"""Few damped exponentials in one narrow band, fitted over its whole length.

ESPRIT over several stretches proposes poles; the best are taken one by one and moved together by
Levenberg–Marquardt steps on poles and amplitudes, until one more explains too little. Two or three
poles within a few hertz are the strings of one key: their beating and two-stage decay. Thread: any.
"""

import numpy as np

from rtsynth.decompose.damped import Complex, Float, powers
from rtsynth.decompose.mode import esprit
from rtsynth.dsp.pole import move_poles, pole_scratch

__all__ = ["band_poles"]

WORTH = 0.78  # of the misfit that may be left by one more pole
HOPELESS = 0.97  # of it after the best proposal: moving will not bring it down far enough
ROWS = 32
COARSER = 4  # decimation in which slow beating is looked for


def band_poles(
    band: Complex, weight: Float, rate: float, most: int, decays: tuple[float, float]
) -> Complex:
    """[poles] exponents per sample of the band, the most telling first.

    Args:
        band: [samples] around zero frequency.
        weight: [samples] of each in the misfit's root.
        rate: Hz.
        most: at most so many.
        decays: least and largest decay per sample, −Re of an exponent.
    """
    proposed = _proposals(band, rate, most, decays)
    chosen = np.zeros(0, complex)
    wanted = band * weight
    misfit = float(np.sum(np.abs(wanted) ** 2))
    while len(chosen) < most and len(proposed):
        best, left = _best(proposed, chosen, band, weight)
        if not left < HOPELESS * misfit:
            break
        moved = np.append(chosen, proposed[best])
        left = move_poles(moved, wanted, weight, *decays, *pole_scratch(len(moved), len(band)))
        if not left < WORTH * misfit:
            break
        chosen, misfit = moved, left
    return chosen


def _proposals(band: Complex, rate: float, most: int, decays: tuple[float, float]) -> Complex:
    """Poles that ESPRIT sees: soon after the onset, and coarsely over all and over the tail."""
    whole = len(band) // COARSER * COARSER
    coarse = band[:whole].reshape(-1, COARSER).mean(axis=1)
    late = round(0.5 * rate / COARSER)
    soon = np.log(_esprit(band[: round(0.5 * rate)], most))
    slow = [np.log(_esprit(part, most)) / COARSER for part in (coarse, coarse[late:])]
    return _legal(np.concatenate([soon, *slow]), decays)


def _esprit(part: Complex, order: int) -> Complex:
    found = esprit(part, order, ROWS)
    return found[np.abs(found) > 1e-9]


def _legal(s: Complex, decays: tuple[float, float]) -> Complex:
    legal: Complex = -np.clip(-s.real, *decays) + 1j * s.imag
    return legal


def _best(proposed: Complex, chosen: Complex, band: Complex, weight: Float) -> tuple[int, float]:
    """The proposal that, beside those chosen, explains most, and the misfit then."""
    trials = powers(proposed, len(band)) * weight[:, None]
    left = band * weight
    if len(chosen):
        basis, _ = np.linalg.qr(powers(chosen, len(band)) * weight[:, None])
        trials = trials - basis @ (basis.conj().T @ trials)
        left = left - basis @ (basis.conj().T @ left)
    power = np.sum(np.abs(trials) ** 2, axis=0)
    gains = np.abs(trials.conj().T @ left) ** 2 / (power + 1e-9 * float(power.max()) + 1e-30)
    best = int(np.argmax(gains))
    return best, float(np.sum(np.abs(left) ** 2) - gains[best])
