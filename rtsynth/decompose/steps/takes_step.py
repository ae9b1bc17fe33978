"""Step 2: which modes each onset brought. Thread: worker."""

from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task
from rtsynth.decompose.takes import take_onsets

__all__ = ["seek_modes"]


def seek_modes(task: Task, state: State) -> None:
    """Fill in `takes`, one per onset."""
    task.progress.begin("takes", len(state.onsets))
    state.takes = take_onsets(
        task.signal,
        task.sample_rate,
        state.onsets,
        task.recipe.first_modes,
        task.progress.advance,
        task.workers,
        task.recipe.way,
    )
