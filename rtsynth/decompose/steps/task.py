"""What a step works on: the sound, the recipe, and somebody to tell. Thread: worker."""

import dataclasses
from collections.abc import Callable

from rtsynth.decompose.damped import Float
from rtsynth.decompose.progress import Progress, Silent
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.steps.state import State

__all__ = ["Step", "Task"]


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
        progress: told what goes on.
    """

    frames: Float
    heard: Float
    signal: Float
    sample_rate: float
    recipe: Recipe
    owned: tuple[int, int]
    progress: Progress = dataclasses.field(default_factory=Silent)


Step = Callable[[Task, State], None]
"""Changes a state in place."""
