"""A field's net, compiled: rotary features, two sine layers, a read-out. Thread: worker.

Everything is done for BLOCK ages at a time, which lie side by side: row i of a [rows · BLOCK] array
is feature or unit i at those ages. A weight is then one number that multiplies a row, and the rows
of a tile stay in registers. Phases and decays are float64, all else is float32.

The sine is `r·(π² − r²)·q(r²)` on −π … π, q of degree 5 fitted for the least maximal error; with
its rounding it is within 3e-7 of the sine. Arguments are reduced in two parts (Cody & Waite 1980).
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types

from rtsynth.dsp.compile import kernel
from rtsynth.instrument.field import TAPER

__all__ = [
    "BLOCK",
    "INPUT_ALIGN",
    "OUTPUT_ALIGN",
    "Net",
    "condition",
    "fill_attack",
    "fill_curves",
    "fill_sines",
]

BLOCK = 64
"""Ages worked on at a time."""

INPUT_ALIGN = 8
OUTPUT_ALIGN = 2
"""Tile of the layers: rows in and out of a layer are multiples of these, the rest zero weights."""

SPAN_ROWS = 1 + 2 * 4
SPAN_WAVES = 4

TURN = 2.0 * math.pi
TURN32 = np.float32(TURN)
TO_TURNS = np.float32(1.0 / TURN)
TURN_HIGH = np.float32(6.28125)  # 8 bits: exact times any count of turns below 2^16
TURN_LOW = np.float32(TURN - 6.28125)
PI_SQUARED = np.float32(math.pi**2)
Q0 = np.float32(0.10132118304306267)
Q1 = np.float32(-0.006620879493074346)
Q2 = np.float32(0.00017350539756201983)
Q3 = np.float32(-2.5224587758621923e-06)
Q4 = np.float32(2.334407922268667e-08)
Q5 = np.float32(-1.3424904427141912e-10)

L0 = np.float32(0.9999964235219747)
L1 = np.float32(-0.4998740441404436)
L2 = np.float32(0.3317982479202727)
L3 = np.float32(-0.2407307328259013)
L4 = np.float32(0.16764780606568386)
L5 = np.float32(-0.09532243086413306)
L6 = np.float32(0.03608448072164644)
L7 = np.float32(-0.006452602234727406)
ZERO, HALF = np.float32(0.0), np.float32(0.5)


class Net(NamedTuple):
    """An ensemble as the kernels take it, with the scratch of one thread.

    K members, F frequencies, X inputs and H units padded to 8, O outputs padded to 2; padding is 0.

    Attributes:
        h: [K, F·2] coefficients of the event, real and imaginary parts.
        freq_hz: [K, F].
        alpha: [K, F] 1/s.
        w0, b0: [K, X, H], [K, H].
        w1, b1: [K, H, H], [K, H].
        w2, b2: [K, H, O], [K, O].
        ages: [BLOCK] scratch.
        rows: [X · BLOCK] scratch: the features.
        first, second: [H · BLOCK] scratch.
        drawn: [O · BLOCK] scratch.
    """

    h: Any
    freq_hz: Any
    alpha: Any
    w0: Any
    b0: Any
    w1: Any
    b1: Any
    w2: Any
    b2: Any
    ages: Any
    rows: Any
    first: Any
    second: Any
    drawn: Any


_TABLE = types.float64[:, ::1]
_WEIGHT, _BIAS, _ROWS = types.float32[:, :, ::1], types.float32[:, ::1], types.float32[::1]
_NET = types.NamedTuple(
    (_TABLE,) * 3 + (_WEIGHT, _BIAS) * 3 + (types.float64[::1],) + (_ROWS,) * 4, Net
)


@kernel("float32(float32)", fastmath=True)
def _sine(r: np.float32) -> np.float32:
    """Sine of −π ≤ r ≤ π."""
    s = r * r
    q = ((((Q5 * s + Q4) * s + Q3) * s + Q2) * s + Q1) * s + Q0
    return r * ((PI_SQUARED - s) * q)


@kernel("float64(float64)")
def _decay(x: float) -> float:
    """`exp(−x)` for x ≥ 0, to 1e-10: a short series of x/256, squared eight times.

    0 from x = 60 on, so that no product of it with a sine is too small for float32.
    """
    y = min(x, 60.0) * (-1.0 / 256.0)
    e = 1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0 + y * (1.0 / 24.0))))
    for _ in range(8):
        e *= e
    return e if x < 60.0 else 0.0


@kernel("float32(float32)", fastmath=True)
def _softplus(x: np.float32) -> np.float32:
    """`log(1 + e^x)` to 1e-7: max(x, 0), and log(1 + u) of 0 < u ≤ 1 as a polynomial."""
    u = np.float32(_decay(abs(float(x))))
    q = ((((((L7 * u + L6) * u + L5) * u + L4) * u + L3) * u + L2) * u + L1) * u + L0
    return HALF * (x + abs(x)) + u * q


@kernel("void(float32[::1])")
def fill_sines(rows: np.ndarray) -> None:
    """The sine of every number, in place, to 1e-6 where it is below 1e4.

    Compiled without reassociation, which would undo the reduction in two parts.
    """
    for i in range(rows.shape[0]):
        turns = np.rint(rows[i] * TO_TURNS)
        rows[i] = _sine((rows[i] - turns * TURN_HIGH) - turns * TURN_LOW)


@kernel("float32(float64)")
def _turned(turns: float) -> np.float32:
    """Sine of an angle in turns, reduced in float64."""
    return _sine(np.float32(turns - np.rint(turns)) * TURN32)


@kernel("void(float32[::1], float32[:,::1], float32[::1], float64[::1])")
def condition(
    prototype: np.ndarray, project: np.ndarray, scaled: np.ndarray, h: np.ndarray
) -> None:
    """`h = prototype + Σ_j scaled_j · project_j`.

    Args:
        prototype: [K·F·2] of the event's resonance.
        project: [32, K·F·2].
        scaled: [32] the event's vector in units of VECTOR_SCALE.
        h: [K·F·2], overwritten.
    """
    for i in range(h.shape[0]):
        h[i] = prototype[i]
    for j in range(project.shape[0]):
        row = project[j]
        for i in range(h.shape[0]):
            h[i] += float(scaled[j]) * row[i]


@kernel("void(float64[::1], float64, float32[::1])")
def _fill_spans(ages: np.ndarray, duration: float, rows: np.ndarray) -> None:
    """The nine features that all members share: age on a logarithmic scale, share of the duration.

    Args:
        ages: [BLOCK] seconds ≥ 0.
        duration: seconds; infinite for none.
        rows: [9 · BLOCK], overwritten.
    """
    rows[BLOCK:] = ZERO
    for a in range(BLOCK):
        rows[a] = math.log1p(ages[a] * 1e3)
    if not (duration > 0.0 and duration < math.inf):
        return
    for n in range(SPAN_WAVES):
        cos = rows[(1 + n) * BLOCK : (2 + n) * BLOCK]
        sin = rows[(1 + SPAN_WAVES + n) * BLOCK : (2 + SPAN_WAVES + n) * BLOCK]
        for a in range(BLOCK):
            turns = 0.5 * (n + 1) * (ages[a] / duration)
            cos[a] = _turned(turns + 0.25)
            sin[a] = _turned(turns)


@kernel("void(float64[::1], float64[::1], float64[::1], float64[::1], float32[::1])")
def _fill_rotary(
    h: np.ndarray, freq_hz: np.ndarray, alpha: np.ndarray, ages: np.ndarray, rows: np.ndarray
) -> None:
    """`h · exp((−alpha + j·2π·freq_hz) · age)` of one member.

    Args:
        h: [F·2] real and imaginary parts.
        freq_hz: [F].
        alpha: [F] 1/s.
        ages: [BLOCK] seconds.
        rows: [2F · BLOCK] real parts, then imaginary parts, overwritten.
    """
    count = freq_hz.shape[0]
    for f in range(count):
        re = rows[f * BLOCK : (f + 1) * BLOCK]
        im = rows[(count + f) * BLOCK : (count + f + 1) * BLOCK]
        h_re, h_im = np.float32(h[2 * f]), np.float32(h[2 * f + 1])
        hz, rate = freq_hz[f], alpha[f]
        for a in range(BLOCK):
            phase = hz * ages[a]
            size = np.float32(_decay(rate * ages[a]))
            cos, sin = size * _turned(phase + 0.25), size * _turned(phase)
            re[a] = h_re * cos - h_im * sin
            im[a] = h_re * sin + h_im * cos


@kernel("void(float32[::1], float32[:,::1], int64, int64, float32[::1])", fastmath=True)
def _add_tile(rows: np.ndarray, w: np.ndarray, i: int, j: int, out: np.ndarray) -> None:
    """Add what eight rows give to two: 16 weights in registers, one pass over the ages."""
    p0, p1, p2, p3 = w[i, j], w[i + 1, j], w[i + 2, j], w[i + 3, j]
    p4, p5, p6, p7 = w[i + 4, j], w[i + 5, j], w[i + 6, j], w[i + 7, j]
    q0, q1, q2, q3 = w[i, j + 1], w[i + 1, j + 1], w[i + 2, j + 1], w[i + 3, j + 1]
    q4, q5, q6, q7 = w[i + 4, j + 1], w[i + 5, j + 1], w[i + 6, j + 1], w[i + 7, j + 1]
    for a in range(BLOCK):
        x0, x1, x2, x3 = rows[a], rows[a + BLOCK], rows[a + 2 * BLOCK], rows[a + 3 * BLOCK]
        x4, x5 = rows[a + 4 * BLOCK], rows[a + 5 * BLOCK]
        x6, x7 = rows[a + 6 * BLOCK], rows[a + 7 * BLOCK]
        first = p0 * x0 + p1 * x1 + p2 * x2 + p3 * x3 + p4 * x4 + p5 * x5 + p6 * x6 + p7 * x7
        second = q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3 + q4 * x4 + q5 * x5 + q6 * x6 + q7 * x7
        out[a] += first
        out[a + BLOCK] += second


@kernel("void(float32[::1], float32[:,::1], float32[::1], float32[::1])")
def _apply_layer(rows: np.ndarray, w: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
    """`out = rows·w + b` at every age of the block.

    Args:
        rows: [inputs · BLOCK].
        w: [inputs, outputs], multiples of 8 and of 2.
        b: [outputs].
        out: [outputs · BLOCK], overwritten.
    """
    for j in range(0, w.shape[1], OUTPUT_ALIGN):
        pair = out[j * BLOCK : (j + OUTPUT_ALIGN) * BLOCK]
        for a in range(BLOCK):
            pair[a] = b[j]
            pair[a + BLOCK] = b[j + 1]
        for i in range(0, w.shape[0], INPUT_ALIGN):
            _add_tile(rows[i * BLOCK : (i + INPUT_ALIGN) * BLOCK], w, i, j, pair)


@kernel(types.void(_NET, types.int64))
def _evaluate(net: Any, k: int) -> None:
    """Member k's outputs at the block of ages into `drawn`; the shared features stand in `rows`."""
    _fill_rotary(net.h[k], net.freq_hz[k], net.alpha[k], net.ages, net.rows)
    _apply_layer(net.rows, net.w0[k], net.b0[k], net.first)
    fill_sines(net.first)
    _apply_layer(net.first, net.w1[k], net.b1[k], net.second)
    fill_sines(net.second)
    _apply_layer(net.second, net.w2[k], net.b2[k], net.drawn)


