"""Where a long recording is cut: at the quietest places, so that cuts fall before onsets.

Thread: worker.
"""

import dataclasses
import itertools

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.panning import mid_weights
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording

__all__ = ["Segment", "cut_segments"]

LEAD_S = 0.25  # what sounds before the first onset is needed to tell what is new
TRAIL_S = 2.0  # seen beyond the end, so that the last notes are known as well as the others
STEP_S = 0.01
SMOOTH_STEPS = 5
SHORTEST, LONGEST = 0.75, 1.25  # of the wanted length; what is left at the end may be 0.5 … 1.5


@dataclasses.dataclass(frozen=True)
class Segment:
    """A stretch of a recording that is analysed at once.

    Attributes:
        first: frame of the recording at which its onsets begin to count.
        last: one past the last such frame.
        begin: first frame that is looked at.
        end: one past the last frame that is looked at.
    """

    first: int
    last: int
    begin: int
    end: int


def cut_segments(recording: Recording, recipe: Recipe) -> list[Segment]:
    """Segments in order; together they own every frame once.

    Args:
        recording: not empty.
        recipe: its `whole_s` and `segment_s` say how long they are.
    """
    rate, length = recording.sample_rate, len(recording.frames)
    if recording.seconds <= recipe.whole_s:
        return [Segment(0, length, 0, length)]
    cuts = [0]
    wanted = recipe.segment_s * rate
    while length - cuts[-1] > 1.5 * wanted:
        near, far = (cuts[-1] + round(share * wanted) for share in (SHORTEST, LONGEST))
        far = min(far, length - round(0.5 * wanted))
        cuts.append(near + _quietest(recording, near, far))
    cuts.append(length)
    lead, trail = round(LEAD_S * rate), round(TRAIL_S * rate)
    return [
        Segment(first, last, max(0, first - lead), min(length, last + trail))
        for first, last in itertools.pairwise(cuts)
    ]


def _quietest(recording: Recording, near: int, far: int) -> int:
    """Frames after `near` at which 50 ms of sound are quietest."""
    step = max(1, round(STEP_S * recording.sample_rate))
    weights = mid_weights(recording.frames[near:far])
    signal: Float = recording.frames[near:far].astype(float) @ weights
    power = (signal[: len(signal) // step * step] ** 2).reshape(-1, step).mean(axis=1)
    level = np.convolve(power, np.ones(SMOOTH_STEPS) / SMOOTH_STEPS, "valid")
    return (int(np.argmin(level)) + SMOOTH_STEPS // 2) * step
