"""What all segments together have found: one list of strikes over one bank. Thread: worker."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Strike, strike_signal
from rtsynth.decompose.grouping import Take, pattern
from rtsynth.decompose.merge import merge_resonances
from rtsynth.decompose.segment import Segment
from rtsynth.decompose.steps import Known, State
from rtsynth.decompose.synthesis import pan_gains
from rtsynth.instrument import NOISE_BANDS

__all__ = ["Ledger"]

OFFERED = 96  # resonances of the bank that a segment may choose from
FLOOR_QUANTILE = 0.1  # a floor is what is there in nearly every segment
OLDEST_S = 45.0  # the longest T60 is 30 s, and what is 80 dB down is over


@dataclasses.dataclass
class Ledger:
    """Strikes in absolute frames, the bank, and the floor of every segment.

    Attributes:
        sample_rate: Hz.
        weights: [channels] what the channel that is analysed takes of each.
        strikes: of all segments so far, `resonance` counting through `bank`.
        bank: what was learned, in the order of learning.
        floors: [32] of each segment.
    """

    sample_rate: float
    weights: Float
    strikes: list[Strike] = dataclasses.field(default_factory=list)
    bank: list[Known] = dataclasses.field(default_factory=list)
    floors: list[Float] = dataclasses.field(default_factory=list)
    _patterns: list[NDArray[np.float32]] = dataclasses.field(default_factory=list)

    def offer(self, takes: list[Take]) -> list[int]:
        """Resonances of the bank for the next segment, ascending: those most like what it brings.

        Args:
            takes: what the onsets of that segment brought.
        """
        if len(self.bank) <= OFFERED or not takes:
            return list(range(min(len(self.bank), OFFERED)))
        brought = np.array([_unit(take) for take in takes])
        likeness = (np.array(self._patterns) @ brought.T).max(axis=1)
        return sorted(np.argsort(-likeness, kind="stable")[:OFFERED].tolist())

    def offered(self, indices: list[int]) -> tuple[Known, ...]:
        """What the bank has at these places, in full width again, as a state that was kept has."""
        found = []
        for index in indices:
            resonance, take = self.bank[index].resonance, self.bank[index].take
            wide = dataclasses.replace(resonance, attack=resonance.attack.astype(float))
            found.append(Known(wide, take))
        return tuple(found)

    def learn(self, known: Known) -> int:
        """Take a resonance into the bank; returns its place there."""
        narrow: Any = known.resonance.attack.astype(np.float32)  # most of a bank's memory
        resonance = dataclasses.replace(known.resonance, attack=narrow)
        self.bank.append(Known(resonance, known.take))
        self._patterns.append(_unit(known.take))
        return len(self.bank) - 1

    def ringing(self, segment: Segment) -> Float:
        """[frames looked at] what earlier strikes still do in a segment."""
        total = np.zeros(segment.end - segment.begin)
        oldest = segment.begin - OLDEST_S * self.sample_rate
        for strike in self.strikes:
            sounding = strike.onset > oldest and self._until(strike) > segment.begin
            if sounding and strike.onset < segment.end:
                resonance = self.bank[strike.resonance].resonance
                sides = pan_gains(strike.pan)[: len(self.weights)] if strike.pan else np.ones(1)
                heard = strike.gain * float(np.sum(self.weights * sides))
                sound = strike_signal(
                    dataclasses.replace(strike, gain=heard),
                    resonance,
                    self.sample_rate,
                    segment.end - strike.onset,
                )
                skipped = max(0, segment.begin - strike.onset)
                at = max(0, strike.onset - segment.begin)
                part = sound[skipped:]
                total[at : at + len(part)] += part
        return total

    def _until(self, strike: Strike) -> int:
        """A frame by which a strike is over."""
        resonance = self.bank[strike.resonance].resonance
        ring_s = 4.0 / 3.0 * float(resonance.modes.t60_s.max(initial=0.0))
        count = round(ring_s * self.sample_rate)
        if strike.held is not None:
            let_go = strike.held + round(4.0 / 3.0 * strike.release_s * self.sample_rate)
            count = min(count, let_go)
        return strike.onset + max(count, len(resonance.attack)) + 2

    def add(self, segment: Segment, state: State, offered: list[int]) -> None:
        """Take over the strikes that a segment owns, and the resonances they need.

        Args:
            segment: where its frames begin, and which onsets are its own.
            state: after the last step.
            offered: what `offer` gave before.
        """
        place = {index: offered[k] for index, k in enumerate(state.known) if k >= 0}
        for strike in state.draft.strikes:
            onset = strike.onset + segment.begin
            if onset >= segment.last:
                continue
            if strike.resonance not in place:
                resonance = state.draft.resonances[strike.resonance]
                take = _clearest(state, strike.resonance)
                place[strike.resonance] = self.learn(Known(resonance, take))
            row = place[strike.resonance]
            moved = dataclasses.replace(strike, onset=onset, resonance=row)
            self.strikes.append(moved)
        self.floors.append(state.floor)

    def shrink(self, limit: int) -> None:
        """Merge resonances until at most `limit` are struck, those first that cost least to merge.

        What is no longer struck is forgotten.
        """
        bank = [known.resonance for known in self.bank]
        merge_resonances(
            bank, np.array(self._patterns), self.strikes, max(limit, 1), self.sample_rate
        )
        used = sorted({strike.resonance for strike in self.strikes})
        self.bank = [self.bank[index] for index in used]
        self._patterns = [self._patterns[index] for index in used]
        place = {index: number for number, index in enumerate(used)}
        for strike in self.strikes:
            strike.resonance = place[strike.resonance]

    def draft(self, length: int) -> Draft:
        """The whole recording's draft, of `length` frames."""
        resonances = [known.resonance for known in self.bank]
        return Draft(self.sample_rate, length, self.strikes, resonances)

    def floor(self) -> Float:
        """[32] RMS amplitude per band of what nearly every segment has."""
        if not self.floors:
            return np.zeros(NOISE_BANDS)
        floor: Float = np.quantile(np.array(self.floors), FLOOR_QUANTILE, axis=0)
        return floor


def _clearest(state: State, resonance: int) -> Take:
    """The take in which a resonance is least mixed with others, its other modes left out."""
    loud = [
        (members[resonance] / sum(members.values()), members[resonance], number)
        for number, members in enumerate(state.groups.members)
        if members.get(resonance, 0.0) > 0.0
    ]
    take = state.takes[max(loud)[2]]
    modes = state.groups.modes[resonance]
    return dataclasses.replace(take, modes=modes, older=np.zeros(len(modes)))


def _unit(take: Take) -> NDArray[np.float32]:
    """[bins + 64] the take's pattern, of length 1."""
    shown = pattern(take.modes, take.rise, take.tonal)
    return (shown / (np.linalg.norm(shown) + 1e-12)).astype(np.float32)
