"""What a step works on: the sound, the recipe, and somebody to tell. Thread: worker."""

import dataclasses
from collections.abc import Callable

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Resonance
from rtsynth.decompose.grouping import Take
from rtsynth.decompose.keys.played import Played
from rtsynth.decompose.progress import Progress, Silent
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.steps.state import State

__all__ = ["Known", "Step", "Task"]


@dataclasses.dataclass(frozen=True)
class Known:
    """A resonance that earlier segments of the recording have learned.

    Attributes:
        resonance: as learned.
        take: the onset it shows itself best at.
    """

    resonance: Resonance
    take: Take


@dataclasses.dataclass(frozen=True)
class Task:
    """What the steps work on and never change.

    Attributes:
        frames: [frames, 1 or 2] the sound as recorded.
        heard: [frames] its one channel that is analysed.
        signal: [frames] the same without what earlier segments' events still ring in it.
        sample_rate: Hz.
        recipe: settings.
        owned: first and one past the last frame whose onsets belong to this segment.
        bank: what earlier segments have learned.
        played: the notes of the segment, if somebody said them: then no others are sought.
        workers: threads that may work at once; the result does not depend on it.
        progress: told what goes on.
    """

    frames: Float
    heard: Float
    signal: Float
    sample_rate: float
    recipe: Recipe
    owned: tuple[int, int]
    bank: tuple[Known, ...] = ()
    played: Played | None = None
    workers: int = 1
    progress: Progress = dataclasses.field(default_factory=Silent)


Step = Callable[[Task, State], None]
"""Changes a state in place."""
