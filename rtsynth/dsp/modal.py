"""The modal bank: damped complex exponentials that ring, are driven and are bent. Thread: audio.

A voice's modes are the columns of `modes`, a [ROWS, M] float64 array. The state z is the value at
the last sample heard. Between edits a tick runs in float32 from the rounded state while the state
itself is advanced in float64 by p^TICK, so that rounding never accumulates beyond one tick: an
hour of ringing agrees with the closed form. The loops over the samples of a tick stand in
`rtsynth.dsp.lanes`.
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.lanes import bow_lanes, drive_lanes, glide_lanes, ring_lanes
from rtsynth.dsp.registers import AI, AR, G0, G1, NI, NR, PI, PR, ROWS, TICK, UI, UR, WI, WR, ZI, ZR

__all__ = [
    "MODE_ALIGN",
    "ROWS",
    "TICK",
    "bow_modes",
    "coast_modes",
    "drive_modes",
    "drive_tick",
    "glide_modes",
    "lift_bow",
    "open_modes",
    "padded_columns",
    "ring_modes",
    "set_bow",
]

MODE_ALIGN = 16
"""M is a multiple of this. Unused columns: zero in the bank, without a state in a voice."""


@kernel("int64(int64)")
def padded_columns(count: int) -> int:
    """Columns that so many modes fill."""
    return (count + MODE_ALIGN - 1) // MODE_ALIGN * MODE_ALIGN


@kernel("float64(float64[:,::1], int64, float32[::1])")
def ring_modes(modes: np.ndarray, count: int, out: np.ndarray) -> float:
    """One whole tick of free ringing: `out[n] = Re Σ g z p^{n+1}`, then z ← z·p^TICK.

    Args:
        modes: [ROWS, M].
        count: modes in use.
        out: [TICK] float32, overwritten.

    Returns:
        Σ |g z| at the tick's end: no later sample is larger while the poles decay.
    """
    return ring_lanes(modes, padded_columns(count), out)


@kernel("void(float32[:,::1], int64, int64, int64, float32[::1])", fastmath=True)
def _sum_turning(work: np.ndarray, padded: int, first: int, last: int, out: np.ndarray) -> None:
    """`out[n] = Re Σ g z` for n = first … last, every z turned by its pole, every g moved a step.

    Args:
        work: [6, M] float32: z, pole, g and the step of g; z and g are advanced.
        padded: columns in use.
        first: frame of the tick to begin at.
        last: frame to end before.
        out: [TICK] float32; out[first:last] is overwritten.
    """
    for n in range(first, last):
        total = np.float32(0.0)
        for m in range(padded):
            re = work[0, m] * work[2, m] - work[1, m] * work[3, m]
            im = work[0, m] * work[3, m] + work[1, m] * work[2, m]
            work[0, m] = re
            work[1, m] = im
            work[4, m] += work[5, m]
            total += re * work[4, m]
        out[n] = total


@kernel("float64(float64[:,::1], int64, float32[::1])")
def glide_modes(modes: np.ndarray, count: int, out: np.ndarray) -> float:
    """`ring_modes` while the output gain moves linearly from G0 to G1.

    Args:
        modes: [ROWS, M].
        count: modes in use.
        out: [TICK] float32, overwritten.

    Returns:
        Σ |g z| at the tick's end.
    """
    return glide_lanes(modes, padded_columns(count), out)


@kernel("float64(float64[:,::1], int64, float64[::1], float32[::1])")
def drive_tick(modes: np.ndarray, count: int, drive: np.ndarray, out: np.ndarray) -> float:
    """`drive_modes` over a whole tick: what a tick's drive adds to the state is made in float32.

    Args:
        modes: [ROWS, M].
        count: modes in use.
        drive: [TICK] float64.
        out: [TICK] float32, overwritten.

    Returns:
        Σ |g z| at the tick's end.
    """
    return drive_lanes(modes, padded_columns(count), drive, out)


@kernel("float64(float64[:,::1], int64, float64[::1], int64, int64, float32[::1])", fastmath=True)
def drive_modes(
    modes: np.ndarray, count: int, drive: np.ndarray, first: int, last: int, out: np.ndarray
) -> float:
    """Frames first … last of a tick, driven, while the output gain moves linearly from G0 to G1.

    `z ← z·p + a·drive[n]`, `out[n] = Re Σ g z`, in float64 throughout.

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


