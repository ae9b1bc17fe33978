"""Step 5: the joint fit of strikes and resonances, by sweeps and by steps of all at once.

Thread: worker.
"""

from rtsynth.decompose.draft import Strike
from rtsynth.decompose.drums.draft import DRUM_SWEEPS
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.covered import find_covered
from rtsynth.decompose.keys.key_offs import find_key_offs, place_key_offs
from rtsynth.decompose.keys.recognise import recognise
from rtsynth.decompose.keys.unheard import Unheard, add_unheard, find_unheard
from rtsynth.decompose.newton import settle
from rtsynth.decompose.prune import drop_weak, lift_gains
from rtsynth.decompose.steps.draft_step import fit_of
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task
from rtsynth.decompose.thaw import thaw

__all__ = ["fit_draft"]


def fit_draft(task: Task, state: State) -> None:
    """Fit the draft; after every second sweep and at last needless strikes are dropped.

    A sweep finds what is missing, but one resonance creeps towards the other; steps of all at once
    settle what was found. Drums have few modes to settle. Where all onsets are of keys, and
    nobody said of which, what was missed or mistaken is looked for after every sweep, and between
    the second and the last octaves of a chord's keys, and keys that only chords have. When keys are
    let go is looked for in all of them together, before the others' sound is learned with it.
    """
    recipe, draft = task.recipe, state.draft
    fit = fit_of(task, state)
    sweeps, peels, steps = recipe.sweeps, recipe.peels, recipe.newton
    if state.drums:
        sweeps, peels, steps = min(sweeps, DRUM_SWEEPS), 0, 0
    peeling = range(1, sweeps, 2)[:peels]
    mending = range(peeling[-1] + 1, sweeps)[: recipe.mends] if peeling else ()
    keys = recipe.recognise and state.played is not None and task.played is None
    task.progress.begin("fit", sweeps * len(draft.resonances))
    energy = float(task.signal @ task.signal) + 1e-30
    dampers: bool | None = None
    for number in range(sweeps):
        last = number == sweeps - 1
        # what the first sweep finds is too rough to be settled further
        settle(fit, min(number, steps), workers=task.workers)
        fit.sweep(number, task.progress.advance, peel=number in peeling, mend=number in mending)
        if last:
            if state.played is not None:
                (place_key_offs if number > 0 else find_key_offs)(fit)
            settle(fit, steps, workers=task.workers)
        elif state.played is not None:
            dampers = find_key_offs(fit, dampers)
        if keys:
            known = list(draft.strikes)
            recognise(fit, sure=0 < number, adding=not last)
            if not last and draft.strikes != known:  # a new strike has no key-off yet
                dampers = find_key_offs(fit, dampers)
        # before the weak are gone: their partials would be taken for keys
        looking = keys and 0 < number < sweeps - 1
        covered = find_covered(fit) if looking else []
        room = recipe.resonances - len(draft.resonances)
        unheard = find_unheard(fit, room, covered) if looking else []
        if last or number % 2 == 1:
            if not state.drums:
                lift_gains(fit)
            if task.played is None:  # what is known to be struck stays
                drop_weak(fit, recipe.weakest_db)
        if covered or unheard:  # not sooner: what others have learned would make them needless
            _add(fit, state, covered, unheard)
            dampers = find_key_offs(fit, dampers)
        if number == 0 and sweeps > 1:
            for index in thaw(fit):  # the next sweep looks for its modes
                state.known[index] = -1
        left = (float(fit.residual @ fit.residual) / energy) ** 0.5
        task.progress.tell(events=len(draft.strikes), error=f"{left:.3f}")


def _add(fit: Fit, state: State, covered: list[Strike], unheard: list[Unheard]) -> None:
    """Strike keys that were missed, and tell the state; a sweep must learn what is whose."""
    fit.draft.strikes += covered
    fit.take_away(covered)
    state.show([*covered, *add_unheard(fit, unheard)])
    state.known += [-1] * len(unheard)
    state.groups.modes += [key.resonance.modes for key in unheard]
    state.groups.pitches_hz += [key.resonance.pitch_hz for key in unheard]
