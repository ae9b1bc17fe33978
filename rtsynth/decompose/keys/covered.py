"""Strikes of known keys that were missed in chords, for others' partials cover theirs.

An octave's partials are all partials of the key below it, and the chord's other keys learn what a
missed strike brought as their own; so by the waveform that they are said to have nothing is
missing. But they have not got it at their other strikes. So what an onset brought is explained
once more by what each of its keys brings elsewhere, and by that of a key it has not. Where a key
of the onset is struck nowhere else its partials tell nothing. Thread: any.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.optimize import nnls

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.elsewhere import SHORTEST_S, SKIP_S, Elsewhere, beside, usual_gain
from rtsynth.decompose.keys.played import TOGETHER_S

__all__ = ["find_covered"]

REACH_S, PLACES = 0.01, 4  # a strike's distance from its onset; places that are tried
TOP_HZ = 6_000.0  # above, keys of most chords are too faint to tell
AROUND, QUIET = 9, 1e-3  # bins of a level; against the loudest, what counts no less
LEAST, WORTH = 0.4, 0.1  # of a key's usual gain; by what share of it the misfit grows without it
LEFT = 0.5  # of what an onset brought, that may be unexplained
DEARER = 0.5  # worth that is asked for, of what is unexplained
FREE = 0.4  # of what a key sounds like, that no key covers that is struck only here
COVERING = (12, 19, 24, 28, 31)  # semitones to the second to sixth partial
MOST = 4  # at one onset
OPPOSITE = 1.1  # a single partial is as much its own opposite, half a period off
AGAIN_S = 0.06  # no hammer is back sooner

Complex = NDArray[np.complex128]


def find_covered(fit: Fit) -> list[Strike]:
    """Strikes that chords have beside those of a fit's draft, in time; it is not changed.

    Args:
        fit: of keys, after two sweeps: it must be known what every key sounds like.
    """
    draft = fit.draft
    struck = {strike.resonance for strike in draft.strikes}
    if not struck or any(draft.resonances[index].pitch_hz <= 0.0 for index in struck):
        return []
    heard = Elsewhere(fit)
    gains = {index: usual_gain(draft.of(index)) for index in sorted(struck)}
    usual = {index: gain for index, gain in gains.items() if gain > 0.0}
    found: list[Strike] = []
    for number, span in enumerate(heard.spans):
        if span >= SHORTEST_S * heard.rate:
            new = _covered(_Chord(heard, number), usual)
            found += [one for one in new if _is_apart(one, [*draft.strikes, *found], heard.rate)]
    return sorted(found, key=lambda strike: (strike.onset, strike.resonance))


def _is_apart(strike: Strike, others: Sequence[Strike], rate: float) -> bool:
    """Whether a strike is none of its key's others, as in a rolled chord."""
    same = [other for other in others if other.resonance == strike.resonance]
    return all(abs(other.onset - strike.onset) >= AGAIN_S * rate for other in same)


def _covered(chord: "_Chord", usual: dict[int, float]) -> list[Strike]:
    """Strikes that a chord lacks, the plainest first."""
    found: list[Strike] = []
    while len(found) < MOST:
        rest = {key: gain for key, gain in usual.items() if chord.may_have(key)}
        told = [chord.told(key, gain) for key, gain in rest.items()]
        plain = [one for one in told if one is not None and one.is_plain()]
        best = max(plain, key=lambda one: one.worth, default=None)
        if best is None:
            break
        found.append(best.strike)
        chord.add(best.strike)
    return found


@dataclasses.dataclass(frozen=True)
class _Told:
    """How plainly a chord has a strike.

    Attributes:
        strike: as it would be.
        level: its gain against the key's usual one.
        worth: by what share of it the misfit grows without it.
        left: of what the chord brought, that is unexplained with it.
    """

    strike: Strike
    level: float
    worth: float
    left: float

    def is_plain(self) -> bool:
        """Whether the chord has it."""
        worth = max(WORTH, DEARER * self.left)  # chance explains more of what is loud
        return self.level >= LEAST and self.worth >= worth and self.left <= LEFT


