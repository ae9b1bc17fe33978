"""The joint fit: each resonance in turn against all its strikes, everybody else taken away.

Thread: any.
"""

from collections.abc import Callable

import numpy as np

from rtsynth.decompose.composite import local_power
from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Strike, strike_signal
from rtsynth.decompose.turn import Turn

__all__ = ["Fit"]

ALONE_S = 0.02
LEAST = 1e-6  # of the loudest power: quieter moments count no more


class Fit:
    """A draft being fitted to a signal.

    Args:
        signal: [samples], one channel.
        draft: changed in place.
        modes: at most so many per resonance.
        attack: learn attack waveforms.
        releases: look for key-offs resonance by resonance; nobody lets go of a drum, and keys have
            theirs found together.
        aligned: resonances whose strikes are in step with each other already.
        placed: every strike is where it begins; no aligned one is moved at all.
        frozen: resonances that stay as they are; only their strikes are fitted.

    Attributes:
        signal: what is fitted.
        frozen: as given.
        residual: [samples] signal minus the draft's model.
        weight: [samples] of the misfit's root. The ear follows a tail: late, quiet misfit counts
            as its amplitude, not as its energy.
    """

    def __init__(
        self,
        signal: Float,
        draft: Draft,
        *,
        modes: int = 32,
        attack: bool = True,
        releases: bool = True,
        aligned: frozenset[int] = frozenset(),
        placed: bool = False,
        frozen: frozenset[int] = frozenset(),
    ) -> None:
        self.draft = draft
        self.signal = signal
        self.residual = signal - draft.model()
        self._modes = modes
        self._attack, self._releases = attack, releases
        self._aligned, self._placed = aligned, placed
        self.frozen = frozen
        self._onsets = np.unique([strike.onset for strike in draft.strikes])
        level = local_power(signal, draft.sample_rate)
        self.weight = (level + LEAST * float(level.max(initial=0.0)) + 1e-30) ** -0.25

    def sweep(
        self,
        number: int,
        advance: Callable[[], object] = lambda: None,
        *,
        peel: bool = True,
        mend: bool = False,
    ) -> None:
        """Fit every resonance once.

        Args:
            number: of the sweep; the first looks at the sound near its onsets only.
            advance: called after each resonance.
            peel: look for each resonance's modes anew; else keep their poles.
            mend: look for those of its partials anew of which most is left.
        """
        self._onsets = np.unique([strike.onset for strike in self.draft.strikes])
        power = local_power(self.residual, self.draft.sample_rate)
        modes = self._modes if peel or mend else 0
        for index in range(len(self.draft.resonances)):
            strikes = self.draft.of(index)
            if strikes:
                turn = Turn(self, self.draft.resonances[index], strikes, power, number)
                if index in self.frozen:
                    turn.run_known(align=not self._placed, releases=self._releases)
                else:
                    turn.run(
                        modes,
                        mend=not peel,
                        align=index not in self._aligned,
                        lead=not self._placed,
                        attack=self._attack,
                        releases=self._releases,
                    )
            advance()

    def put_back(self, strikes: list[Strike]) -> None:
        """Add strikes to the residual, to be changed."""
        for strike in strikes:
            self.draft.add(self.residual, strike, 1.0)

    def take_away(self, strikes: list[Strike]) -> None:
        """Subtract strikes from the residual, as they are now."""
        for strike in strikes:
            self.draft.add(self.residual, strike, -1.0)

    def sound(self, strike: Strike, length: int) -> Float:
        """[≤ length] samples of a strike, without its noise."""
        resonance = self.draft.resonances[strike.resonance]
        return strike_signal(strike, resonance, self.draft.sample_rate, length)

    def gap(self, onset: int) -> int:
        """Samples until something else starts."""
        later = onset + round(0.005 * self.draft.sample_rate)
        following = int(np.searchsorted(self._onsets, later, "right"))
        last = self._onsets[following] if following < len(self._onsets) else self.draft.length
        return int(last) - onset

    def is_alone(self, onset: int) -> bool:
        """Whether one strike only begins within 20 ms of an onset."""
        near = round(ALONE_S * self.draft.sample_rate)
        return sum(abs(strike.onset - onset) <= near for strike in self.draft.strikes) == 1

    def extent(self, strike: Strike, limit_s: float) -> int:
        """Samples over which a strike can be seen: held, audible and within the recording."""
        ring_s = float(self.draft.resonances[strike.resonance].modes.t60_s.max(initial=0.05))
        extent = round(min(limit_s, ring_s) * self.draft.sample_rate)
        held = extent if strike.held is None else strike.held
        return min(extent, held, self.draft.length - strike.onset)

    def left(self, strike: Strike, length: int) -> Float:
        """[≤ length] samples of the residual from a strike's onset on; a view."""
        return self.residual[strike.onset : strike.onset + length]
