"""Grains: what an audio thread and a render worker have to agree on. Thread: audio, worker.

A grain covers two hops under a window whose halves add to 1, so that a grain which is missing is
faded out by the one before it and faded in by the one after it.

A voice's modes bend alike, so that from a base state (z before a frame) any later state follows
from three sums over the frames since: `z_m = base_m · exp(−d_m·aged − lost + j·w_m·turned)`, d_m
being ln(1000) / (t60_m · rate) and w_m the angle per frame of the mode as it is tuned.
"""

import math

import numpy as np

from rtsynth.dsp.bend import GAIN_IM, GAIN_RE, OCTAVE, T60
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.modal import PI, PR, TICK, ZI, ZR

__all__ = [
    "AGED",
    "BRIGHT",
    "BRIGHT_BEFORE",
    "COLUMNS",
    "FALL",
    "HOP",
    "HOP_TICKS",
    "LET",
    "LET_FROM",
    "LOST",
    "POSITION",
    "RATIO",
    "SPEED",
    "TURNED",
    "grain_halves",
    "place_modes",
    "ring_bound",
    "strike_base",
]

HOP = 256
"""Frames from one grain to the next; a grain is twice as long."""

HOP_TICKS = HOP // TICK

(
    TURNED,  # Σ ratio before the tick …
    RATIO,  # … and of each of its frames
    AGED,  # Σ fall before the tick …
    FALL,  # … and of each of its frames
    LOST,  # nepers lost to the release before the tick …
    LET,  # … and per frame …
    LET_FROM,  # … from this frame of the tick on
    BRIGHT_BEFORE,  # dB/octave at the last tick's end
    BRIGHT,  # and at this one's
    POSITION,  # samples of the attack at the tick's frame 0 …
    SPEED,  # … and per frame
) = range(11)
COLUMNS = 11
"""What a tick of a voice is, in a row of float64."""

LN1000 = math.log(1000.0)
DB_TO_NEPER = math.log(10.0) / 20.0


def grain_halves() -> np.ndarray:
    """[2·HOP] float32 window, sin²; its halves add to 1. Thread: main."""
    n = np.arange(2 * HOP) + 0.5
    return (np.sin(np.pi * n / (2 * HOP)) ** 2).astype(np.float32)


@kernel("void(float64[:,::1], int64, float64[:,::1], float64, float64, float64)")
def place_modes(
    modes: np.ndarray, count: int, base: np.ndarray, turned: float, aged: float, lost: float
) -> None:
    """The state that a base has come to.

    Args:
        modes: [ROWS, M]; PR and PI hold the poles as tuned but not bent, ZR and ZI are written.
        count: modes in use.
        base: [2, M] real and imaginary part.
        turned: Σ ratio, frames.
        aged: Σ fall, frames.
        lost: nepers.
    """
    for m in range(count):
        pr, pi = modes[PR, m], modes[PI, m]
        size = math.exp(0.5 * math.log(pr * pr + pi * pi) * aged - lost)
        angle = math.atan2(pi, pr) * turned
        c, s = size * math.cos(angle), size * math.sin(angle)
        modes[ZR, m] = base[0, m] * c - base[1, m] * s
        modes[ZI, m] = base[0, m] * s + base[1, m] * c


@kernel("void(float32[:,::1], int64, float64, float64[:,::1])")
def strike_base(bank: np.ndarray, count: int, height: float, base: np.ndarray) -> None:
    """The state that an impulse leaves at its frame, into base [2, M]; `height` re sample rate."""
    for m in range(count):
        base[0, m] = bank[GAIN_RE, m] * height
        base[1, m] = bank[GAIN_IM, m] * height


@kernel(
    "float64(float32[:,::1], int64, float64[:,::1], float32[::1], float64, float64, float64)",
    fastmath=True,
)
def ring_bound(
    bank: np.ndarray,
    count: int,
    base: np.ndarray,
    gain_db: np.ndarray,
    bright: float,
    aged: float,
    lost: float,
) -> float:
    """Σ |g z|: no later sample is larger while the poles decay.

    Args:
        bank: [5, M] of the resonance.
        count: modes in use.
        base: [2, M].
        gain_db: [≥ count].
        bright: dB/octave.
        aged: Σ fall, seconds.
        lost: nepers.
    """
    total = 0.0
    for m in range(count):
        neper = (bright * bank[OCTAVE, m] + gain_db[m]) * DB_TO_NEPER - LN1000 / bank[T60, m] * aged
        size = abs(base[0, m]) + abs(base[1, m])
        total += size * math.exp(min(max(neper - lost, -80.0), 40.0))
    return total