class _Chord:
    """An onset, and what its keys bring elsewhere.

    Args:
        heard: all onsets.
        number: of this one.

    Attributes:
        struck: resonances that it has.
    """

    def __init__(self, heard: Elsewhere, number: int) -> None:
        onset = heard.onsets[number]
        self._heard, self._number, self._frame = heard, number, onset.frame
        self._span = int(heard.spans[number])
        self._skip, self._reach = round(SKIP_S * heard.rate), round(REACH_S * heard.rate)
        self._margin = round(TOGETHER_S * heard.rate)
        self._fade = np.hanning(2 * self._span)[self._span :]
        self._size = scipy.fft.next_fast_len(2 * self._span, real=True)
        freq_hz = scipy.fft.rfftfreq(self._size, 1.0 / heard.rate)
        self._bins = int(np.searchsorted(freq_hz, TOP_HZ))
        self._long: dict[int, Float | None] = {}
        self.struck = {strike.resonance for strike in onset.strikes}
        brought = self._spectrum(heard.brought(self._frame + self._skip, self._span, onset.strikes))
        alone = [strike for strike in onset.strikes if self._sound(strike.resonance) is None]
        strange = [heard.partials(heard.key(strike.resonance)) for strike in alone]
        told = ~beside(freq_hz[: self._bins], np.concatenate([np.zeros(0), *strange]))
        level = np.convolve(np.abs(brought) ** 2, np.full(AROUND, 1.0 / AROUND), "same") ** 0.5
        even = (level + QUIET * level.max(initial=0.0) + 1e-30) ** -0.5  # faint partials tell too
        self._even, self._weight = even, even * told
        self._brought = brought * self._weight
        self._own = [self._weight * self.expected(s) for s in onset.strikes if s not in alone]
        _, self._left = _explained(self._own, self._brought)

    def may_have(self, resonance: int) -> bool:
        """Whether one of its keys has all partials of a key that it has not, or that all of its.

        And the key is struck elsewhere without these; else it may be what they sound like.
        """
        heard, key = self._heard, self._heard.key(resonance)
        if any(heard.key(one) == key for one in self.struck):
            return False
        covering = {one for one in self.struck if abs(key - heard.key(one)) in COVERING}
        return bool(covering) and heard.is_apart(self._number, resonance, covering)

    def told(self, resonance: int, gain: float) -> _Told | None:
        """How plainly a resonance is struck; None if that cannot be told.

        Args:
            resonance: that it is not said to have.
            gain: it would have.
        """
        if self._sound(resonance) is None:
            return None
        here = self.expected(Strike(self._frame, resonance, gain))
        if _power(here * self._weight) < FREE * _power(here * self._even):
            return None
        best: _Told | None = None
        for late in self._places(here * self._weight):
            strike = Strike(self._frame + late, resonance, gain)
            gains, rest = _explained(
                [*self._own, self.expected(strike) * self._weight], self._brought
            )
            worth = _power(self._left) / (_power(rest) + 1e-30) - 1.0
            if best is None or worth > best.worth:
                level = float(gains[-1])
                unexplained = _power(rest) / (_power(self._brought) + 1e-30)
                struck = dataclasses.replace(strike, gain=level * gain)
                best = _Told(struck, level, worth, unexplained)
        return best

    def add(self, strike: Strike) -> None:
        """It has this strike, too."""
        self.struck.add(strike.resonance)
        self._own.append(self.expected(strike) * self._weight)
        _, self._left = _explained(self._own, self._brought)

    def expected(self, strike: Strike) -> Complex:
        """[bins] of a strike that sounds as its key does elsewhere."""
        sound = self._sound(strike.resonance)
        assert sound is not None
        late = strike.onset - self._frame
        first = self._margin - late
        return self._spectrum(strike.gain * sound[first : first + self._span])

    def _places(self, here: Complex) -> list[int]:
        """Frames after the onset at which a strike may be: where it is most like what is left.

        None where what is left is more like its opposite: there is too much of it, and half a
        period off that would look like a strike.
        """
        cross = np.zeros(self._size // 2 + 1, complex)
        cross[: self._bins] = self._left * here.conj()
        late = np.arange(-self._reach - 1, self._reach + 2)
        alike = scipy.fft.irfft(cross, self._size)[late]
        if -alike.min() > OPPOSITE * alike.max():
            return []
        peaks = np.flatnonzero((alike[1:-1] >= alike[:-2]) & (alike[1:-1] >= alike[2:])) + 1
        peaks = peaks[late[peaks] >= -self._frame]  # none before the recording
        best = peaks[np.argsort(-alike[peaks], kind="stable")[:PLACES]]
        return [int(place) for place in late[best]]

    def _sound(self, resonance: int) -> Float | None:
        """[samples] what a resonance struck at gain 1 brings elsewhere, with a margin around.

        By least squares, so that loud strikes tell more; None if it is struck nowhere else.
        """
        if resonance not in self._long:
            strikes = self._heard.strikes(self._number, resonance)
            length, early = self._span + 2 * self._margin, self._skip - self._margin
            sounds = [s.gain * self._heard.brought(s.onset + early, length, [s]) for s in strikes]
            power = sum(s.gain**2 for s in strikes)
            self._long[resonance] = np.sum(sounds, axis=0) / power if power > 0.0 else None
        return self._long[resonance]

    def _spectrum(self, sound: Float) -> Complex:
        """[bins] up to the highest that tells."""
        return np.asarray(scipy.fft.rfft(sound * self._fade, self._size)[: self._bins])


def _explained(sounds: Sequence[Complex], brought: Complex) -> tuple[Float, Complex]:
    """The gains at which sounds explain what was brought, none below 0, and what is left."""
    if not sounds:
        return np.zeros(0), brought
    both = [np.concatenate([sound.real, sound.imag]) for sound in sounds]
    gains, _ = nnls(np.stack(both, axis=1), np.concatenate([brought.real, brought.imag]))
    return gains, brought - np.tensordot(gains, np.stack(sounds), axes=1)


def _power(spectrum: Complex) -> float:
    return float(np.sum(np.abs(spectrum) ** 2))
