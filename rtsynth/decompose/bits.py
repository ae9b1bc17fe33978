"""What a score costs: the bits of its events and the bits of what they leave (Rissanen 1978).

An event costs what it takes to write it down. What is left costs, as 16-bit samples would, half a
bit per coefficient and factor of two of power over a cell of time and frequency: the rate of
Gaussian noise of that power at an error of that of rounding. Bits of the bank are not counted: who
strikes what is weighed here, not what there is to be struck. Thread: any.
"""

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike
from rtsynth.events import VECTOR_DIM

__all__ = ["event_bits", "sound_bits"]

GAIN_BITS, PAN_BITS, RELEASE_BITS, OFFSET_BITS = 8, 6, 8, 6
SIZE, HOP = 1_024, 512
BINS, FRAMES = 8, 2  # of a cell
ROUNDING = 2.0**-30 / 12.0  # power of the rounding of 16-bit samples


def event_bits(strike: Strike, length: int, resonances: int) -> float:
    """Bits of one strike.

    Args:
        strike: what is written down.
        length: samples of the recording, among which its onset is one.
        resonances: among which its own is one.
    """
    time = float(np.log2(max(length, 2)))
    bits = time + float(np.log2(max(resonances, 2))) + GAIN_BITS + PAN_BITS
    if strike.held is not None:
        bits += time + RELEASE_BITS
    if strike.offset_db is not None:
        bits += OFFSET_BITS * min(len(strike.offset_db), VECTOR_DIM)
    return bits


def sound_bits(sound: Float) -> float:
    """Bits of [samples] of sound at an error of that of 16-bit rounding."""
    if len(sound) == 0:
        return 0.0
    window = np.sqrt(np.hanning(SIZE + 1)[:-1])
    padded = np.pad(sound, (HOP, SIZE))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP]
    spectrum: NDArray[np.complex128] = scipy.fft.rfft(pieces * window, axis=1)
    power = np.abs(spectrum[:, :-1]) ** 2 / SIZE * 2.0  # of as many real coefficients as samples
    frames, bins = len(power) // FRAMES * FRAMES, power.shape[1] // BINS * BINS
    cells = power[:frames, :bins].reshape(frames // FRAMES, FRAMES, bins // BINS, BINS)
    mean = cells.mean(axis=(1, 3))
    return float(FRAMES * BINS * np.sum(0.5 * np.log2(1.0 + mean / ROUNDING)))
