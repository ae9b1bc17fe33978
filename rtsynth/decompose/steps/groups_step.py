"""Step 3: which modes belong together, and which onsets brought the same.

What earlier segments have learned takes part as onsets do, so that a key struck again is the same
resonance, by the same measure. Thread: worker.
"""

from rtsynth.decompose.grouping import group
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["group_takes"]


def group_takes(task: Task, state: State) -> None:
    """Fill in `groups` and `known`."""
    task.progress.begin("groups", 1)
    offered = [known.take for known in task.bank]
    groups = group([*offered, *state.takes], max(task.recipe.resonances, len(offered) + 1))
    state.known = _known(groups.members[: len(offered)], len(groups.modes))
    groups.members = groups.members[len(offered) :]
    state.groups = groups
    task.progress.advance()


def _known(offered: list[dict[int, float]], count: int) -> list[int]:
    """For each of `count` templates, the offered take that it alone explains best; −1 if none."""
    best = [(0.0, -1)] * count
    for number, members in enumerate(offered):
        total = sum(members.values())
        for template, gain in members.items():
            if gain > best[template][0] * total and gain > 0.5 * total:
                best[template] = (gain / total, number)
    return [number for _, number in best]
