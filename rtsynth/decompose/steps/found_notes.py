"""Keys that were found at onsets as notes in step, and those at onsets too faint to be seen before.

Where all onsets are of keys, fainter ones are looked at as well; what is struck there counts if it
is a copy of what its key's other strikes sound like. Thread: worker.
"""

from collections.abc import Iterable

import numpy as np

from rtsynth.decompose.keys.in_step import InStep, put_in_step
from rtsynth.decompose.keys.keyboard import nearest_key
from rtsynth.decompose.keys.keyed import find_keys
from rtsynth.decompose.keys.note import Note
from rtsynth.decompose.keys.played import TOGETHER_S, Played, played_notes
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task
from rtsynth.decompose.takes import take_onsets

__all__ = ["notes_in_step", "on_their_side", "without_doubles"]

FAINTER = 0.5  # of the onsets' threshold


def notes_in_step(task: Task, state: State) -> Played:
    """The notes of a state's groups, each where it begins as the others of its key do.

    Args:
        task: what is looked at.
        state: with onsets, takes and groups, all of keys.
    """
    notes = _found(task, state)
    faint = _faint(task, state) if task.recipe.recognise else []
    if faint:
        strange = _in_step(task, notes + faint).strange
        notes += [note for note in faint if note not in strange]
    placed = _in_step(task, notes)
    kept = without_doubles(on_their_side(notes, placed.notes, task.owned[1] / task.sample_rate))
    return played_notes(kept, task.sample_rate, 0, state.length, placed.doubtful)


def _in_step(task: Task, notes: list[Note]) -> InStep:
    return put_in_step(task.signal[:, None], np.ones(1), task.sample_rate, notes, found=True)


def _found(task: Task, state: State) -> list[Note]:
    """The keys found at each onset."""
    keys = [nearest_key(pitch) for pitch in state.groups.pitches_hz]
    return [
        Note(take.onset / task.sample_rate, keys[index])
        for take, members in zip(state.takes, state.groups.members, strict=True)
        for index in members
    ]


def _faint(task: Task, state: State) -> list[Note]:
    """Of the keys that were found those that may be struck at fainter onsets as well."""
    rate, recipe = task.sample_rate, task.recipe
    onsets = find_onsets(task.heard, rate, FAINTER * recipe.onset_threshold)
    apart = np.abs(onsets[:, None] - state.onsets).min(axis=1, initial=state.length)
    onsets = onsets[(onsets >= task.owned[0]) & (apart >= round(TOGETHER_S * rate))]
    if len(onsets) == 0:
        return []
    fresh = take_onsets(
        task.signal, rate, onsets, recipe.first_modes, workers=task.workers,
        way=recipe.way, among=state.onsets,
    )  # fmt: skip
    takes = [*state.takes, *fresh]
    pitches = state.groups.pitches_hz
    known = [{nearest_key(pitches[index]) for index in some} for some in state.groups.members]
    keyed = find_keys(
        [take.modes for take in takes],
        [take.older for take in takes],
        [take.tonal for take in takes],
        recipe.resonances,
        given=[*known, *[None] * len(fresh)],
    )
    return [
        Note(take.onset / rate, nearest_key(keyed.pitches_hz[index]))
        for take, members in zip(fresh, keyed.members[len(known) :], strict=True)
        for index in members or ()
    ]


def on_their_side(before: list[Note], after: list[Note], cut_s: float) -> list[Note]:
    """Notes after a move, none of them across a cut: the next segment finds what lies beyond."""
    kept = []
    old, new = (sorted(some, key=lambda n: (n.key, n.onset_s)) for some in (before, after))
    for was, note in zip(old, new, strict=True):
        crossed = (was.onset_s < cut_s) != (note.onset_s < cut_s)
        kept.append(was if crossed else note)
    return kept


def without_doubles(notes: Iterable[Note]) -> list[Note]:
    """Of notes of one key that were found closer together than onsets are, the first."""
    kept: list[Note] = []
    last: dict[int, float] = {}
    for note in sorted(notes):
        if note.onset_s - last.get(note.key, -TOGETHER_S) >= TOGETHER_S:
            kept.append(note)
            last[note.key] = note.onset_s
    return kept
