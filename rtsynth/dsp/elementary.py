"""Exponential, sine and cosine as polynomials. Thread: audio.

The compiler turns them into vector code; calls into the C library it would make one by one.
"""

import math

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import bits_of, float_of

__all__ = ["exp", "log", "sin_cos"]

HALF_PI = 0.5 * math.pi
LN2 = math.log(2.0)
MANTISSA = 0x000FFFFFFFFFFFFF
ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of √½


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


@kernel("float64(float64)", fastmath=True)
def log(x: float) -> float:
    """Natural logarithm of a normal x > 0, error below 1e-14 · max(1, |ln x|).

    With x = 2^k·m, √½ ≤ m < √2, the series of `2·artanh((m − 1)/(m + 1))`.
    """
    bits = bits_of(x) - ROOT_HALF
    k = bits >> 52
    m = float_of((bits & MANTISSA) + ROOT_HALF)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    e = 1.0 / 19.0
    e = e * q + 1.0 / 17.0
    e = e * q + 1.0 / 15.0
    e = e * q + 1.0 / 13.0
    e = e * q + 1.0 / 11.0
    e = e * q + 1.0 / 9.0
    e = e * q + 1.0 / 7.0
    e = e * q + 0.2
    e = e * q + 1.0 / 3.0
    e = e * q + 1.0
    return float(k) * LN2 + 2.0 * s * e
