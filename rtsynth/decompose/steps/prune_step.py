"""Step 6: what is needless goes; what stays gets its level, and gains per mode where they pay.

Thread: worker.
"""

from rtsynth.decompose.offset import give_offsets
from rtsynth.decompose.prune import lift_gains
from rtsynth.decompose.steps.draft_step import fit_of
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["prune"]


def prune(task: Task, state: State) -> None:
    """Lift gains that least squares turned down, then learn the strikes' offsets."""
    task.progress.begin("prune", 1)
    if state.drums:  # their gains are those of copies, and they have few modes to offset
        task.progress.advance()
        return
    fit = fit_of(task, state)
    lift_gains(fit)
    if task.recipe.offsets:
        give_offsets(fit)
    task.progress.advance()
