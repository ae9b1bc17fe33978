"""Strikes that were missed or mistaken, told by what the other strikes of their keys sound like.

A key was missed at an onset that sounds like its other strikes (`likeness`) and needs it: the
onset's other keys do not explain all of it. A key was mistaken for another if each of its strikes
sounds like that one and is explained by it. And a strike that is faint and unlike its key's others
is none. Here keys are called by their resonances. Thread: any.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.optimize import nnls

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.elsewhere import usual_gain
from rtsynth.decompose.keys.likeness import likenesses, onsets_of
from rtsynth.decompose.keys.played import TOGETHER_S

__all__ = ["recognise"]

ALIKE, ALIKE_TO_ONE = 3.9, 4.4  # likeness from which on a key may have been missed
AS_OWN = 0.7  # and so much of its own: what its strikes usually have to each other
COPIES = 4.2  # what they have if each sounds like the others, as a guitar's often do not
WANTED = 0.22  # likeness against its own times level of one that was missed
WORTH = 0.02  # by what share of it the misfit grows without it
SURE, SURE_OWN, SURE_LEVEL = 5.0, 0.82, 0.3  # likeness that needs no level, and the one it gets
ORDINARY = 3.0  # likeness that keys have to each other; where it is more, more is needed
TOLD = 0.15  # likeness beyond that times the share explained, of what a key was mistaken for
PARTIALS, WITHIN_CENTS = 12, 50.0
LITTLE, FAINT = 3.5, 0.15  # likeness below which a strike of so low a level goes
UNLIKE, NEEDLESS = 2.9, 0.01  # likeness below which one goes that the misfit does not need
BEFORE_S, AFTER_S = 0.06, 0.3


def recognise(fit: Fit, *, sure: bool = False, adding: bool = True) -> tuple[int, int]:
    """Add strikes that were missed; replace and forget those that were mistaken.

    A strike's level is its gain against the usual one of its key.

    Args:
        fit: of keys; its draft and residual are changed. Every resonance is one key's.
        sure: likeness alone counts, too, where it is clear: the onset's other keys may have learned
            as their own what was missed, or a key may be nothing else. Too soon after one sweep.
        adding: else strikes are only forgotten; at last, for no sweep follows that could learn.

    Returns:
        strikes added and taken away.
    """
    heard = _Heard(fit, adding)
    found, gone = _mistaken(heard) if sure and adding else ([], [])
    for number, onset in enumerate(heard.onsets):
        if not any(strike in gone for strike in onset.strikes):
            missing = heard.missing(number) if adding else []
            clear = heard.clear(number, missing) if sure else set()
            missed, none = _weighed(heard, number, missing, clear)
            found += missed
            gone += none
    kept = [strike for strike in fit.draft.strikes if strike not in gone]
    new = _apart(found, kept, round(TOGETHER_S * fit.draft.sample_rate))
    fit.put_back(gone)
    fit.draft.strikes[:] = kept + new
    fit.take_away(new)
    return len(new), len(gone)


Found = tuple[float, Strike]  # likeness and strike


class _Heard:
    """What the onsets of a fit's draft sound like.

    Args:
        fit: of keys.
        elsewhere: compare onsets with keys that they have not, too.

    Attributes:
        fit: as given.
        onsets: in time.
        alike: per key, [onsets].
        places: per key, the onsets that have it.
        usual: gain of each key.
    """

    def __init__(self, fit: Fit, elsewhere: bool) -> None:
        self.fit = fit
        self.onsets = onsets_of(fit.draft.strikes, fit.draft.sample_rate)
        self.alike = likenesses(fit, self.onsets, elsewhere=elsewhere)
        numbered = list(enumerate(self.onsets))
        self.places = {key: {n for n, onset in numbered if onset.of(key)} for key in self.alike}
        self.usual = {key: usual_gain(fit.draft.of(key)) + 1e-30 for key in self.alike}
        self._own = {key: self._own_likeness([key]) for key in self.alike}
        self._all = self._own_likeness(self.alike)

    def _own_likeness(self, keys: Iterable[int]) -> float:
        """What strikes of some keys usually have to their keys' others; 0 if there are none."""
        own = [self.alike[key][number] for key in keys for number in sorted(self.places[key])]
        return float(np.median([found.likeness for found in own if found.others] or [0.0]))

    def are_copies(self, key: int) -> bool:
        """Whether each of a key's strikes is like the others, as a guitar's often are not."""
        return self._own[key] >= COPIES

    def as_own(self, key: int, number: int) -> float:
        """Likeness of an onset to a key against what the key's strikes have to each other."""
        return self.alike[key][number].likeness / max(self._own[key], ALIKE_TO_ONE)

    def like(self, key: int) -> set[int]:
        """Onsets without a key that are at all like it."""
        alike = self.alike[key]
        return {n for n in range(len(alike)) if alike[n].likeness >= ALIKE} - self.places[key]

    def missing(self, number: int) -> list[int]:
        """Keys that an onset is about as like as their strikes are to each other, and has not."""
        keys = []
        for key, found in self.alike.items():
            least = max(ALIKE, AS_OWN * self._own[key]) if self._own[key] else ALIKE_TO_ONE
            if number not in self.places[key] and found[number].likeness >= least:
                keys.append(key)
        return keys

    def clear(self, number: int, missing: Iterable[int]) -> set[int]:
        """Of the keys missing at an onset those that it is like beyond doubt.

        Keys that often follow each other have learned of each other, and all their strikes are
        alike somewhat: an onset must be more like what it lacks than others with its keys are.
        """
        clear = set()
        for key in missing:
            found, usual = self.alike[key], [ORDINARY]
            for strike in self.onsets[number].strikes:
                beside = self.places.get(strike.resonance, set()) - self.places[key] - {number}
                usual += [float(np.median([found[n].likeness for n in beside]))] if beside else []
            least = max(SURE + max(usual) - ORDINARY, SURE_OWN * self._own[key])
            if self.are_copies(key) and found[number].likeness >= least:
                clear.add(key)
        return clear

    def strike(self, key: int, number: int) -> Strike:
        """The strike that an onset would have of a key, of its usual gain."""
        return Strike(self.alike[key][number].frame, key, self.usual[key])

    def is_doubtful(self, strike: Strike, number: int) -> bool:
        """Whether an onset's strike may be none: most strikes here are copies, and it is not."""
        if strike.resonance not in self.alike or self._all < COPIES:
            return False
        found = self.alike[strike.resonance][number]
        return found.others > 0 and found.likeness < LITTLE


