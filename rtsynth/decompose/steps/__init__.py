"""The pipeline's steps in their order; each can be run, tested and pictured alone. Thread: worker.

A step is a function `step(task, state)`: it reads the task (sound, recipe), changes the state in
place and tells its progress. A state can be saved after any step and taken up again.
"""

from collections.abc import Callable

from threadpoolctl import threadpool_limits

from rtsynth.decompose.steps.draft_step import make_draft
from rtsynth.decompose.steps.fit_step import fit_draft
from rtsynth.decompose.steps.groups_step import group_takes
from rtsynth.decompose.steps.onsets_step import seek_onsets
from rtsynth.decompose.steps.prune_step import prune
from rtsynth.decompose.steps.rest_step import explain_rest
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.state_file import load_state, save_state
from rtsynth.decompose.steps.takes_step import seek_modes
from rtsynth.decompose.steps.task import Known, Step, Task

__all__ = ["STEPS", "Known", "State", "Step", "Task", "load_state", "run_steps", "save_state"]

STEPS: dict[str, Step] = {
    "onsets": seek_onsets,
    "takes": seek_modes,
    "groups": group_takes,
    "draft": make_draft,
    "fit": fit_draft,
    "prune": prune,
    "rest": explain_rest,
}
"""Name and function of every step, in order."""


def run_steps(
    task: Task,
    state: State,
    until: str = "rest",
    keep: Callable[[State], object] = lambda state: None,
) -> State:
    """Run what `state` has not been through yet, up to and including the step `until`.

    Args:
        task: what to work on.
        state: a new one, or one taken up again; changed in place and returned.
        until: name of a step.
        keep: called after every step.
    """
    names = list(STEPS)
    first = names.index(state.done) + 1 if state.done else 0
    # their matrices are small: a second BLAS thread only waits, and waits badly on a busy machine
    with threadpool_limits(limits=1, user_api="blas"):
        for name in names[first : names.index(until) + 1]:
            STEPS[name](task, state)
            state.done = name
            keep(state)
    return state
