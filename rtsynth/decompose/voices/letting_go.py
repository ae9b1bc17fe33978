"""When a note of several is let go, and how it dies away, though a window blurs what is seen.

Thread: any.
"""

import functools

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.units import LN1000

__all__ = ["fit_letting_go"]

BLUR_S = 0.08
BEFORE_S, SETTLED_S = 0.4, 0.04  # of its level looked at before its end, at least before it falls
EARLIEST, LATEST_S, EVERY_S = 0.5, 0.16, 0.008  # of its time, and after its end; from try to try
T60S_S = (0.05, 0.07, 0.1, 0.15, 0.22, 0.32, 0.45, 0.65, 0.9)
SEEN_DB, MOST_DB = 30.0, 12.0  # below the loudest; that one point may be off
CLEAR = 0.7  # of the misfit without an end
ROUGH_T60_S = 0.12  # where none is seen


def fit_letting_go(total: Float, held: int) -> tuple[int, float]:
    """Points held, and the T60 in seconds after them.

    Args:
        total: [points] level from the onset on, every `STEP_S`, through a Hann window of 80 ms.
        held: points until the note is roughly let go.
    """
    loudest = float(total.max())
    first = max(0, held - round(BEFORE_S / STEP_S))
    seen_db = _db(total[first:], loudest)
    time = np.arange(len(seen_db)) * STEP_S
    before = time < (held - first) * STEP_S
    if len(seen_db) < 4 or np.count_nonzero(before) < 4:
        return held, ROUGH_T60_S
    # what its level does while it is held goes on
    straight = np.stack([np.ones(len(time)), time], axis=1)
    best, found = CLEAR * _misfit(seen_db, np.zeros(len(time)), straight), (held, ROUGH_T60_S)
    earliest = max(round(EARLIEST * held), first + round(SETTLED_S / STEP_S))
    latest = min(held + round(LATEST_S / STEP_S), len(total) - 2)
    for t60_s in T60S_S:
        fall_db = _fall(t60_s, len(total))
        for point in range(earliest, latest, round(EVERY_S / STEP_S)):
            shape = fall_db[len(total) - point + first :][: len(time)]
            misfit = _misfit(seen_db, shape, straight)
            if misfit < best:
                best, found = misfit, (point, t60_s)
    return found


def _db(level: Float, loudest: float) -> Float:
    floor = loudest * 10.0 ** (-SEEN_DB / 20.0)
    decibels: Float = 20.0 * np.log10(np.maximum(level, floor) / loudest)
    return decibels


@functools.lru_cache(maxsize=64)
def _fall(t60_s: float, points: int) -> Float:
    """[2·points] decibels of a level that falls from point `points` on, as the window blurs it."""
    age_s = STEP_S * np.maximum(np.arange(-points, points + 1), 0)
    half = round(BLUR_S / STEP_S / 2)
    window = np.hanning(2 * half + 1)[1:-1]
    level = np.pad(np.exp(-LN1000 * age_s / t60_s), half, mode="edge")
    blurred = np.convolve(level, window / window.sum(), "same")[half:-half]
    return 20.0 * np.log10(np.maximum(blurred, 1e-6))


def _misfit(seen_db: Float, shape_db: Float, straight: Float) -> float:
    """Mean difference in dB between what is seen and a straight line that falls by a shape."""
    flat = shape_db > -3.0
    line = straight[flat] if np.count_nonzero(flat) > 2 else straight
    wanted = (seen_db - shape_db)[flat] if np.count_nonzero(flat) > 2 else seen_db - shape_db
    solved = np.linalg.lstsq(line, wanted, rcond=None)[0]
    made = np.maximum(straight @ solved + shape_db, -SEEN_DB)
    return float(np.mean(np.minimum(np.abs(made - seen_db), MOST_DB)))
