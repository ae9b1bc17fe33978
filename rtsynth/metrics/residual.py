"""Is what is left noise? Two statistics of a residual. Thread: any."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter

from rtsynth.metrics.spectral import stft_magnitude

__all__ = ["noise_w1", "residual_w1", "tonality"]

SIZE, HOP = 1024, 256
NEIGHBOURS = 17
TONAL_RATIO = 10.0 ** (12.0 / 10.0)

Float = NDArray[np.float64]


def residual_w1(reference: Float, estimate: Float) -> float | None:
    """The noise statistic of what the estimate's magnitudes leave of the reference's.

    0.01 is noise, 0.03 as good as noise, 0.26 decaying tones, 0.7 clicks; None if nothing is left.

    Args:
        reference: [samples].
        estimate: [samples].
    """
    left = stft_magnitude(reference, SIZE, HOP) - stft_magnitude(estimate, SIZE, HOP)
    return noise_w1(np.maximum(left, 0.0) ** 2)


def noise_w1(power: Float) -> float | None:
    """Distance of power over its local mean from Exp(1), as locally stationary noise has it.

    The Wasserstein-1 distance between the sorted values and the quantiles of Exp(1).

    Args:
        power: [analysis frames, bins].
    """
    local = uniform_filter(power, NEIGHBOURS, mode="nearest")
    present = local > 1e-12 * power.max(initial=0.0)
    if not present.any():
        return None
    values = np.sort(power[present] / local[present])
    count = len(values)
    quantiles = -np.log(1.0 - (np.arange(count) + 0.5) / count)
    return float(np.mean(np.abs(values - quantiles)))


def tonality(residual: Float) -> float | None:
    """Share of the energy in bins more than 12 dB over the median of their 61 neighbours.

    0 for noise of any colour, 1 for tones only; None for silence.

    Args:
        residual: [samples].
    """
    power = stft_magnitude(residual, 4096, 2048) ** 2
    total = float(power.sum())
    if total <= 0.0:
        return None
    around = median_filter(power + 1e-20, (1, 61), mode="nearest")
    return float(power[power > TONAL_RATIO * around].sum()) / total
