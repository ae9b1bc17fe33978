"""Short real sounds with their scores, as the decomposition leaves them: not fitted yet.

Of 32 modes each: what the ablations compare, and sooner fitted than 128.
"""

import copy
import dataclasses
import functools

import numpy as np

from rtsynth.decompose import Decomposition, Recipe, Recording, decompose_file
from rtsynth.events import EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.presets import find_shipped


@functools.cache
def _taken_apart(name: str) -> Decomposition:
    return decompose_file(find_shipped(f"audio/{name}.flac"), recipe=Recipe(modes=32))


def a_clip(name: str = "tabla", seconds: float = 1.5) -> tuple[Recording, Score, Instrument]:
    """The beginning of a shipped recording, the events in it, the instrument of the whole."""
    found = _taken_apart(name)
    frames = found.recording.frames[: round(seconds * found.recording.sample_rate)]
    events = [e for e in found.score.table if e.onset_s < seconds - 0.05]
    score = dataclasses.replace(found.score, table=EventTable(events), seconds=seconds)
    recording = dataclasses.replace(found.recording, frames=np.ascontiguousarray(frames))
    return recording, score, copy.deepcopy(found.instrument)
