"""A note held for longer than it was: its curves go back over its last vibrato. Thread: worker."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.instrument import CONTROLS

__all__ = ["going_on"]

SHORTEST_S, LONGEST_S = 0.15, 1.5  # of what is gone over again
MATCH_S, MARGIN_S = 0.12, 0.06
STEPS = {"bend": 0.03, "bow": 0.25}  # what counts as one step of difference


def going_on(
    controls: Float, held: int, points: int, step_s: float, *, loops: bool
) -> NDArray[np.intp]:
    """[points] for each point of age, which measured point stands for it.

    Args:
        controls: [measured, 38 or 54] in the order of `CONTROLS`.
        held: measured points before the note is let go.
        points: wanted.
        step_s: seconds from point to point.
        loops: whether a vibrato is gone over again; otherwise the last point stays.
    """
    index = np.arange(points)
    match, margin = round(MATCH_S / step_s), round(MARGIN_S / step_s)
    end = held - margin
    shortest = round(SHORTEST_S / step_s)
    longest = min(round(LONGEST_S / step_s), end // 2 - match)
    if not loops or longest <= shortest:
        return np.minimum(index, (held if loops else len(controls)) - 1)
    shape = np.stack([controls[:end, CONTROLS.index(n)] / step for n, step in STEPS.items()])
    last = shape[:, end - match :]
    lags = range(shortest, longest)
    misfit = [
        float(np.mean(np.abs(last - shape[:, end - match - lag : end - lag]))) for lag in lags
    ]
    lag = lags[int(np.argmin(misfit))]
    return np.where(index < end, index, end - lag + (index - end) % lag)
