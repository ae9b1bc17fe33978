"""Drums beside keys, onset by onset: what keys leave of a hit is taken apart as drums are.

Among keys a hit is at first a few modes without a pitch. Where the keys' fit leaves something that
is soon over, these make way for drums found in what is left: copies, attacks, hiss. Thread: worker.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Strike
from rtsynth.decompose.drums.draft import drum_draft, falls_db
from rtsynth.decompose.drums.hiss import learn_hiss
from rtsynth.decompose.drums.percussion import hit_patches
from rtsynth.decompose.fit import Fit

__all__ = ["Beside", "drums_beside"]

FALL_DB = 0.5  # by which what keys leave of a hit is louder at once than a little later
QUIETEST_DB = -40.0  # of a hit against the loudest
FEWEST = 4
REACH_S = 0.03  # a strike so near an onset is of it


@dataclasses.dataclass(frozen=True)
class Beside:
    """Drums that were found beside keys.

    Attributes:
        drums: a draft of them alone, its resonances counted from 0.
        kept: strikes of the keys' draft that stay.
        left: [samples] what both leave of the signal.
    """

    drums: Draft
    kept: list[Strike]
    left: Float

    def join(self, draft: Draft) -> None:
        """Put the drums into the keys' draft, in place; their resonances come last."""
        first = len(draft.resonances)
        moved = [dataclasses.replace(s, resonance=s.resonance + first) for s in self.drums.strikes]
        draft.strikes = [*self.kept, *moved]
        draft.resonances = [*draft.resonances, *self.drums.resonances]


def drums_beside(
    fit: Fit, onsets: NDArray[np.int64], count: int, limit: int, *, attack: bool = True
) -> Beside | None:
    """Drums in what the strikes with a pitch leave; None where there are hardly any.

    Args:
        fit: of keys and pitchless strikes; it stays as it is.
        onsets: [onsets] samples, ascending.
        count: at most so many modes per drum.
        limit: at most so many drums.
        attack: learn their attacks.
    """
    rate = fit.draft.sample_rate
    resonances = fit.draft.resonances
    pitchless = [s for s in fit.draft.strikes if resonances[s.resonance].pitch_hz == 0.0]
    rest = fit.residual.copy()
    for strike in pitchless:
        fit.draft.add(rest, strike, 1.0)
    hits = onsets[_are_hits(rest, rate, onsets)] if len(onsets) else onsets
    if len(hits) < FEWEST or limit < 1:
        return None
    near = {id(s) for s in pitchless if np.abs(hits - s.onset).min() < REACH_S * rate}
    for strike in pitchless:
        if id(strike) not in near:
            fit.draft.add(rest, strike, -1.0)
    drums = drum_draft(rest, rate, hits, count, limit)
    left = learn_hiss(drums, rest, attack=attack)
    return Beside(drums, [s for s in fit.draft.strikes if id(s) not in near], left)


def _are_hits(rest: Float, sample_rate: float, onsets: NDArray[np.int64]) -> NDArray[np.bool]:
    """[onsets] whether what begins there is soon over, and not much weaker than elsewhere."""
    patches = hit_patches(rest, sample_rate, onsets)
    level_db = 10.0 * np.log10(patches.sum(axis=1).max(axis=1) + 1e-20)
    loud = level_db > level_db.max() + QUIETEST_DB
    hit: NDArray[np.bool] = loud & (falls_db(patches) > FALL_DB)
    return hit
