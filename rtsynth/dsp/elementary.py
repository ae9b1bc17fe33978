"""Exponential, sine and cosine as polynomials. Thread: audio.

The compiler turns them into vector code; calls into the C library it would make one by one.
"""

import math

from rtsynth.dsp.compile import kernel

__all__ = ["exp", "sin_cos"]

HALF_PI = 0.5 * math.pi


@kernel("float64(float64)", fastmath=True)
def exp(x: float) -> float:
    """`e^x` for |x| ≤ 40, relative error below 1e-13 for |x| ≤ 8 and 1e-8 beyond.

    The series of `e^(x/64)`, squared six times.
    """
    y = x * 0.015625
    e = 1.0 + y * (1.0 / 11.0)
    e = 1.0 + y * 0.1 * e
    e = 1.0 + y * (1.0 / 9.0) * e
    e = 1.0 + y * 0.125 * e
    e = 1.0 + y * (1.0 / 7.0) * e
    e = 1.0 + y * (1.0 / 6.0) * e
    e = 1.0 + y * 0.2 * e
    e = 1.0 + y * 0.25 * e
    e = 1.0 + y * (1.0 / 3.0) * e
    e = 1.0 + y * 0.5 * e
    e = 1.0 + y * e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    return e * e


@kernel("UniTuple(float64, 2)(float64)", fastmath=True)
def sin_cos(angle: float) -> tuple[float, float]:
    """Sine and cosine for 0 ≤ angle ≤ π, error below 1e-14: their series around π/2."""
    b = angle - HALF_PI
    s = b * b
    odd = 1.0 - s * (1.0 / 342.0)
    odd = 1.0 - s * (1.0 / 272.0) * odd
    odd = 1.0 - s * (1.0 / 210.0) * odd
    odd = 1.0 - s * (1.0 / 156.0) * odd
    odd = 1.0 - s * (1.0 / 110.0) * odd
    odd = 1.0 - s * (1.0 / 72.0) * odd
    odd = 1.0 - s * (1.0 / 42.0) * odd
    odd = 1.0 - s * (1.0 / 20.0) * odd
    odd = 1.0 - s * (1.0 / 6.0) * odd
    even = 1.0 - s * (1.0 / 380.0)
    even = 1.0 - s * (1.0 / 306.0) * even
    even = 1.0 - s * (1.0 / 240.0) * even
    even = 1.0 - s * (1.0 / 182.0) * even
    even = 1.0 - s * (1.0 / 132.0) * even
    even = 1.0 - s * (1.0 / 90.0) * even
    even = 1.0 - s * (1.0 / 56.0) * even
    even = 1.0 - s * (1.0 / 30.0) * even
    even = 1.0 - s * (1.0 / 12.0) * even
    even = 1.0 - s * 0.5 * even
    return even, -b * odd
