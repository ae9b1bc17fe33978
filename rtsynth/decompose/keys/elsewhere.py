"""What the onsets of a fit brought, and what each key brings at its other onsets. Thread: any."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.keyboard import key_hz, nearest_key, partial_hz
from rtsynth.decompose.keys.likeness import onsets_of

__all__ = ["SHORTEST_S", "SKIP_S", "Elsewhere", "beside", "usual_gain"]

SKIP_S, SPAN_S, SHORTEST_S, CLEAR_S = 0.03, 0.4, 0.1, 0.01  # after the hammer, before the next
AS_LONG = 0.7  # of an onset's span: as long as that a strike elsewhere is heard by itself
OTHERS = 6  # strikes elsewhere that are looked at
PARTIALS = 32
USUAL = 0.75  # quantile of a key's gains
APART_HZ, APART = 8.0, 0.02  # from a partial, to be told from it


class Elsewhere:
    """The onsets of a fit's keys, each as it sounds by itself.

    An onset is looked at from a moment after it, when the hammer is gone, until the next one.

    Args:
        fit: of keys; every resonance that is struck has a pitch.

    Attributes:
        fit: as given.
        rate: Hz.
        onsets: in time.
        spans: [onsets] samples that each is looked at; below `SHORTEST_S` it tells nothing.
        tuning: ratio to A4 = 440 Hz.
    """

    def __init__(self, fit: Fit) -> None:
        draft = fit.draft
        self.fit, self.rate = fit, draft.sample_rate
        self.onsets = onsets_of(draft.strikes, self.rate)
        frames = [onset.frame for onset in self.onsets] + [draft.length]
        free = np.diff(frames) - round((SKIP_S + CLEAR_S) * self.rate)
        self.spans = np.minimum(free, round(SPAN_S * self.rate))
        self._key = {
            strike.resonance: nearest_key(draft.resonances[strike.resonance].pitch_hz)
            for strike in draft.strikes
        }
        self.tuning = float(
            np.median([draft.resonances[i].pitch_hz / key_hz(k) for i, k in self._key.items()])
        )

    def key(self, resonance: int) -> int:
        """The key of a resonance that is struck."""
        return self._key[resonance]

    def partials(self, key: int) -> Float:
        """[partials] Hz."""
        return partial_hz(float(key), key_hz(key, self.tuning), PARTIALS)

    def onset_of(self, strike: Strike) -> int:
        """Number of the onset that a strike is nearest to."""
        frames = [onset.frame for onset in self.onsets]
        return int(np.argmin(np.abs(np.array(frames) - strike.onset)))

    def strikes(self, number: int, resonance: int) -> list[Strike]:
        """A resonance's strikes at other onsets that are heard about as long, the longest first."""
        return [strike for strike, _ in self._others(number, resonance)]

    def is_apart(self, number: int, resonance: int, others: set[int]) -> bool:
        """Whether one of these strikes is without any of some other resonances."""
        return any(
            not any(strike.resonance in others for strike in self.onsets[place].strikes)
            for _, place in self._others(number, resonance)
        )

    def _others(self, number: int, resonance: int) -> list[tuple[Strike, int]]:
        """Strikes at other onsets, and which."""
        least = AS_LONG * self.spans[number]
        found = [
            (strike, place)
            for place, (onset, span) in enumerate(zip(self.onsets, self.spans, strict=True))
            if place != number and span >= least
            for strike in onset.strikes
            if strike.resonance == resonance
        ]
        return sorted(found, key=lambda one: -self.spans[one[1]])[:OTHERS]

    def brought(self, first: int, span: int, strikes: Sequence[Strike]) -> Float:
        """[span] samples from a frame on: some strikes, and what nobody explains.

        That is known within the recording only; strikes ring on beyond it.
        """
        sound = np.zeros(span)
        lead = max(-first, 0)
        left = self.fit.residual[max(first, 0) : max(first + span, 0)]
        sound[lead : lead + len(left)] = left
        for strike in strikes:
            late = first - strike.onset
            own = self.fit.sound(strike, max(late + span, 0))[max(late, 0) :]
            place = max(-late, 0)
            sound[place : place + len(own)] += own[: max(span - place, 0)]
        return sound


def usual_gain(strikes: Sequence[Strike]) -> float:
    """What strikes of one key mostly have; mistaken ones are the faint ones."""
    return float(np.quantile([strike.gain for strike in strikes], USUAL))


def beside(places_hz: Float | float, partials: Float) -> NDArray[np.bool]:
    """Which places are too near to some partials to be told from them."""
    places = np.asarray(places_hz)
    away = np.abs(places[..., None] - partials).min(axis=-1, initial=np.inf)
    return np.asarray(away < np.maximum(APART_HZ, APART * places))