@kernel("void(float64[:,::1], int64)")
def set_bow(modes: np.ndarray, count: int) -> None:
    """Put the bow's phasors where they are one frame before the onset: u = 1 at the onset."""
    for m in range(count):
        modes[UR, m] = modes[NR, m]
        modes[UI, m] = -modes[NI, m]


@kernel("void(float64[:,::1], int64, int64)", fastmath=True)
def _turn_bow(modes: np.ndarray, padded: int, frames: int) -> None:
    """`u ← u·(p/|p|)^frames`, kept at length 1."""
    for m in range(padded):
        ur, ui, nr, ni = modes[UR, m], modes[UI, m], modes[NR, m], modes[NI, m]
        for bit in range(6):  # frames ≤ TICK = 2^5
            tr, ti = ur * nr - ui * ni, ur * ni + ui * nr
            turns = (frames >> bit) & 1
            ur, ui = (tr, ti) if turns else (ur, ui)
            nr, ni = nr * nr - ni * ni, 2.0 * nr * ni
        longer = 1.5 - 0.5 * (ur * ur + ui * ui)  # one step of Newton's towards length 1
        modes[UR, m] = ur * longer
        modes[UI, m] = ui * longer


@kernel(
    "void(float64[:,::1], int64, float64, int64, int64, float32[:,::1], float32[::1])",
    fastmath=True,
)
def bow_modes(
    modes: np.ndarray,
    count: int,
    height: float,
    first: int,
    last: int,
    work: np.ndarray,
    out: np.ndarray,
) -> None:
    """The bow's share of frames first … last of a tick, its height constant.

    A drive `(1 − |p|)·height·a·u` in phase with each mode makes of the state a share
    `w = height·a·u`, which turns without decay, and a rest that rings freely. The share sounds here
    and is taken out of the state; ring, glide or drive the rest, then `lift_bow`.

    Args:
        modes: [ROWS, M]; z becomes the rest, u and w are advanced to the end.
        count: modes in use.
        height: of the drive.
        first: frame of the tick to begin at.
        last: frame to end before.
        work: [6, M] float32 scratch.
        out: [TICK] float32; out[first:last] is overwritten.
    """
    frames = last - first
    padded = padded_columns(count)
    if frames == TICK:
        bow_lanes(modes, padded, height, out)
        return
    step = 1.0 / max(frames, 1)
    for m in range(padded):
        wr = height * (modes[AR, m] * modes[UR, m] - modes[AI, m] * modes[UI, m])
        wi = height * (modes[AR, m] * modes[UI, m] + modes[AI, m] * modes[UR, m])
        modes[ZR, m] -= wr
        modes[ZI, m] -= wi
        work[0, m] = wr
        work[1, m] = wi
        work[2, m] = modes[NR, m]
        work[3, m] = modes[NI, m]
        work[4, m] = modes[G0, m]
        work[5, m] = (modes[G1, m] - modes[G0, m]) * step
    _sum_turning(work, padded, first, last, out)
    _turn_bow(modes, padded, frames)
    for m in range(padded):
        modes[WR, m] = height * (modes[AR, m] * modes[UR, m] - modes[AI, m] * modes[UI, m])
        modes[WI, m] = height * (modes[AR, m] * modes[UI, m] + modes[AI, m] * modes[UR, m])


@kernel("float64(float64[:,::1], int64)", fastmath=True)
def lift_bow(modes: np.ndarray, count: int) -> float:
    """Give the bow's share back to the state; Σ |g z| of it."""
    level = 0.0
    for m in range(padded_columns(count)):
        modes[ZR, m] += modes[WR, m]
        modes[ZI, m] += modes[WI, m]
        level += modes[G0, m] * (abs(modes[WR, m]) + abs(modes[WI, m]))
    return level
