"""Gauss–Newton steps on a whole draft. Thread: any.

Levenberg and Marquardt's damping; each step's linear problem is solved roughly, by LSMR (Fong and
Saunders, 2011). A step that does not bring the sound nearer is halved and at last not taken, so
that the fit cannot diverge.
"""

from concurrent.futures import ThreadPoolExecutor

from scipy.sparse.linalg import LinearOperator, lsmr

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.newton.tangent import HALVES, Each, Tangent

__all__ = ["settle"]

ROUGHLY = 8  # products a step: with more of them it goes further than its tangent holds
DAMPING = 0.1
EASIER, HARDER = 0.6, 3.0
HALVINGS = 3


def settle(fit: Fit, steps: int, *, workers: int = 1) -> None:
    """Move modes, attacks and gains of a draft all at once to where less is left.

    Strikes must have no gains per mode yet. Onsets and key-offs stay; resonances that the fit holds
    frozen do, too, but not their strikes' gains.

    Args:
        fit: its draft and residual are changed.
        steps: at most so many.
        workers: threads that may share the work; the result does not depend on it.
    """
    if steps == 0 or not fit.draft.strikes:
        return
    heard = fit.signal * fit.weight
    energy, damping = float(heard @ heard), DAMPING
    with ThreadPoolExecutor(min(max(1, workers), HALVES)) as pool:
        for _ in range(steps):
            taken = _step(fit, damping, pool.map, energy)
            damping *= EASIER if taken else HARDER


def _step(fit: Fit, damping: float, each: Each, energy: float) -> bool:
    """Whether a step was taken."""
    tangent = Tangent(fit.draft, fit.weight, fit.frozen, each, energy)
    left = fit.residual * fit.weight
    operator = LinearOperator(
        (len(left), tangent.size), tangent.forward, tangent.adjoint, dtype=float
    )
    step: Float = lsmr(operator, left, damping, 0.0, 0.0, 0.0, ROUGHLY)[0]
    for halving in range(HALVINGS):
        moved = tangent.moved(step * 0.5**halving)
        residual = fit.signal - moved.model()
        heard = residual * fit.weight
        if heard @ heard < left @ left:
            _take(fit.draft, moved)
            fit.residual = residual
            return True
    return False


def _take(draft: Draft, moved: Draft) -> None:
    """In place: strikes and resonances stay the ones that others know."""
    for strike, new in zip(draft.strikes, moved.strikes, strict=True):
        strike.gain = new.gain
    for resonance, changed in zip(draft.resonances, moved.resonances, strict=True):
        vars(resonance).update(vars(changed))
