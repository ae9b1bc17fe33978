"""Where noise sounds: its stretches, cut where it falls far and rises again. Thread: any."""

import numpy as np
from scipy.ndimage import binary_closing, gaussian_filter1d
from scipy.signal import find_peaks

from rtsynth.decompose.damped import Float

__all__ = ["find_stretches"]

HEARD_DB = 80.0  # below the loudest moment
SMOOTHING_S = 0.02  # noise's own level changes by 1 dB within as much
VALLEY_DB = 12.0  # less is one sound that moves
RISEN_DB = 3.0  # above a valley the next sound has begun
SHORTEST_S = 0.04


def find_stretches(
    power: Float, step_s: float, cuts: list[int] | None = None
) -> list[tuple[int, int]]:
    """First and last points of each stretch, ascending; what lies between two is silence.

    Args:
        power: [points], every `step_s`, of all that sounds.
        step_s: seconds.
        cuts: points at which a stretch ends in any case, ascending.

    Returns:
        the last point is the one after a stretch; none for silence.
    """
    loudest = float(power.max(initial=0.0))
    if loudest <= 0.0:
        return []
    smooth = gaussian_filter1d(power, SMOOTHING_S / step_s)
    level_db = 10.0 * np.log10(np.maximum(smooth / loudest, 10.0 ** (-HEARD_DB / 10.0)))
    valleys = [_rise(level_db, v) for v in find_peaks(-level_db, prominence=VALLEY_DB)[0].tolist()]
    shortest = round(SHORTEST_S / step_s)
    heard = power > loudest * 10.0 ** (-HEARD_DB / 10.0)
    heard = binary_closing(np.pad(heard, shortest), np.ones(shortest))[shortest:-shortest]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], heard.astype(np.int8), [0]])))
    found = []
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        found += _parted(first, last, sorted([*valleys, *(cuts or [])]), shortest)
    return found


def _rise(level_db: Float, valley: int) -> int:
    """The point after a valley at which it rises again: what comes next begins there."""
    above = level_db[valley:] > level_db[valley] + RISEN_DB
    return valley + int(np.argmax(above))


def _parted(first: int, last: int, cuts: list[int], shortest: int) -> list[tuple[int, int]]:
    """One run of what is heard, parted at those cuts that leave long enough parts."""
    if last - first < shortest:
        return []
    parts = []
    for cut in cuts:
        if cut - first >= shortest and last - cut >= shortest:
            parts.append((first, cut))
            first = cut
    return [*parts, (first, last)]
