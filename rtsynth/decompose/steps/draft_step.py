"""Step 4: a first bank and the strikes that choose from it. Thread: worker."""

import dataclasses

from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["frozen_resonances", "make_draft"]


def make_draft(task: Task, state: State) -> None:
    """Fill in `draft`: a strike for each member of each take, a resonance for each template.

    A template that the bank knows is the bank's resonance, which the fit leaves as it is.
    """
    groups = state.groups
    strikes = [
        Strike(take.onset, index, gain, seen_gain=gain)
        for take, members in zip(state.takes, groups.members, strict=True)
        for index, gain in members.items()
    ]
    resonances = [
        dataclasses.replace(task.bank[known].resonance)
        if known >= 0
        else Resonance(modes, pitch_hz=pitch)
        for modes, pitch, known in zip(groups.modes, groups.pitches_hz, state.known, strict=True)
    ]
    state.draft = Draft(task.sample_rate, state.length, strikes, resonances)
    task.progress.tell(events=len(strikes), resonances=len(resonances))


def frozen_resonances(state: State) -> frozenset[int]:
    """Those of the draft that the bank has learned before."""
    return frozenset(index for index, known in enumerate(state.known) if known >= 0)
