"""Fewer resonances: the strikes of one that goes are fitted to another that stays.

What a strike sounds like is known from its own resonance, so the other is aligned, levelled and
given gains per mode against that, by least squares, without the recording. What a merger costs is
the energy of its strikes times the share that stays unexplained. Thread: worker.
"""

import dataclasses
import heapq

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Resonance, Strike, strike_signal
from rtsynth.decompose.offset import WORTH, offsets_towards

__all__ = ["StandIn", "merge_resonances", "stand_in"]

SPAN_S = 0.5  # over which two resonances are compared
REACH_S = 0.003
CANDIDATES = 4  # by the likeness of their patterns, to be measured
SILENT = 1e-30  # energy: what is silent is given away first, and 0 · ∞ is no cost
LEAST_UNLIKE = 0.02  # of nothing, if it costs nothing, the loudest would go as well as the quietest
FAINTEST = 0.4  # of the level it had: least squares turns what is no copy down to nothing


@dataclasses.dataclass(frozen=True)
class StandIn:
    """How one resonance plays another's strikes.

    Attributes:
        lag: samples that it begins later.
        gain: factor on each strike's gain.
        offset_db: [modes] of each strike, or None.
        unlike: 0 … 1, share of the energy that differs.
    """

    lag: int
    gain: float
    offset_db: Float | None
    unlike: float


def stand_in(gone: Resonance, keep: Resonance, sample_rate: float) -> StandIn:
    """What `keep` has to do to sound like `gone`."""
    span, reach = round(SPAN_S * sample_rate), round(REACH_S * sample_rate)
    wanted, own = (_sound(resonance, sample_rate, span) for resonance in (gone, keep))
    energy, level = float(wanted @ wanted), float(own @ own)
    if energy <= 0.0 or level <= 0.0:
        return StandIn(0, 1.0, None, 1.0)
    likeness = correlate(np.pad(wanted, reach), own, "valid", method="fft")
    lag = int(np.argmax(likeness)) - reach
    gain = float(likeness[lag + reach]) / level
    shifted = _shifted(wanted, lag)
    left = shifted - gain * own
    least, offset_db = float(left @ left), None
    found = offsets_towards(shifted, keep, gain, sample_rate) if gain > 0.0 else None
    if found is not None and found[1] < WORTH * least:
        offset_db, least = found
    gain = max(gain, FAINTEST * float(np.sqrt(energy / level)))
    return StandIn(lag, gain, offset_db, min(least / energy, 1.0))


def _sound(resonance: Resonance, sample_rate: float, span: int) -> Float:
    sound = strike_signal(Strike(0, 0, 1.0), resonance, sample_rate, span)
    return np.pad(sound, (0, span - len(sound)))


def _offset(resonance: Resonance, strike: Strike) -> Resonance:
    """The resonance as a strike with gains per mode plays it."""
    modes = resonance.modes
    amplitude = modes.amplitude * 10.0 ** (np.asarray(strike.offset_db)[: len(modes)] / 20.0)
    return dataclasses.replace(resonance, modes=dataclasses.replace(modes, amplitude=amplitude))


def _shifted(sound: Float, lag: int) -> Float:
    """As it is from `lag` samples on."""
    if lag >= 0:
        return np.pad(sound[lag:], (0, lag))
    return np.pad(sound, (-lag, 0))[: len(sound)]


class _Merging:
    """Who could stand in for whom, and what that costs."""

    def __init__(
        self,
        bank: list[Resonance],
        patterns: NDArray[np.float32],
        strikes: list[Strike],
        sample_rate: float,
    ) -> None:
        self._bank, self._patterns, self._rate = bank, patterns, sample_rate
        self.strikes: dict[int, list[Strike]] = {}
        for strike in strikes:
            self.strikes.setdefault(strike.resonance, []).append(strike)
        self.energy = {index: self._energy(index) for index in self.strikes}
        self._found: dict[int, dict[int, StandIn]] = {}

    def _energy(self, index: int) -> float:
        sound = _sound(self._bank[index], self._rate, round(SPAN_S * self._rate))
        gains = np.array([strike.gain for strike in self.strikes[index]])
        return float(gains @ gains) * float(sound @ sound) + SILENT

    def best(self, index: int) -> tuple[float, int, StandIn]:
        """Cost, the resonance that could best stand in for one, and how."""
        there = np.array([other for other in self.strikes if other != index])
        likeness = self._patterns[there] @ self._patterns[index]
        known = self._found.setdefault(index, {})
        for other in there[np.argsort(-likeness, kind="stable")[:CANDIDATES]].tolist():
            if other not in known:
                known[other] = stand_in(self._bank[index], self._bank[other], self._rate)
        ways = [(way.unlike, other) for other, way in known.items() if other in self.strikes]
        unlike, other = min(ways)
        return self.energy[index] * (unlike + LEAST_UNLIKE), other, known[other]

    def give(self, gone: int, keep: int, way: StandIn) -> None:
        """Give the strikes of one resonance to another."""
        for strike in self.strikes.pop(gone):
            own = way
            if strike.offset_db is not None:
                own = stand_in(_offset(self._bank[gone], strike), self._bank[keep], self._rate)
            lag = max(own.lag, -strike.onset)
            strike.onset += lag
            strike.held = None if strike.held is None else max(strike.held - lag, 1)
            strike.offset_db = None if own.offset_db is None else own.offset_db.copy()
            strike.resonance = keep
            strike.gain *= own.gain
            strike.seen_gain = strike.gain
            self.strikes[keep].append(strike)
        self.energy[keep] += self.energy[gone]
        self._found.pop(gone, None)


def merge_resonances(
    bank: list[Resonance],
    patterns: NDArray[np.float32],
    strikes: list[Strike],
    limit: int,
    sample_rate: float,
) -> None:
    """Let at most `limit` resonances be struck; those go first that cost least.

    Args:
        bank: all resonances.
        patterns: [resonances, bins] of each, of length 1: what may be alike is sought by them.
        strikes: changed in place.
        limit: at least 1.
        sample_rate: Hz.
    """
    merging = _Merging(bank, patterns, strikes, sample_rate)
    if len(merging.strikes) <= limit:
        return
    costs = [(merging.best(index)[0], index) for index in sorted(merging.strikes)]
    heapq.heapify(costs)
    while len(merging.strikes) > limit:
        cost, gone = heapq.heappop(costs)
        now, keep, way = merging.best(gone)
        if now > cost * (1.0 + 1e-9):  # it has got more strikes, or its stand-in has gone
            heapq.heappush(costs, (now, gone))
            continue
        merging.give(gone, keep, way)
