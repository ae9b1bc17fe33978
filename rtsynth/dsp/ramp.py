"""Ramps without clicks: a raised cosine between two gains, a straight line per tick.

Thread: audio.
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel

__all__ = ["apply_fade", "apply_line", "ease", "fade_curve", "fade_level"]


def fade_curve(length: int) -> np.ndarray:
    """[length] float32 raised cosine from just above 0 to exactly 1. Thread: main."""
    n = np.arange(1, length + 1)
    return (0.5 - 0.5 * np.cos(np.pi * n / length)).astype(np.float32)


@kernel("float64(float32[::1], float64, float64, int64)")
def fade_level(curve: np.ndarray, start: float, target: float, position: int) -> float:
    """The gain that a fade from `start` to `target` has reached after `position` frames."""
    if position == 0:
        return start
    if position >= curve.shape[0]:
        return target
    return start + (target - start) * curve[position - 1]


@kernel("float64(float64, float64)")
def ease(left: float, steps: float) -> float:
    """Share of the remaining way to go in one step so that the whole way is a raised cosine.

    The target may move meanwhile: the last step always arrives.

    Args:
        left: steps left, this one included; ≥ 1.
        steps: in the whole way.
    """
    if left <= 1.0:
        return 1.0
    done = 0.5 - 0.5 * math.cos(math.pi * max(steps - left, 0.0) / steps)
    next_ = 0.5 - 0.5 * math.cos(math.pi * max(steps - left + 1.0, 1.0) / steps)
    return (next_ - done) / (1.0 - done)


@kernel("int64(float32[::1], float64, float64, int64, int64, int64, float32[::1])")
def apply_fade(
    curve: np.ndarray,
    start: float,
    target: float,
    position: int,
    first: int,
    last: int,
    out: np.ndarray,
) -> int:
    """Multiply frames first … last of a tick by the fade from `start` to `target`.

    Args:
        curve: [length] float32 from `fade_curve`.
        start: gain before the fade.
        target: gain after it.
        position: frames of the fade already done; at its length the gain stays at `target`.
        first: frame of the tick to begin at.
        last: frame to end before.
        out: [TICK] float32, multiplied.

    Returns:
        The new position.
    """
    length = curve.shape[0]
    for n in range(first, last):
        if position < length:
            out[n] *= start + (target - start) * curve[position]
            position += 1
        else:
            out[n] *= target
    return position


@kernel("void(float64, float64, float32[::1])")
def apply_line(start: float, target: float, out: np.ndarray) -> None:
    """Multiply by a gain that moves in a straight line and reaches `target` at the last frame."""
    step = (target - start) / out.shape[0]
    if step == 0.0:
        for n in range(out.shape[0]):
            out[n] *= target
        return
    for n in range(out.shape[0]):
        out[n] *= start + step * (n + 1)
