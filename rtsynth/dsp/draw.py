"""Playing what the field has drawn ahead: control curves and attack waveforms of its members.

Curves are kept in segments of SEGMENT_POINTS at CURVE_RATE points per second of the event's age,
one point more than a segment needs, so that any age lies between two points of one segment.
Thread: audio.
"""

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.strike import value_at

__all__ = ["CURVE_RATE", "SEGMENT_POINTS", "add_drawn", "read_curves"]

CURVE_RATE = 250.0
SEGMENT_POINTS = 128


@kernel(
    "void(float32[:,::1], float64, float64[::1], float32[:,::1], int64, int64, float64[::1])",
    fastmath=True,
)
def read_curves(
    segment: np.ndarray,
    position: float,
    gains: np.ndarray,
    limits: np.ndarray,
    first: int,
    last: int,
    out: np.ndarray,
) -> None:
    """Some of the members' curves at one position, read linearly, summed with gains and clipped.

    Args:
        segment: [SEGMENT_POINTS + 1, C·K] float32, the members of a curve side by side.
        position: 0 … SEGMENT_POINTS.
        gains: [K] of the members.
        limits: [C, 2] float32.
        first: of the curves that are read.
        last: one past the last of them.
        out: [C] float64, overwritten there.
    """
    low = min(int(position), segment.shape[0] - 2)
    share = position - low
    members = gains.shape[0]
    to, within = out[first:last], limits[first:last]  # from 0 on: no index may be negative
    here = segment[low, first * members : last * members]
    there = segment[low + 1, first * members : last * members]
    for c in range(to.shape[0]):
        total = 0.0
        for k in range(members):
            a = here[c * members + k]
            total += gains[k] * (a + share * (there[c * members + k] - a))
        to[c] = min(max(total, within[c, 0]), within[c, 1])


@kernel(
    "void(float32[:,::1], int64, float64, float64, float64[::1], float64[::1], float64, float64,"
    " int64, int64, float32[::1])"
)
def add_drawn(
    attack: np.ndarray,
    length: int,
    position: float,
    rate: float,
    gains_from: np.ndarray,
    gains: np.ndarray,
    start: float,
    target: float,
    first: int,
    last: int,
    out: np.ndarray,
) -> None:
    """Add the members' attacks, read linearly at `position + n·rate`, to frames first … last.

    Args:
        attack: [K, A] float32; silent outside its first `length` samples.
        length: samples in use.
        position: of the frame `first`, samples of the attack.
        rate: samples of the attack per frame; may be negative.
        gains_from: [K] of the members before the tick's first frame …
        gains: … [K] and at its last; straight lines between.
        start: factor before the tick's first frame …
        target: … and at its last; a straight line between.
        first: frame of the tick to begin at.
        last: frame to end before.
        out: [TICK] float32, added to.
    """
    frames = out.shape[0]
    for n in range(first, last):
        at = position + (n - first) * rate
        total = 0.0
        for k in range(gains.shape[0]):
            gain = gains_from[k] + (gains[k] - gains_from[k]) * (n + 1) / frames
            total += gain * value_at(attack[k], length, at)
        out[n] += total * (start + (target - start) * (n + 1) / frames)
