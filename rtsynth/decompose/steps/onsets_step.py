"""Step 1: when something starts. Thread: worker."""

from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["seek_onsets"]


def seek_onsets(task: Task, state: State) -> None:
    """Fill in `onsets`, and `played` where the notes are known.

    They are those of the notes, where these are known. Else they are sought in the sound as
    recorded: a tail that was taken away imperfectly is no onset.
    """
    task.progress.begin("onsets", 1)
    if task.played is not None:
        state.onsets, state.played = task.played.onsets, task.played
        task.progress.advance()
        return
    found = find_onsets(task.heard, task.sample_rate, task.recipe.onset_threshold)
    state.onsets = found[found >= task.owned[0]]
    task.progress.advance()
    task.progress.tell(onsets=len(state.onsets))
