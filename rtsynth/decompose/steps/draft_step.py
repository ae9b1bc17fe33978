"""Step 4: a first bank and the strikes that choose from it. Thread: worker."""

from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["make_draft"]


def make_draft(task: Task, state: State) -> None:
    """Fill in `draft`: a strike for each member of each take, a resonance for each template."""
    groups = state.groups
    strikes = [
        Strike(take.onset, index, gain, seen_gain=gain)
        for take, members in zip(state.takes, groups.members, strict=True)
        for index, gain in members.items()
    ]
    resonances = [
        Resonance(modes, pitch_hz=pitch)
        for modes, pitch in zip(groups.modes, groups.pitches_hz, strict=True)
    ]
    state.draft = Draft(task.sample_rate, state.length, strikes, resonances)
    task.progress.tell(events=len(strikes), resonances=len(resonances))
