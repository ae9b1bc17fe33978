"""Step 7: what is left: the noise of strikes, the floor under everything, and the pans.

Thread: worker.
"""

import copy

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.drums.beside import drums_beside
from rtsynth.decompose.drums.hiss import add_hiss, learn_hiss
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.grouping import Take
from rtsynth.decompose.keys.rising import are_mixed
from rtsynth.decompose.noise import give_noise, log_magnitude
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.panning import fit_pans
from rtsynth.decompose.steps.draft_step import fit_of
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task
from rtsynth.decompose.takes import take_onsets
from rtsynth.decompose.texture.floor import choose_floor, noise_floor

__all__ = ["explain_rest"]


def explain_rest(task: Task, state: State) -> None:
    """Fill in `floor`, the resonances' noise and the strikes' pans."""
    task.progress.begin("rest", 1)
    fit = fit_of(task, state)
    if state.drums and task.recipe.noise:
        fit.residual = learn_hiss(state.draft, task.signal, attack=task.recipe.attack)
    elif task.recipe.noise:
        onsets, takes = _heard(task, state)
        if are_mixed(takes):
            _explain_hits(task, state, fit, onsets)
    if task.recipe.texture:
        floor = noise_floor(fit.residual, task.sample_rate)
        model = task.signal - fit.residual
        state.floor = choose_floor(task.signal, model, floor, task.sample_rate)
    if task.recipe.noise:
        give_noise(fit)
    if task.frames.shape[1] == 2:
        fit_pans(state.draft, task.frames)
    task.progress.advance()


def _heard(task: Task, state: State) -> tuple[NDArray[np.int64], list[Take]]:
    """All onsets and what they brought; where notes are known, the steps before saw theirs only."""
    if task.played is None:
        return state.onsets, state.takes
    rate, recipe = task.sample_rate, task.recipe
    onsets = find_onsets(task.heard, rate, recipe.onset_threshold)
    onsets = onsets[onsets >= task.owned[0]]
    return onsets, take_onsets(task.signal, rate, onsets, recipe.few_modes, workers=task.workers)


def _explain_hits(task: Task, state: State, fit: Fit, onsets: NDArray[np.int64]) -> None:
    """Hits beside keys as drums, or as modes with hiss: whatever brings magnitudes closer."""
    hissing = copy.deepcopy(state.draft)
    left = add_hiss(hissing, fit.residual, _drums_of(state, fit.frozen))
    recipe, before = task.recipe, len(state.draft.resonances)
    limit = recipe.resonances - before
    found = drums_beside(fit, onsets, recipe.few_modes, limit, attack=recipe.attack)
    if found and _distance(task.signal, found.left) < _distance(task.signal, left):
        found.join(state.draft)
        fit.residual = found.left
        _show(state, before)
    else:
        state.draft.resonances, fit.residual = hissing.resonances, left


def _distance(signal: Float, left: Float) -> float:
    """Mean distance of log-magnitudes between a signal and what is explained of it, in nepers."""
    return float(np.mean(np.abs(log_magnitude(signal) - log_magnitude(signal - left))))


def _show(state: State, first: int) -> None:
    """Tell the groups about resonances from `first` on, and that no bank knows them."""
    new = state.draft.resonances[first:]
    state.known += [-1] * len(new)
    state.groups.modes += [resonance.modes for resonance in new]
    state.groups.pitches_hz += [0.0] * len(new)
    state.show(strike for strike in state.draft.strikes if strike.resonance >= first)


def _drums_of(state: State, frozen: frozenset[int]) -> list[int]:
    """Struck resonances without a pitch."""
    used = sorted({strike.resonance for strike in state.draft.strikes} - frozen)
    return [index for index in used if state.draft.resonances[index].pitch_hz == 0.0]
