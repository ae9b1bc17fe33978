"""The power of a sound from sample to sample, as a running mean. Thread: any."""

import numpy as np
from scipy.ndimage import uniform_filter1d

from rtsynth.decompose.damped import Float

__all__ = ["smooth_power"]


def smooth_power(signal: Float, width: int, mode: str = "reflect") -> Float:
    """[..., samples] mean of the squares of `width` samples around each one; never below 0.

    Args:
        signal: [..., samples].
        width: samples; at least one is taken.
        mode: how the ends go on, of `scipy.ndimage.uniform_filter1d`.
    """
    # a running sum: where silence follows something loud it rounds to less than nothing
    power: Float = uniform_filter1d(signal**2, max(1, width), axis=-1, mode=mode)
    return np.maximum(power, 0.0, out=power)
