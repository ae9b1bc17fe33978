"""A score as sound, by the engine: what is measured is what is played. Thread: worker."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.events import Score
from rtsynth.instrument import Instrument
from rtsynth.render import render_score

__all__ = ["sound_of"]


def sound_of(
    score: Score, instrument: Instrument, sample_rate: int, frames: int
) -> NDArray[np.float64]:
    """[frames, channels] of a score; what is missing at its end is silence."""
    sound = render_score(score, instrument, sample_rate=sample_rate)
    out = np.zeros((frames, score.channels))
    count = min(frames, len(sound))
    out[:count] = sound[:count]
    return out
