"""Resonances of earlier segments that do not sound like what is here: they are learned anew.

A key is known again by its pitch and the pattern of its modes, and so a guitar's C4 may have been
taken for a piano's. What its strikes leave of the sound there, once aligned and levelled, tells.
Thread: worker.
"""

from rtsynth.decompose.draft import Strike
from rtsynth.decompose.fit import Fit

__all__ = ["explained_share", "thaw"]

SEEN_S = 0.3
LEAST = 0.9  # of a strike's energy; what explains less is another resonance


def thaw(fit: Fit) -> list[int]:
    """Let the fit learn those frozen resonances anew that explain too little.

    Args:
        fit: after a sweep; its `frozen` is changed.

    Returns:
        indices of what was thawed.
    """
    thawed = [index for index in sorted(fit.frozen) if explained_share(fit, index) < LEAST]
    fit.frozen = fit.frozen - frozenset(thawed)
    return thawed


def explained_share(fit: Fit, index: int) -> float:
    """0 … 1: share of a strike's sound that a resonance explains at some level, at its best strike.

    Others that are not yet right spoil most strikes, but no other instrument fits even one. Only
    what comes before the next onset counts, everybody else taken away.
    """
    strikes = fit.draft.of(index)
    return max((_explained(fit, strike) for strike in strikes), default=1.0)


def _explained(fit: Fit, strike: Strike) -> float:
    span = round(SEEN_S * fit.draft.sample_rate)
    heard = fit.left(strike, min(span, fit.gap(strike.onset))).copy()
    own = fit.sound(strike, len(heard))
    heard[: len(own)] += own
    energy = float(heard @ heard) * float(own @ own)
    return max(0.0, float(heard[: len(own)] @ own)) ** 2 / energy if energy > 0.0 else 0.0