def _apart(found: Iterable[Found], kept: Sequence[Strike], together: int) -> list[Strike]:
    """Of strikes found those that are none of a key's others, the likeliest first."""
    new: list[Strike] = []
    for _, strike in sorted(found, key=lambda one: -one[0]):
        same = [s for s in (*kept, *new) if s.resonance == strike.resonance]
        if all(abs(s.onset - strike.onset) >= together for s in same):
            new.append(strike)
    return new


def _mistaken(heard: _Heard) -> tuple[list[Found], list[Strike]]:
    """Strikes found, and those that they replace.

    A key is mistaken for another where one of its partials is heard as that. What it explains tells
    more than a likeness, of which a little will do. What replaces another is not replaced itself.
    """
    found: list[Found] = []
    gone: list[Strike] = []
    resonances, right, wrong = heard.fit.draft.resonances, set[int](), set[int]()
    for key in sorted(
        heard.alike, key=lambda key: (-len(heard.places[key]), resonances[key].pitch_hz)
    ):
        like = heard.like(key)
        if key in wrong or not heard.are_copies(key):
            continue
        others = {
            other
            for other, places in heard.places.items()
            if places <= like
            and other not in right | wrong
            and _is_partial(resonances[other].pitch_hz, resonances[key].pitch_hz)
            and _told(heard, key, other) >= TOLD
        }
        for number in sorted(like):
            replaced = [s for s in heard.onsets[number].strikes if s.resonance in others]
            if replaced:
                strike = heard.strike(key, number)
                _level(heard.fit, replaced, strike)
                found.append((heard.alike[key][number].likeness, strike))
                gone += replaced
        wrong |= others
        right |= {key} if others else set()
    return found, gone


def _is_partial(high_hz: float, low_hz: float) -> bool:
    """Whether a key is about one of the first twelve partials of another, not itself."""
    ratio = high_hz / low_hz
    order = max(round(ratio), 1)
    return 2 <= order <= PARTIALS and abs(1200.0 * np.log2(ratio / order)) < WITHIN_CENTS


def _told(heard: _Heard, key: int, other: int) -> float:
    """How plainly all strikes of another key are a key's: likeness beyond the ordinary times share.

    The share is what a strike of the key explains of what the other one is said to sound like.
    """
    told = []
    for number in heard.places[other]:
        strike = heard.onsets[number].of(other)
        stretch = _Stretch(heard.fit, heard.onsets[number].frame)
        own = stretch.sound(heard.strike(key, number))
        said = stretch.sound(strike) if strike else np.zeros_like(own)
        common = max(float(own @ said), 0.0)
        share = common**2 / (float(own @ own) * float(said @ said) + 1e-30)
        told.append((heard.alike[key][number].likeness - ORDINARY) * share)
    return float(np.mean(told))


