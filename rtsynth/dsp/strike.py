"""The strike: impulse, shaped noise and attack waveform of a struck resonance. Thread: audio."""

import math

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.noise import fill_white

__all__ = ["add_attack", "strike_noise", "value_at"]


@kernel(
    "void(uint64, int64, float64, float32[::1], float32[::1], float64[::1], float64[::1])",
    fastmath=True,
)
def strike_noise(
    seed: np.uint64,
    age: int,
    length: float,
    envelope: np.ndarray,
    taps: np.ndarray,
    scratch: np.ndarray,
    out: np.ndarray,
) -> None:
    """`out[n] = envelope(age + n) · Σ_k taps[k] · white(age + n − k)` for 0 ≤ age + n < length.

    Args:
        seed: of the white noise.
        age: of out[0], frames since the onset; may be negative.
        length: of the strike, frames.
        envelope: [points] float32, spread evenly over the length and read linearly.
        taps: [K] float32, finite impulse response.
        scratch: [≥ n + K − 1] float64.
        out: [n] float64, overwritten; 0 outside the strike.
    """
    n, k_count = out.shape[0], taps.shape[0]
    white = scratch[: n + k_count - 1]
    fill_white(seed, age - (k_count - 1), white)
    points = envelope.shape[0]
    for i in range(n):
        t = age + i
        if t < 0 or t >= length:
            out[i] = 0.0
            continue
        position = t / length * (points - 1)
        low = min(int(position), points - 2)
        share = position - low
        level = envelope[low] * (1.0 - share) + envelope[low + 1] * share
        total = 0.0
        for k in range(k_count):
            total += taps[k] * white[i + k_count - 1 - k]
        out[i] = level * total


@kernel("float64(float32[::1], int64, float64)")
def value_at(wave: np.ndarray, length: int, at: float) -> float:
    """The first `length` samples of a wave read linearly between them, 0 outside."""
    index = math.floor(at)
    if index < 0 or index >= length:
        return 0.0
    share = at - index
    value = wave[index] * (1.0 - share)
    if share > 0.0 and index + 1 < length:
        value += wave[index + 1] * share
    return float(value)


@kernel("float64(float32[::1], float64, float64, float64, float64, int64, int64, float32[::1])")
def add_attack(
    attack: np.ndarray,
    position: float,
    rate: float,
    start: float,
    target: float,
    first: int,
    last: int,
    out: np.ndarray,
) -> float:
    """Add `gain · attack(position + n·rate)` to frames first … last of a tick, read linearly.

    Args:
        attack: [A] float32; silent outside.
        position: of the frame `first`, samples of the attack.
        rate: samples of the attack per frame; 1 plays it as learned, −1 backwards.
        start: gain before the tick's first frame …
        target: … and at its last; a straight line between.
        first: frame of the tick to begin at.
        last: frame to end before.
        out: [TICK] float32, added to.

    Returns:
        The position after the last frame.
    """
    for n in range(first, last):
        gain = start + (target - start) * (n + 1) / out.shape[0]
        out[n] += gain * value_at(attack, attack.shape[0], position + (n - first) * rate)
    return position + (last - first) * rate
