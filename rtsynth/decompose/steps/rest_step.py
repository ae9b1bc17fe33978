"""Step 7: what is left: the noise of strikes, the floor under everything, and the pans.

Thread: worker.
"""

from rtsynth.decompose.drums.hiss import add_hiss, learn_hiss
from rtsynth.decompose.keys.rising import are_mixed
from rtsynth.decompose.noise import give_noise
from rtsynth.decompose.panning import fit_pans
from rtsynth.decompose.steps.draft_step import fit_of
from rtsynth.decompose.steps.state import State
from rtsynth.decompose.steps.task import Task
from rtsynth.decompose.texture.floor import choose_floor, noise_floor

__all__ = ["explain_rest"]


def explain_rest(task: Task, state: State) -> None:
    """Fill in `floor`, the resonances' noise and the strikes' pans."""
    task.progress.begin("rest", 1)
    fit = fit_of(task, state)
    if state.drums and task.recipe.noise:
        fit.residual = learn_hiss(state.draft, task.signal, attack=task.recipe.attack)
    elif task.recipe.noise and are_mixed(state.takes):
        fit.residual = add_hiss(state.draft, fit.residual, _drums_of(state, fit.frozen))
    if task.recipe.texture:
        floor = noise_floor(fit.residual, task.sample_rate)
        model = task.signal - fit.residual
        state.floor = choose_floor(task.signal, model, floor, task.sample_rate)
    if task.recipe.noise:
        give_noise(fit)
    if task.frames.shape[1] == 2:
        fit_pans(state.draft, task.frames)
    task.progress.advance()


def _drums_of(state: State, frozen: frozenset[int]) -> list[int]:
    """Struck resonances without a pitch."""
    used = sorted({strike.resonance for strike in state.draft.strikes} - frozen)
    return [index for index in used if state.draft.resonances[index].pitch_hz == 0.0]
