"""Step 4: a first bank and the strikes that choose from it. Thread: worker."""

import dataclasses

import numpy as np

from rtsynth.decompose.draft import Draft, Resonance, Strike, strike_signal
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.keyboard import nearest_key
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task

__all__ = ["fit_of", "make_draft"]

HEARD_S = 0.06


def make_draft(task: Task, state: State) -> None:
    """Fill in `draft`: a strike for each member of each take, a resonance for each template.

    A template that the bank knows is the bank's resonance, which the fit leaves as it is.
    """
    if state.drums:  # drafted with their groups
        return
    groups = state.groups
    resonances = [
        dataclasses.replace(task.bank[known].resonance)
        if known >= 0
        else Resonance(modes, pitch_hz=pitch)
        for modes, pitch, known in zip(groups.modes, groups.pitches_hz, state.known, strict=True)
    ]
    strikes = []
    for number, (take, members) in enumerate(zip(state.takes, groups.members, strict=True)):
        for index, seen in members.items():
            heard = _as_heard(task, take.onset, resonances[index])
            share = seen / sum(members.values())
            gain = share * heard if state.known[index] >= 0 else min(seen, heard)
            onset = _begin(state, number, resonances[index])
            strikes.append(Strike(onset, index, gain, seen_gain=seen))
    state.draft = Draft(task.sample_rate, state.length, strikes, resonances)
    task.progress.tell(events=len(strikes), resonances=len(resonances))


def _aligned(task: Task, state: State) -> frozenset[int]:
    """Resonances whose strikes are in step with each other."""
    if state.played is None:
        return frozenset()
    doubtful = state.played.doubtful if task.played is None else frozenset()
    keys = [nearest_key(r.pitch_hz) if r.pitch_hz > 0.0 else 0 for r in state.draft.resonances]
    return frozenset(index for index, key in enumerate(keys) if key and key not in doubtful)


def _begin(state: State, number: int, resonance: Resonance) -> int:
    """Frame at which a resonance is struck at a take: its own note's, where that is known."""
    if state.played is None:
        return state.takes[number].onset
    return state.played.struck[number][nearest_key(resonance.pitch_hz)]


def _as_heard(task: Task, onset: int, resonance: Resonance) -> float:
    """The gain that gives a strike all of the energy that is heard after its onset.

    No strike starts louder: two that cancel would be found by no later step.
    """
    span = round(HEARD_S * task.sample_rate)
    heard = task.signal[onset : onset + span]
    sound = strike_signal(Strike(0, 0, 1.0), resonance, task.sample_rate, len(heard))
    energy = float(sound @ sound)
    return float(np.sqrt(heard @ heard / energy)) if energy > 0.0 else 1.0


def fit_of(task: Task, state: State) -> Fit:
    """The joint fit of a state's draft; what the bank has learned before stays as it is."""
    return Fit(
        task.signal,
        state.draft,
        modes=task.recipe.modes,
        attack=task.recipe.attack,
        releases=not state.drums and state.played is None,
        aligned=_aligned(task, state),
        placed=task.played is not None,
        frozen=frozenset(index for index, known in enumerate(state.known) if known >= 0),
    )
