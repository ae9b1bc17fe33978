"""Seeded white noise by counter: any sample of any stream, in any order. Thread: audio.

The generator is splitmix64 (Steele, Lea & Flood 2014) read at a position: the finaliser applied to
`finalise(seed) + position · golden`. Two seeds give streams that do not meet in practice.
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.elementary import log, sin_cos

__all__ = [
    "bits_at",
    "fill_gaussian",
    "fill_white",
    "gaussian_at",
    "normal_at",
    "uniform_at",
    "white_at",
]

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MULTIPLY_1 = np.uint64(0xBF58476D1CE4E5B9)
MULTIPLY_2 = np.uint64(0x94D049BB133111EB)
TO_UNIT = 2.0**-53
SQRT_12 = math.sqrt(12.0)
TWO_PI = 2.0 * math.pi


@kernel("uint64(uint64)")
def finalise(z: np.uint64) -> np.uint64:
    """Splitmix64's finaliser: every input bit reaches every output bit."""
    z = (z ^ (z >> np.uint64(30))) * MULTIPLY_1
    z = (z ^ (z >> np.uint64(27))) * MULTIPLY_2
    return z ^ (z >> np.uint64(31))


@kernel("uint64(uint64, int64)")
def bits_at(seed: np.uint64, position: int) -> np.uint64:
    """64 random bits at a position of the seed's stream."""
    return finalise(finalise(seed + GOLDEN) + np.uint64(position) * GOLDEN)


@kernel("float64(uint64, int64)")
def uniform_at(seed: np.uint64, position: int) -> float:
    """Uniform in [0, 1)."""
    return float(bits_at(seed, position) >> np.uint64(11)) * TO_UNIT


@kernel("float64(uint64, int64)")
def white_at(seed: np.uint64, position: int) -> float:
    """Uniform noise of zero mean and unit variance."""
    return (uniform_at(seed, position) - 0.5) * SQRT_12


@kernel([f"void(uint64, int64, {real}[::1])" for real in ("float64", "float32")])
def fill_white(seed: np.uint64, first: int, out: np.ndarray) -> None:
    """`out[i] = white_at(seed, first + i)`, and 0 at negative positions.

    Args:
        seed: the stream.
        first: position of out[0]; noise starts at position 0.
        out: [n] float64 or float32.
    """
    for i in range(out.shape[0]):
        out[i] = white_at(seed, first + i) if first + i >= 0 else 0.0


@kernel("void(uint64, int64, float64[::1])")
def gaussian_at(seed: np.uint64, position: int, out: np.ndarray) -> None:
    """Two independent standard normal numbers (Box & Muller 1958) into out[0], out[1]."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform_at(seed, 2 * position)))
    angle = 2.0 * math.pi * uniform_at(seed, 2 * position + 1)
    out[0] = radius * math.cos(angle)
    out[1] = radius * math.sin(angle)


@kernel("float64(uint64, int64)")
def normal_at(seed: np.uint64, position: int) -> float:
    """A standard normal number: the first of the pair of `gaussian_at`."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform_at(seed, 2 * position)))
    return radius * math.cos(2.0 * math.pi * uniform_at(seed, 2 * position + 1))


@kernel(
    [f"void(uint64, int64, {real}[::1], {real}[::1])" for real in ("float64", "float32")],
    fastmath=True,
)
def fill_gaussian(seed: np.uint64, first: int, one: np.ndarray, other: np.ndarray) -> None:
    """The pairs of `gaussian_at(seed, first + i)`, made many at a time.

    Args:
        seed: the stream.
        first: position of the first pair.
        one: [n] float64 or float32, the first of each pair.
        other: [n] likewise, the second.
    """
    start = finalise(seed + GOLDEN)
    for i in range(one.shape[0]):
        at = np.uint64(2 * (first + i)) * GOLDEN
        u = float(finalise(start + at) >> np.uint64(11)) * TO_UNIT
        turn = float(finalise(start + at + GOLDEN) >> np.uint64(11)) * TO_UNIT
        radius = math.sqrt(-2.0 * log(1.0 - u))
        side = 1.0 if turn < 0.5 else -1.0
        sine, cosine = sin_cos((turn if turn < 0.5 else turn - 0.5) * TWO_PI)
        one[i] = side * radius * cosine
        other[i] = side * radius * sine
