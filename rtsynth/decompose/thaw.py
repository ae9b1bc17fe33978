"""Resonances of earlier segments that do not sound like what is here: they are learned anew.

A key is known again by its pitch and the pattern of its modes, and so a guitar's C4 may have been
taken for a piano's. What its strikes leave of the sound there, once aligned and levelled, tells.
Thread: worker.
"""


from rtsynth.decompose.fit import Fit

__all__ = ["explained_share", "thaw"]

SEEN_S = 0.3
LEAST = 0.8  # of the energy of its strikes; what explains less is another resonance


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
    """At most 1: share of the sound of a resonance's strikes that its own explains.

    Only what comes before the next onset counts, everybody else taken away.
    """
    span = round(SEEN_S * fit.draft.sample_rate)
    sound = left = 0.0
    for strike in fit.draft.of(index):
        count = min(span, fit.gap(strike.onset), fit.draft.length - strike.onset)
        residual = fit.left(strike, count)
        own = fit.sound(strike, count)
        whole = residual.copy()
        whole[: len(own)] += own[: len(whole)]
        sound += float(whole @ whole)
        left += float(residual @ residual)
    return 1.0 - left / sound if sound > 0.0 else 1.0