@kernel(types.void(_NET, types.float64))
def _share_ages(net: Any, duration: float) -> None:
    """The features of the block of ages that all members see."""
    at = 2 * net.freq_hz.shape[1] * BLOCK
    _fill_spans(net.ages, duration, net.rows[at : at + SPAN_ROWS * BLOCK])


@kernel(types.void(_NET, types.float64[::1], types.float64, types.float32[:, :, ::1]))
def fill_curves(net: Any, ages_s: np.ndarray, duration: float, out: np.ndarray) -> None:
    """Every member's outputs at any ages.

    Args:
        net: a `Net`, conditioned.
        ages_s: [points] seconds ≥ 0.
        duration: seconds, may be infinite.
        out: [K, points, outputs], overwritten.
    """
    points = out.shape[1]
    for at in range(0, points, BLOCK):
        for a in range(BLOCK):
            net.ages[a] = ages_s[min(at + a, points - 1)]
        _share_ages(net, duration)
        for k in range(out.shape[0]):
            _evaluate(net, k)
            for a in range(min(BLOCK, points - at)):
                for o in range(out.shape[2]):
                    out[k, at + a, o] = net.drawn[o * BLOCK + a]


@kernel("float32(float64, float64)")
def _window(age: float, attack_s: float) -> np.float32:
    """`rtsynth.instrument.field.attack_window`."""
    left = min(max((attack_s - age) / (TAPER * attack_s), 0.0), 1.0)
    return np.float32(0.5 - 0.5 * math.cos(math.pi * left)) if left < 1.0 else np.float32(1.0)


@kernel(
    types.void(_NET, types.float64, types.float64, types.float64, types.float32[:, ::1]),
)
def fill_attack(
    net: Any, sample_rate: float, attack_s: float, duration: float, out: np.ndarray
) -> None:
    """Every member's attack waveform from the onset on, 0 after its end.

    Args:
        net: a `Net` of two outputs, conditioned.
        sample_rate: Hz.
        attack_s: length of the attack.
        duration: seconds, may be infinite.
        out: [K, frames], overwritten.
    """
    end = min(out.shape[1], math.ceil(attack_s * sample_rate))
    for k in range(out.shape[0]):
        out[k, end:] = ZERO
    for at in range(0, end, BLOCK):
        for a in range(BLOCK):
            net.ages[a] = (at + a) / sample_rate
        _share_ages(net, duration)
        for k in range(out.shape[0]):
            _evaluate(net, k)
            for a in range(BLOCK):
                net.drawn[a] *= _softplus(net.drawn[BLOCK + a])
            for a in range(min(BLOCK, end - at)):
                out[k, at + a] = net.drawn[a] * _window(net.ages[a], attack_s)
