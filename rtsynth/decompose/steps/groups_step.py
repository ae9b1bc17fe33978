"""Step 3: which modes belong together, and which onsets brought the same.

What earlier segments have learned takes part as onsets do, so that a key struck again is the same
resonance, by the same measure. Hits are told apart by their spectra over time instead.
Thread: worker.
"""

import numpy as np

from rtsynth.decompose.draft import Draft
from rtsynth.decompose.drums.draft import are_drums, drum_draft
from rtsynth.decompose.grouping import Grouping, group
from rtsynth.decompose.keys.keyboard import nearest_key
from rtsynth.decompose.keys.keyed import Struck
from rtsynth.decompose.keys.rising import Rises, are_mixed
from rtsynth.decompose.steps.found_notes import notes_in_step
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.takes_step import seek_modes
from rtsynth.decompose.steps.task import Task

__all__ = ["group_takes"]


def group_takes(task: Task, state: State) -> None:
    """Fill in `groups` and `known`; for keys alone, `played`; for drums, the first draft."""
    task.progress.begin("groups", 1)
    if state.played is None and are_drums(task.signal, task.sample_rate, state.takes):
        _group_hits(task, state)
    else:
        _group_keys(task, state)
    task.progress.advance()


def _group_keys(task: Task, state: State) -> None:
    _group(task, state)
    if state.played is None and state.groups.all_keys:
        _put_in_step(task, state)


def _put_in_step(task: Task, state: State) -> None:
    """Every strike to where its key's others say it begins; there, once more, what is new."""
    state.played = notes_in_step(task, state)
    state.onsets = state.played.onsets
    seek_modes(task, state)
    _group(task, state)


def _group(task: Task, state: State) -> None:
    offered = [known.take for known in task.bank]
    limit = max(task.recipe.resonances, len(offered) + 1)
    takes = [*offered, *state.takes]
    groups = group(
        takes,
        limit,
        task.recipe.first_modes,
        _struck(task, state, len(offered)),
        _keys(task, state),
    )
    state.known = _known(groups.members[: len(offered)], len(groups.modes))
    groups.members = groups.members[len(offered) :]
    state.groups = groups


def _keys(task: Task, state: State) -> list[set[int]] | None:
    """The keys of all takes, those of what was offered first; None if they are not known."""
    if state.played is None:
        return None
    pitches = [known.resonance.pitch_hz for known in task.bank]
    offered = [{nearest_key(pitch)} if pitch > 0.0 else set() for pitch in pitches]
    return offered + [set(keys) for keys in state.played.struck]


def _struck(task: Task, state: State, offered: int) -> Struck | None:
    """Among drums, whether a key's partials rise at a take; what was offered stays as it is."""
    if state.played is not None or not are_mixed(state.takes):
        return None
    rises = Rises.at(task.signal, task.sample_rate, state.onsets)
    return lambda take, pitch_hz: take < offered or rises.struck(take - offered, pitch_hz)


def _group_hits(task: Task, state: State) -> None:
    recipe = task.recipe
    state.drums = True
    state.draft = drum_draft(
        task.signal, task.sample_rate, state.onsets, recipe.few_modes, recipe.resonances
    )
    state.groups = _shown(state.draft, [take.onset for take in state.takes])
    state.known = [-1] * len(state.draft.resonances)


def _shown(draft: Draft, onsets: list[int]) -> Grouping:
    """What a draft of hits says of templates and their members."""
    members: list[dict[int, float]] = [{} for _ in onsets]
    for strike in draft.strikes:
        nearest = int(np.argmin(np.abs(np.array(onsets) - strike.onset)))
        members[nearest][strike.resonance] = strike.gain
    modes = [resonance.modes for resonance in draft.resonances]
    return Grouping(modes, [0.0] * len(modes), members)


def _known(offered: list[dict[int, float]], count: int) -> list[int]:
    """For each of `count` templates, the offered take that it alone explains best; −1 if none."""
    best = [(0.0, -1)] * count
    for number, members in enumerate(offered):
        total = sum(members.values())
        for template, gain in members.items():
            if gain > best[template][0] * total and gain > 0.5 * total:
                best[template] = (gain / total, number)
    return [number for _, number in best]
