"""Where one texture gives way to another: the likeliest cuts of the bands' levels. Thread: worker.

Power of noise in a band is about exponentially distributed, so a piece of n frames with mean power
m costs n·log m nats per band; the cut that saves most is a change if the bands' mean levels differ
much more across it than within either side (binary segmentation: Scott & Knott 1974).
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.texture.statistics import HOP, WINDOW, band_levels, bands_below

__all__ = ["find_changes"]

SHORTEST_S = 1.5  # a texture is not told by less
CHANGED_DB = 4.0  # RMS over the bands
WITHIN = 2.0  # times the change within either side; a texture that moves is one texture
FLOOR = 1e-12


def find_changes(signal: Float, sample_rate: float) -> list[int]:
    """Samples at which the texture changes, ascending; none where it does not.

    Args:
        signal: [samples] of one channel.
        sample_rate: Hz.
    """
    if len(signal) < WINDOW:
        return []
    power = band_levels(signal, sample_rate)[:, : bands_below(sample_rate)] + FLOOR
    shortest = max(2, round(SHORTEST_S * sample_rate / HOP))
    cuts = _changes(power, 0, len(power), shortest)
    return [cut * HOP + (WINDOW - HOP) // 2 for cut in cuts]


def _changes(power: Float, first: int, last: int, shortest: int) -> list[int]:
    """Frames between first and last at which the levels change."""
    cut = _likeliest(power[first:last], shortest)
    if cut == 0 or not _changed(power[first : first + cut], power[first + cut : last]):
        return []
    cut += first
    before, after = (_changes(power, *span, shortest) for span in ((first, cut), (cut, last)))
    return [*before, cut, *after]


def _likeliest(power: Float, shortest: int) -> int:
    """The cut into two pieces that saves most; 0 if both cannot be long enough."""
    count = len(power)
    if count < 2 * shortest:
        return 0
    total = np.cumsum(power, axis=0)
    cuts = np.arange(shortest, count - shortest + 1)
    before = total[cuts - 1] / cuts[:, None]
    after = (total[-1] - total[cuts - 1]) / (count - cuts)[:, None]
    costs = cuts * np.log(before).sum(axis=1) + (count - cuts) * np.log(after).sum(axis=1)
    return int(cuts[int(np.argmin(costs))])


def _changed(before: Float, after: Float) -> bool:
    across = _apart(before, after)
    within = max(_apart(*np.array_split(side, 2)) for side in (before, after))
    return across >= CHANGED_DB and across >= WITHIN * within


def _apart(one: Float, other: Float) -> float:
    """RMS over the bands of how far the mean levels of two pieces differ, in dB."""
    off = 10.0 * np.log10(one.mean(axis=0) / other.mean(axis=0))
    return float(np.sqrt(np.mean(off**2)))
