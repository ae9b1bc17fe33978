"""The bow's curves from the partials' levels: what drove them, and how the tilt moved.

A mode driven by the bow has the amplitude `a·e`, `τ·e' + e = d`: a one-pole response to the drive d
with τ = T60/ln(1000). So the drive is `e + τ·e'` of the common envelope e, where that is positive.
Sounds fall faster under the bow than once it is lifted (it damps the string); so that the drive
stays positive nearly always, T60 under the bow is `bowed_t60` of the envelope, if that is shorter.
Thread: worker.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from rtsynth.decompose.damped import Float
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.instrument import CONTROL_LIMITS, CONTROLS
from rtsynth.units import LN1000

__all__ = ["bow_curves", "bowed_t60", "common_envelope", "driven", "tilt_of"]

LEAST, MOST = 2.0**-8, 2.0**4
FOLLOWED = 0.98  # of the points
BOWED_T60_S = (0.05, 10.0)
SMOOTHING_S = 0.006
FLOOR = 1e-5  # of the loudest level: what is below says nothing
BRIGHT_LIMIT = float(CONTROL_LIMITS[CONTROLS.index("bright"), 1]) / 2.0
DB_PER_OCTAVE = 20.0 * np.log10(2.0)
TILT_RIDGE = 0.03  # of the weight: a single partial has no tilt


def common_envelope(level: Float, octaves: Float) -> tuple[Float, Float]:
    """[partials] log2 of the steady amplitude, and [points] the envelope at the lowest partial.

    Args:
        level: [partials, points] amplitudes from the onset on, every `STEP_S`.
        octaves: [partials] above the lowest.
    """
    heard = np.log2(np.maximum(level, FLOOR * float(level.max())))
    steady = np.average(heard, axis=1, weights=np.sum(level**2, axis=0))
    common, _ = tilt_of(heard - steady[:, None], octaves, np.exp2(steady))
    return steady, np.exp2(gaussian_filter1d(common, SMOOTHING_S / STEP_S))


def bowed_t60(envelope: Float) -> float:
    """Seconds: the longest T60 with which a mode can follow nearly all of the envelope's falls."""
    fall = -np.gradient(np.log(envelope), STEP_S)
    fastest = max(float(np.quantile(fall, FOLLOWED)), 1e-3)
    return float(np.clip(LN1000 / fastest, *BOWED_T60_S))


def bow_curves(level: Float, octaves: Float, t60_s: float) -> tuple[Float, Float, Float]:
    """Steady amplitudes, and the curves of bow and tilt that come closest to the partials' levels.

    Args:
        level: [partials, points] amplitudes from the onset on, every `STEP_S`.
        octaves: [partials] above the lowest.
        t60_s: of every mode under the bow.

    Returns:
        [partials] amplitude at a bow of 1, [points] log2 of the bow, [points] dB/octave.
    """
    steady, envelope = common_envelope(level, octaves)
    drive = envelope + t60_s / LN1000 * np.gradient(envelope, STEP_S)
    bow = np.log2(np.clip(drive, LEAST, MOST))
    made = np.log2(np.maximum(driven(bow, t60_s), 1e-9))
    floor = FLOOR * float(level.max())
    left = np.log2(np.maximum(level, floor)) - steady[:, None] - made
    left = np.where(level > floor, left, 0.0)
    offset = np.average(left, axis=1, weights=np.sum(level**2, axis=0))
    _, tilt = tilt_of(left - offset[:, None], octaves, np.exp2(steady))
    return np.exp2(steady + offset), bow, DB_PER_OCTAVE * tilt


def tilt_of(level: Float, octaves: Float, weight: Float) -> tuple[Float, Float]:
    """[points] level at the lowest partial and [points] slope per octave, least squares.

    Args:
        level: [partials, points] logarithmic.
        octaves: [partials] above the lowest.
        weight: [partials].
    """
    share = weight / weight.sum()
    centre = float(share @ octaves)
    spread = float(share @ (octaves - centre) ** 2)
    mean = share @ level
    slope = (share * (octaves - centre)) @ level / (spread + TILT_RIDGE)
    limit = BRIGHT_LIMIT / DB_PER_OCTAVE
    slope = np.clip(gaussian_filter1d(slope, SMOOTHING_S / STEP_S), -limit, limit)
    return mean - slope * centre, slope


def driven(bow: Float, t60_s: float) -> Float:
    """[points] envelope of a mode of steady amplitude 1 under a bow, log2 every `STEP_S`."""
    keep = float(np.exp(-LN1000 * STEP_S / t60_s))
    drive = np.exp2(bow)
    target = np.concatenate([[0.0], 0.5 * (drive[1:] + drive[:-1])])
    made: Float = lfilter([1.0 - keep], [1.0, -keep], target)
    return made
