"""Step 3: which modes belong together, and which onsets brought the same. Thread: worker."""

from rtsynth.decompose.grouping import group
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["group_takes"]


def group_takes(task: Task, state: State) -> None:
    """Fill in `groups`."""
    task.progress.begin("groups", 1)
    state.groups = group(state.takes, task.recipe.resonances)
    task.progress.advance()