def _level(fit: Fit, replaced: Sequence[Strike], strike: Strike) -> None:
    """Give a strike the gain at which it explains most of what others did, and of what is left."""
    stretch = _Stretch(fit, replaced[0].onset)
    wanted = stretch.left() + np.sum([stretch.sound(other) for other in replaced], axis=0)
    own = stretch.sound(strike)
    strike.gain *= max(float(own @ wanted), 0.0) / (float(own @ own) + 1e-30)


def _weighed(
    heard: _Heard, number: int, missing: Iterable[int], clear: set[int]
) -> tuple[list[Found], list[Strike]]:
    """Strikes that are missed at an onset, and those of it that are none; one is left in any case.

    Args:
        heard: all onsets.
        number: of the onset.
        missing: keys that it may lack.
        clear: those of them that it is like beyond doubt.
    """
    onset = heard.onsets[number]
    missed = [heard.strike(key, number) for key in missing]
    doubtful = [strike for strike in onset.strikes if heard.is_doubtful(strike, number)]
    if not missed and not doubtful:
        return [], []
    balance = _Balance(heard.fit, onset.frame, onset.strikes, missed)
    gone: list[Strike] = []
    while len(gone) < len(onset.strikes) - 1:
        levels = {s: balance.gain(s) / heard.usual[s.resonance] for s in doubtful if s not in gone}
        none = [s for s in levels if _is_none(heard, number, s, levels[s], balance.worth(s))]
        if not none:
            break
        gone.append(min(none, key=lambda s: levels[s]))
        balance.forget(gone[-1])
    found = []
    for strike in missed:
        key, gain = strike.resonance, balance.gain(strike)
        wanted = heard.as_own(key, number) * gain / heard.usual[key] >= WANTED
        if (wanted and balance.worth(strike) >= WORTH) or key in clear:
            strike.gain = max(gain, SURE_LEVEL * heard.usual[key] if key in clear else 0.0)
            found.append((heard.alike[key][number].likeness, strike))
    return found, gone


def _is_none(heard: _Heard, number: int, strike: Strike, level: float, worth: float) -> bool:
    """Whether a doubtful strike is faint, or unlike and needless."""
    likeness = heard.alike[strike.resonance][number].likeness
    return level < FAINT or (worth < NEEDLESS and likeness < UNLIKE)


class _Balance:
    """The gains at which strikes explain an onset together, none below 0.

    Args:
        fit: whose residual lacks what is there already.
        frame: of the onset.
        there: strikes that are there already.
        more: those that may be there as well.
    """

    def __init__(
        self, fit: Fit, frame: int, there: Sequence[Strike], more: Sequence[Strike]
    ) -> None:
        stretch = _Stretch(fit, frame)
        self._strikes = [*there, *more]
        self._sounds = np.stack([stretch.sound(strike) for strike in self._strikes], axis=1)
        self._wanted = stretch.left() + self._sounds[:, : len(there)].sum(axis=1)
        self._solve()

    def _solve(self) -> None:
        self._gains, self._misfit = nnls(self._sounds, self._wanted)

    def gain(self, strike: Strike) -> float:
        """Its gain then."""
        return float(self._gains[self._strikes.index(strike)]) * strike.gain

    def worth(self, strike: Strike) -> float:
        """By what share of it the misfit grows without a strike."""
        others = np.delete(self._sounds, self._strikes.index(strike), axis=1)
        left = nnls(others, self._wanted)[1] if others.shape[1] else np.linalg.norm(self._wanted)
        return float((left / (self._misfit + 1e-30)) ** 2) - 1.0

    def forget(self, strike: Strike) -> None:
        """Do without a strike."""
        place = self._strikes.index(strike)
        del self._strikes[place]
        self._sounds = np.delete(self._sounds, place, axis=1)
        self._solve()


class _Stretch:
    """The sound around an onset, weighted as the fit weighs it."""

    def __init__(self, fit: Fit, frame: int) -> None:
        rate = fit.draft.sample_rate
        self._fit = fit
        self._first = max(frame - round(BEFORE_S * rate), 0)
        self._end = min(frame + round(AFTER_S * rate), fit.draft.length)

    def left(self) -> Float:
        """[samples] what nobody explains."""
        there = slice(self._first, self._end)
        return self._fit.residual[there] * self._fit.weight[there]

    def sound(self, strike: Strike) -> Float:
        """[samples] of a strike."""
        sound = np.zeros(self._end - self._first)
        place = strike.onset - self._first
        own = self._fit.sound(strike, max(len(sound) - place, 0))
        sound[place : place + len(own)] = own
        return sound * self._fit.weight[self._first : self._end]
