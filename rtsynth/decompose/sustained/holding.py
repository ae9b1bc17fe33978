"""From where to where a note sounds, whether something holds it, when it is let go.

All work on the level of the note, its partials' amplitudes added as powers, every `step_s`.
Thread: worker.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d

from rtsynth.decompose.damped import Float

__all__ = ["falls", "find_end", "fit_release"]

ONSET_DB, END_DB = 35.0, 50.0  # below the loudest: where the note begins, and is gone
BEFORE_S = 0.008
PEAK_S, FALL_DB = 0.15, 5.0  # loudest so early, and so much weaker half way: struck
SETTLED_S = 0.15
LEAST_FALL_DB_S, STEEPER = 60.0, 2.0  # a release falls so fast, and so much faster than the note
CLEAR = 0.7  # of the misfit without a break
AFTER_S = 0.03
SEEN_DB = 32.0  # below the loudest a release is noise already


def find_end(total: Float, step_s: float) -> tuple[int, int]:
    """First point of the note, and the point after its last.

    Args:
        total: [points] level, linear.
        step_s: seconds from point to point.
    """
    loudest = float(total.max())
    loud = np.flatnonzero(total > loudest * 10.0 ** (-ONSET_DB / 20.0))
    heard = np.flatnonzero(total > loudest * 10.0 ** (-END_DB / 20.0))
    return max(0, int(loud[0]) - round(BEFORE_S / step_s)), int(heard[-1]) + 1


def falls(total: Float, step_s: float) -> bool:
    """Whether the note dies away from its beginning on, as one that is struck."""
    smooth = uniform_filter1d(total, max(1, round(0.05 / step_s)), mode="nearest")
    half = smooth[len(smooth) // 2]
    early = int(np.argmax(smooth)) * step_s < PEAK_S + 0.05 * len(smooth) * step_s
    return early and float(half) < float(smooth.max()) * 10.0 ** (-FALL_DB / 20.0)


def fit_release(total: Float, step_s: float) -> tuple[int, float | None]:
    """Points held, and the T60 in seconds after them, None where the note is never let go.

    Two straight lines that meet are fitted to the level in dB, the second the steeper.

    Args:
        total: [points] level from the onset on, linear.
        step_s: seconds from point to point.
    """
    count = int(np.flatnonzero(total > float(total.max()) * 10.0 ** (-SEEN_DB / 20.0))[-1]) + 1
    level: Float = 20.0 * np.log10(np.maximum(total[:count], 1e-4 * float(total.max())))
    first = round(SETTLED_S / step_s)
    after = round(AFTER_S / step_s)
    time = np.linspace(0.0, (count - 1) * step_s, count)
    if count < first + 4 * after:
        return len(total), None
    best, found = CLEAR * _misfit(level[first:], time[first:], None)[0], (len(total), None)
    result: tuple[int, float | None] = found
    for point in range(first + after, count - after):
        cost, slopes = _misfit(level[first:], time[first:], time[point])
        steep = -slopes[1] > max(LEAST_FALL_DB_S, -STEEPER * slopes[0])
        if cost < best and steep:
            best, result = cost, (point, 60.0 / -slopes[1])
    return result


def _misfit(level: Float, time: Float, bend_s: float | None) -> tuple[float, tuple[float, float]]:
    """Sum of squares left, and the slopes in dB/s before and after the bend."""
    columns = [np.ones(len(time)), time]
    if bend_s is not None:
        columns.append(np.maximum(time - bend_s, 0.0))
    design = np.stack(columns, axis=1)
    solved = np.linalg.lstsq(design, level, rcond=None)[0]
    left = level - design @ solved
    before = float(solved[1])
    return float(left @ left), (before, before + float(solved[2]) if bend_s is not None else before)
