"""What of two sounds is compared: one channel, equally long, not too much. Thread: any."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LONGEST_S", "one_channel", "passages"]

LONGEST_S = 120.0
PASSAGE_S = 10.0

Float = NDArray[np.float64]


def one_channel(sound: ArrayLike) -> Float:
    """[frames] mean of the channels of [frames] or [frames, channels]."""
    array = np.asarray(sound, float)
    return array if array.ndim == 1 else array.mean(axis=1)


def passages(
    reference: Float, estimate: Float, sample_rate: int, longest_s: float = LONGEST_S
) -> tuple[Float, Float]:
    """Both sounds cut to the shorter; of long ones passages of 10 s, evenly spread, in a row.

    Args:
        reference: [samples].
        estimate: [samples].
        sample_rate: Hz.
        longest_s: sounds up to this length are kept whole; seconds.

    Returns:
        Two arrays of the same length, at most `longest_s`.
    """
    count = min(len(reference), len(estimate))
    longest = round(longest_s * sample_rate)
    if count <= longest:
        return reference[:count], estimate[:count]
    size = min(round(PASSAGE_S * sample_rate), longest)
    begins = np.linspace(0, count - size, longest // size).astype(int)
    place = (begins[:, None] + np.arange(size)).ravel()
    return reference[place], estimate[place]
