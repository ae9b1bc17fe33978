"""Grains: what an audio thread and a render worker have to agree on. Thread: audio, worker.

A grain covers two hops under a window whose halves add to 1, so that a grain which is missing is
faded out by the one before it and faded in by the one after it.

A voice's modes bend alike, so that from a base state (z before a frame) any later state follows
from three sums over the frames since: `z_m = base_m · exp(−d_m·aged − lost + j·w_m·turned)`, d_m
being ln(1000) / (t60_m · rate) and w_m the angle per frame of the mode as it is tuned. A bow adds
`e_m · a_m · u_m`: the phasor u_m turns with the mode, the amplitude e_m starts at 0 with the base
and approaches the bow's height with the mode's own decay.
"""

import math

import numpy as np

from rtsynth.dsp.bend import GAIN_IM, GAIN_RE, OCTAVE, T60
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.elementary import exp
from rtsynth.dsp.modal import (
    TICK,
)
from rtsynth.dsp.registers import AI, AR, PI, PR, UI, UR, ZI, ZR

__all__ = [
    "AGED",
    "BRIGHT",
    "BRIGHT_BEFORE",
    "COLUMNS",
    "FALL",
    "HEIGHT",
    "HOP",
    "HOP_TICKS",
    "LET",
    "LET_FROM",
    "LOST",
    "POSITION",
    "RATIO",
    "SPEED",
    "TURNED",
    "build_bow",
    "grain_halves",
    "place_bow",
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
    HEIGHT,  # of the bow's drive
) = range(12)
COLUMNS = 12
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


@kernel("void(float64[:,::1], int64, float64[:,::1], float64)")
def place_bow(modes: np.ndarray, count: int, bow: np.ndarray, turned: float) -> None:
    """Add what a bow has built up, and set its phasors; after `place_modes`.

    Args:
        modes: [ROWS, M]; PR and PI hold the poles as tuned but not bent.
        count: modes in use.
        bow: [3, M] phasor at the base, real and imaginary part, and amplitude now.
        turned: Σ ratio, frames.
    """
    for m in range(count):
        angle = math.atan2(modes[PI, m], modes[PR, m]) * turned
        c, s = math.cos(angle), math.sin(angle)
        ur, ui = bow[0, m] * c - bow[1, m] * s, bow[0, m] * s + bow[1, m] * c
        modes[UR, m] = ur
        modes[UI, m] = ui
        modes[ZR, m] += bow[2, m] * (modes[AR, m] * ur - modes[AI, m] * ui)
        modes[ZI, m] += bow[2, m] * (modes[AR, m] * ui + modes[AI, m] * ur)


@kernel("void(float32[:,::1], int64, float64, float64, float64[:,::1])", fastmath=True)
def build_bow(bank: np.ndarray, count: int, fallen: float, height: float, bow: np.ndarray) -> None:
    """Advance what a bow has built up, its height constant.

    Args:
        bank: [5, M] of the resonance.
        count: modes in use.
        fallen: Σ fall meanwhile, seconds.
        height: of the drive.
        bow: [3, M]; row 2 is advanced.
    """
    for m in range(count):
        kept = exp(max(-LN1000 / bank[T60, m] * fallen, -40.0))
        bow[2, m] = height + (bow[2, m] - height) * kept
