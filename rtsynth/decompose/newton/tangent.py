"""A draft to first order: what its sound changes by if everything in it moves a little.

Resonances have nothing in common but the sum, which is taken in two fixed halves: two threads can
share it, and the result does not depend on whether they do. Thread: any.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft
from rtsynth.decompose.newton.exponentials import Single
from rtsynth.decompose.newton.struck import Struck

__all__ = ["HALVES", "Each", "Tangent"]

HALVES = 2

Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""As the built-in `map`; calls may run at the same time."""


class Tangent:
    """The linear map from a step of a draft's unknowns to its weighted sound, and its transpose.

    Args:
        draft: strikes without gains per mode.
        weight: [samples] of the misfit's root.
        frozen: resonances that stay as they are; their strikes' gains are unknown all the same.
        each: calls a function for each of some things.
        energy: of the whole weighted signal; what is far below it stays as it is.

    Attributes:
        size: unknowns.
    """

    def __init__(
        self,
        draft: Draft,
        weight: Float,
        frozen: frozenset[int] = frozenset(),
        each: Each = map,
        energy: float = 0.0,
    ) -> None:
        self._draft, self._weight, self._each = draft, weight, each
        used = sorted({strike.resonance for strike in draft.strikes})
        self._struck: list[Struck] = list(
            each(
                lambda index: Struck(draft, index, weight, frozen=index in frozen, energy=energy),
                used,
            )
        )
        self._ends = np.cumsum([struck.size for struck in self._struck])
        self.size = int(self._ends[-1]) if used else 0

    def forward(self, step: Float) -> Float:
        """[samples] what the weighted sound changes by with a step of [size]."""
        parts = self._parts(step)
        halves = [parts[half::HALVES] for half in range(HALVES)]
        changed: Float = sum(self._each(self._change, halves)) * self._weight
        return changed

    def _change(self, parts: list[tuple[Struck, Float]]) -> Single:
        total = np.zeros(self._draft.length, np.float32)
        for struck, part in parts:
            struck.add_change(part, total)
        return total

    def adjoint(self, change: Float) -> Float:
        """[size] inner products of a weighted change of [samples] with that of every unknown."""
        heard = (change * self._weight).astype(np.float32)
        return np.concatenate(list(self._each(lambda struck: struck.products(heard), self._struck)))

    def moved(self, step: Float) -> Draft:
        """A new draft that has gone a step of [size]; strikes and resonances keep their order."""
        resonances, gains = list(self._draft.resonances), {}
        for struck, part in self._parts(step):
            resonances[struck.index], own = struck.moved(part)
            gains.update(own)
        strikes = [
            dataclasses.replace(strike, gain=gains[id(strike)]) for strike in self._draft.strikes
        ]
        return dataclasses.replace(self._draft, strikes=strikes, resonances=resonances)

    def _parts(self, step: Float) -> list[tuple[Struck, Float]]:
        return list(zip(self._struck, np.split(step, self._ends[:-1]), strict=True))
