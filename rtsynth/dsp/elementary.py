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
    e = 1.0 / 39916800.0
    e = e * y + 1.0 / 3628800.0
    e = e * y + 1.0 / 362880.0
    e = e * y + 1.0 / 40320.0
    e = e * y + 1.0 / 5040.0
    e = e * y + 1.0 / 720.0
    e = e * y + 1.0 / 120.0
    e = e * y + 1.0 / 24.0
    e = e * y + 1.0 / 6.0
    e = e * y + 1.0 / 2.0
    e = e * y + 1.0
    e = e * y + 1.0
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
    odd = -1.0 / 121645100408832000.0
    odd = odd * s + 1.0 / 355687428096000.0
    odd = odd * s - 1.0 / 1307674368000.0
    odd = odd * s + 1.0 / 6227020800.0
    odd = odd * s - 1.0 / 39916800.0
    odd = odd * s + 1.0 / 362880.0
    odd = odd * s - 1.0 / 5040.0
    odd = odd * s + 1.0 / 120.0
    odd = odd * s - 1.0 / 6.0
    odd = odd * s + 1.0
    even = 1.0 / 2432902008176640000.0
    even = even * s - 1.0 / 6402373705728000.0
    even = even * s + 1.0 / 20922789888000.0
    even = even * s - 1.0 / 87178291200.0
    even = even * s + 1.0 / 479001600.0
    even = even * s - 1.0 / 3628800.0
    even = even * s + 1.0 / 40320.0
    even = even * s - 1.0 / 720.0
    even = even * s + 1.0 / 24.0
    even = even * s - 0.5
    even = even * s + 1.0
    return even, -b * odd
