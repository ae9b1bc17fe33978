"""The modal bank: damped complex exponentials that ring, are driven and are bent. Thread: audio.

A voice's modes are the columns of `modes`, a [ROWS, M] float64 array. The state z is the value at
the last sample heard. Between edits a tick runs in float32 from the rounded state while the state
itself is advanced in float64 by p^TICK, so that rounding never accumulates beyond one tick: an
hour of ringing agrees with the closed form.
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.noise import uniform_at

__all__ = [
    "CONTROLS",
    "MODE_ALIGN",
    "ROWS",
    "TICK",
    "bend_modes",
    "coast_modes",
    "drive_modes",
    "open_modes",
    "ring_modes",
]

TICK = 32
"""Frames of the absolute grid on which everything done per block is done."""

MODE_ALIGN = 16
"""M is a multiple of this; unused columns are zero."""

ZR, ZI, PR, PI, QR, QI, AR, AI, G0, G1 = range(10)
ROWS = 10
"""Rows of `modes`: state z, pole p, p^TICK, gain of the drive a, output gain now and its target."""

FREQ, T60, GAIN_RE, GAIN_IM = range(4)
"""Rows of a resonance in the bank, [4, M] float32."""

TRANSPOSE, DAMP, BRIGHT, INHARM, DETUNE, STRETCH, RELEASE, LOWEST = range(8)
CONTROLS = 8
"""Controls of a bend: semitones with vibrato in, T60 factor, dB/octave, B, cents, ageing rate,
extra decay in nepers per second, lowest frequency of the resonance in Hz."""

LN1000 = math.log(1000.0)
DB_TO_LOG2 = math.log2(10.0) / 20.0


@kernel("void(float32[:,::1], int64, float64[::1], float32[::1], uint64, float64, float64[:,::1])")
def bend_modes(
    bank: np.ndarray,
    count: int,
    controls: np.ndarray,
    vector: np.ndarray,
    seed: np.uint64,
    sample_rate: float,
    modes: np.ndarray,
) -> None:
    """Poles, drive gains and output-gain targets of a resonance under deformation.

    A mode bent to or beyond 0.49 of the sample rate is silenced, as it would alias.

    Args:
        bank: [4, M] float32, a resonance.
        count: modes in use.
        controls: [CONTROLS] float64.
        vector: [32] float32, dB per mode.
        seed: of the detuning.
        sample_rate: Hz.
        modes: [ROWS, M]; PR … AI and G1 are written.
    """
    lowest = controls[LOWEST]
    ratio = 2.0 ** (controls[TRANSPOSE] / 12.0)
    rate = controls[STRETCH] / controls[DAMP]
    inharm = controls[INHARM]
    for m in range(count):
        k = bank[FREQ, m] / lowest
        freq = bank[FREQ, m] * ratio
        if inharm != 0.0:
            freq *= math.sqrt((1.0 + inharm * k * k) / (1.0 + inharm))
        if controls[DETUNE] != 0.0:
            freq *= 2.0 ** (controls[DETUNE] / 1200.0 * (2.0 * uniform_at(seed, m) - 1.0))
        decay = LN1000 / bank[T60, m] * rate + controls[RELEASE]
        radius = math.exp(-decay / sample_rate)
        angle = 2.0 * math.pi * freq / sample_rate
        pr = radius * math.cos(angle)
        pi = radius * math.sin(angle)
        modes[PR, m] = pr
        modes[PI, m] = pi
        for _ in range(5):  # TICK = 2^5
            pr, pi = pr * pr - pi * pi, 2.0 * pr * pi
        modes[QR, m] = pr
        modes[QI, m] = pi
        modes[AR, m] = bank[GAIN_RE, m] / sample_rate
        modes[AI, m] = bank[GAIN_IM, m] / sample_rate
        db = controls[BRIGHT] * math.log2(k)
        if m < vector.shape[0]:
            db += vector[m]
        modes[G1, m] = 2.0 ** (db * DB_TO_LOG2) if freq < 0.49 * sample_rate else 0.0


@kernel("float64(float64[:,::1], int64, float32[:,::1], float32[::1])", fastmath=True)
def ring_modes(modes: np.ndarray, count: int, work: np.ndarray, out: np.ndarray) -> float:
    """One whole tick of free ringing: `out[n] = Re Σ g z p^{n+1}`, then z ← z·p^TICK.

    Args:
        modes: [ROWS, M].
        count: modes in use.
        work: [4, M] float32 scratch.
        out: [TICK] float32, overwritten.

    Returns:
        Σ |g z| at the tick's end: no later sample is larger while the poles decay.
    """
    level = 0.0
    padded = (count + MODE_ALIGN - 1) // MODE_ALIGN * MODE_ALIGN
    for m in range(padded):
        zr, zi, g = modes[ZR, m], modes[ZI, m], modes[G0, m]
        work[0, m] = zr * g
        work[1, m] = zi * g
        work[2, m] = modes[PR, m]
        work[3, m] = modes[PI, m]
        qr, qi = modes[QR, m], modes[QI, m]
        zr, zi = zr * qr - zi * qi, zr * qi + zi * qr
        modes[ZR, m] = zr
        modes[ZI, m] = zi
        level += g * (abs(zr) + abs(zi))
    for n in range(TICK):
        total = np.float32(0.0)
        for m in range(padded):
            re = work[0, m] * work[2, m] - work[1, m] * work[3, m]
            im = work[0, m] * work[3, m] + work[1, m] * work[2, m]
            work[0, m] = re
            work[1, m] = im
            total += re
        out[n] = total
    return level


@kernel("float64(float64[:,::1], int64, float64[::1], int64, int64, float32[::1])", fastmath=True)
def drive_modes(
    modes: np.ndarray, count: int, drive: np.ndarray, first: int, last: int, out: np.ndarray
) -> float:
    """Frames first … last of a tick, driven, the output gain moving linearly from G0 to G1.

    `z ← z·p + a·drive[n]`, `out[n] = Re Σ g z`.

    Args:
        modes: [ROWS, M].
        count: modes in use.
        drive: [TICK] float64.
        first: frame of the tick to begin at.
        last: frame to end before.
        out: [TICK] float32; out[first:last] is overwritten.

    Returns:
        Σ |g z| at the end.
    """
    if last <= first:
        return 0.0
    step = 1.0 / (last - first)
    for n in range(first, last):
        t = (n + 1 - first) * step
        x = drive[n]
        total = 0.0
        for m in range(count):
            zr, zi = modes[ZR, m], modes[ZI, m]
            pr, pi = modes[PR, m], modes[PI, m]
            re = zr * pr - zi * pi + modes[AR, m] * x
            im = zr * pi + zi * pr + modes[AI, m] * x
            modes[ZR, m] = re
            modes[ZI, m] = im
            total += (modes[G0, m] + (modes[G1, m] - modes[G0, m]) * t) * re
        out[n] = total
    level = 0.0
    for m in range(count):
        modes[G0, m] = modes[G1, m]
        level += modes[G0, m] * (abs(modes[ZR, m]) + abs(modes[ZI, m]))
    return level


@kernel("void(float64[:,::1], int64, float64)")
def coast_modes(modes: np.ndarray, count: int, frames: float) -> None:
    """Let the modes ring for `frames` ≥ 0 at once, in closed form: `z ← z·p^frames`."""
    for m in range(count):
        pr, pi = modes[PR, m], modes[PI, m]
        size = math.exp(0.5 * math.log(pr * pr + pi * pi) * frames)
        angle = math.atan2(pi, pr) * frames
        c, s = size * math.cos(angle), size * math.sin(angle)
        zr, zi = modes[ZR, m], modes[ZI, m]
        modes[ZR, m] = zr * c - zi * s
        modes[ZI, m] = zr * s + zi * c


@kernel("void(float64[:,::1], int64, float64, float64)")
def open_modes(modes: np.ndarray, count: int, impulse: float, age: float) -> None:
    """The state `age` frames after an impulse, in closed form: `z = a·impulse·p^age`.

    Args:
        modes: [ROWS, M]; ZR, ZI and G0 are written.
        count: modes in use.
        impulse: height of the impulse.
        age: frames ≥ 0 since it.
    """
    for m in range(count):
        modes[ZR, m] = modes[AR, m] * impulse
        modes[ZI, m] = modes[AI, m] * impulse
        modes[G0, m] = modes[G1, m]
    coast_modes(modes, count, age)
