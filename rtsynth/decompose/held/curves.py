"""Bow and tilt of one note that come closest to its partials' amplitudes, strong ones first.

`bow_curves` balances all partials in decibels, which suits one note drawn for playing. Here a
recording is to be met: at each point the level and the tilt are those of the least squares of
amplitudes, then each partial's own size is, and so in turn. Thread: worker.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from rtsynth.decompose.damped import Float
from rtsynth.decompose.sustained.bowing import BRIGHT_LIMIT, DB_PER_OCTAVE, bow_curves
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.units import LN1000

__all__ = ["closest_curves", "driven_level"]

ROUNDS = 8
LEAST, MOST = 2.0**-8, 2.0**5
SMOOTHING_POINTS = 1.0
RIDGE = 0.02  # of the energy: where a note is faint its tilt stays
TINY = 1e-9


def closest_curves(level: Float, octaves: Float, t60_s: float) -> tuple[Float, Float, Float]:
    """Steady amplitudes and the curves of bow and tilt, by least squares of amplitudes.

    Args:
        level: [partials, points] amplitudes from the onset on, every `STEP_S`.
        octaves: [partials] above the lowest.
        t60_s: of every mode under the bow.

    Returns:
        [partials] amplitude at a bow of 1, [points] log2 of the bow, [points] dB/octave.
    """
    size, _, start = bow_curves(level, octaves, t60_s)
    tilt = start / DB_PER_OCTAVE
    limit = BRIGHT_LIMIT / DB_PER_OCTAVE
    made = np.zeros(level.shape[1])
    for _ in range(ROUNDS):
        shape = size[:, None] * np.exp2(tilt * octaves[:, None])
        wanted = np.sum(shape * level, axis=0) / (np.sum(shape**2, axis=0) + TINY**2)
        bow = _bow_for(gaussian_filter1d(wanted, SMOOTHING_POINTS), t60_s)
        made = driven_level(bow, t60_s)
        model = shape * made
        # one Gauss-Newton step of the tilt: d model / d tilt = ln 2 · octaves · model
        slope = np.log(2.0) * octaves[:, None] * model
        energy = np.sum(slope**2, axis=0)
        step = np.sum(slope * (level - model), axis=0) / (energy + RIDGE * energy.mean() + TINY**2)
        tilt = np.clip(gaussian_filter1d(tilt + step, SMOOTHING_POINTS), -limit, limit)
        course = made * np.exp2(tilt * octaves[:, None])
        size = np.sum(course * level, axis=1) / np.sum(course**2, axis=1)
    centre = float(np.average(tilt, weights=made**2))
    mean = float(np.sqrt(np.mean(made**2)))
    size = size * np.exp2(centre * octaves) * mean
    bow = np.log2(np.clip(bow / mean, LEAST, MOST))
    return size, bow, DB_PER_OCTAVE * (tilt - centre)


def _bow_for(envelope: Float, t60_s: float) -> Float:
    """[points] ≥ 0, the drive under which a mode at rest follows an envelope as it can."""
    keep = float(np.exp(-LN1000 * STEP_S / t60_s))
    bow = np.empty(len(envelope))
    ceiling = MOST * float(envelope.max())
    state = 0.0
    for point in range(1, len(envelope)):
        target = (envelope[point] - keep * state) / (1.0 - keep)
        bow[point] = min(max(target, 0.0), ceiling)
        state = keep * state + (1.0 - keep) * bow[point]
    bow[0] = bow[min(1, len(bow) - 1)]
    return bow


def driven_level(bow: Float, t60_s: float) -> Float:
    """[points] amplitude above 0 of a mode of steady amplitude 1 under a bow ≥ 0."""
    keep = float(np.exp(-LN1000 * STEP_S / t60_s))
    made: Float = lfilter([1.0 - keep], [1.0, -keep], np.concatenate([[0.0], bow[1:]]))
    return np.maximum(made, TINY)
