"""Step 6: two events that are one are merged, one that is two is split.

What stays gets its level, and gains per mode where they pay. Thread: worker.
"""

from rtsynth.decompose.offset import give_offsets
from rtsynth.decompose.prune import lift_gains
from rtsynth.decompose.regroup import regroup
from rtsynth.decompose.steps.draft_step import fit_of
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["prune"]


def prune(task: Task, state: State) -> None:
    """Merge and split, lift gains that least squares turned down, learn the strikes' offsets.

    Where the notes are known, nothing is merged or split.
    """
    task.progress.begin("prune", 1)
    if state.drums:  # their gains are those of copies, and they have few modes to offset
        task.progress.advance()
        return
    fit = fit_of(task, state)
    merged, split = regroup(fit) if task.played is None else (0, 0)
    members = state.groups.members
    had = {index for group in members for index, share in group.items() if share > 0.0}
    state.show(strike for strike in state.draft.strikes if strike.resonance not in had)
    task.progress.tell(events=len(state.draft.strikes), merged=merged, split=split)
    lift_gains(fit)
    if task.recipe.offsets:
        give_offsets(fit)
    task.progress.advance()
