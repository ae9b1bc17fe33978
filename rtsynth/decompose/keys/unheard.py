"""Keys that are struck in chords and never by themselves, and were found nowhere.

Nothing tells what such a key sounds like, and the chord's other keys learn its partials as their
own: by the waveform nothing is missing. But at their other strikes these keys have not got them.
So the spectrum that an onset brought is compared with what its keys bring elsewhere; the partials
that are beyond that, and of no key there, are looked at as a harmonic series. Thread: any.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.fft

from rtsynth.decompose.amplitude import weighted_amplitudes
from rtsynth.decompose.damped import Float, Modes, poles
from rtsynth.decompose.draft import Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.keyboard import KEYS, key_hz, nearest_key, partial_hz
from rtsynth.decompose.keys.likeness import Onset, onsets_of

__all__ = ["Unheard", "add_unheard", "find_unheard"]

SKIP_S, SPAN_S, SHORTEST_S, CLEAR_S = 0.03, 0.4, 0.1, 0.01  # after the hammer, before the next
BEFORE_S = 0.02  # where what rings on is looked at, before an onset
AS_LONG = 0.7  # of an onset's span: as long as that a strike elsewhere is heard by itself
OTHERS = 6  # strikes elsewhere that are looked at
PARTIALS, THEIRS = 16, 32  # of the key sought, and of those that are there
PLACE_HZ, PLACE, LOOSER = 3.0, 0.012, 0.02  # where a partial's peak may be; wider with its number
APART_HZ, APART = 8.0, 0.02  # from every partial of those that are there
AROUND_HZ = 60.0
OUT_OF_NOISE, MORE, RISEN = 4.0, 4.0, 2.0  # a peak against its surroundings, elsewhere, before
FAINTEST, LOUD = 3e-4, 0.08  # of the onset's loudest peak: any partial, and the loudest of them
FEWEST, MOST_OF_THEM = 3, 0.5  # partials that must be there, and of those that could be
LEFT = 0.25  # of what an onset brought, that may be unexplained
T60_S = 1.0  # of a new key's modes, until the fit knows better


@dataclasses.dataclass(frozen=True)
class Unheard:
    """A key that was found nowhere.

    Attributes:
        resonance: the first guess of it.
        onsets: frames at which chords show it.
    """

    resonance: Resonance
    onsets: list[int]


def find_unheard(fit: Fit, most: int) -> list[Unheard]:
    """Keys that chords show and nobody has found.

    Args:
        fit: of keys, after two sweeps: it must be known what every key sounds like.
        most: at most so many.
    """
    draft = fit.draft
    struck = {strike.resonance for strike in draft.strikes}
    if most <= 0 or not struck or any(draft.resonances[index].pitch_hz <= 0.0 for index in struck):
        return []
    chords = _Chords(fit)
    found: dict[int, Unheard] = {}
    for number, onset in enumerate(chords.onsets):
        shown = chords.unheard(number)
        if shown is None or (shown.key not in found and len(found) >= most):
            continue
        if shown.key not in found:
            found[shown.key] = Unheard(chords.resonance(number, shown), [])
        found[shown.key].onsets.append(onset.frame)
    return list(found.values())


def add_unheard(fit: Fit, found: Sequence[Unheard]) -> list[Strike]:
    """Strike these keys where they were found; their resonances are the draft's last.

    Args:
        fit: its draft and residual are changed.
        found: keys that its draft has not.
    """
    draft = fit.draft
    strikes = []
    for unheard in found:
        index = len(draft.resonances)
        draft.resonances.append(unheard.resonance)
        strikes += [Strike(onset, index, 1.0) for onset in unheard.onsets]
    draft.strikes += strikes
    fit.take_away(strikes)
    return strikes


@dataclasses.dataclass(frozen=True)
class _Shown:
    """A key that an onset shows, and the frequencies of those of its partials that nobody has."""

    key: int
    freq_hz: list[float]


class _Chords:
    """What the onsets of a fit bring, and what their keys bring elsewhere.

    Args:
        fit: of keys.

    Attributes:
        onsets: in time.
    """

    def __init__(self, fit: Fit) -> None:
        draft = fit.draft
        self._fit, self._rate = fit, draft.sample_rate
        self.onsets: list[Onset] = onsets_of(draft.strikes, self._rate)
        frames = [onset.frame for onset in self.onsets] + [draft.length]
        free = np.diff(frames) - round((SKIP_S + CLEAR_S) * self._rate)
        self._spans = np.minimum(free, round(SPAN_S * self._rate))
        self._key = {
            strike.resonance: nearest_key(draft.resonances[strike.resonance].pitch_hz)
            for strike in draft.strikes
        }
        found = [r.pitch_hz for r in draft.resonances if r.pitch_hz > 0.0]  # struck now or not
        self._found = {nearest_key(pitch_hz) for pitch_hz in found}
        self._tuning = float(
            np.median([draft.resonances[i].pitch_hz / key_hz(k) for i, k in self._key.items()])
        )

    def unheard(self, number: int) -> _Shown | None:
        """The key that shows most plainly at an onset of those that are found nowhere."""
        onset, span = self.onsets[number], int(self._spans[number])
        is_chord = len({strike.resonance for strike in onset.strikes}) > 1
        if span < SHORTEST_S * self._rate or not is_chord:
            return None
        brought, left = (self._brought(onset.frame, span, some) for some in (onset.strikes, []))
        if left @ left > LEFT * (brought @ brought):  # its own keys are not as loud as they should
            return None
        here = _Spectrum(brought, self._rate)
        ringing = _Spectrum(self._before(onset.frame, span), self._rate)
        known, strange = self._known(number, span)
        ceiling = np.maximum(MORE * known, RISEN * ringing.level)
        theirs = np.concatenate([self._partials(self._key[s.resonance]) for s in onset.strikes])
        found = [
            shown
            for key in sorted(set(KEYS.tolist()) - self._found)
            if (shown := self._shown(key, here, ceiling, theirs, strange)) is not None
        ]
        return max(found, key=lambda shown: len(shown.freq_hz), default=None)

    def _shown(
        self, key: int, here: "_Spectrum", ceiling: Float, theirs: Float, strange: Float
    ) -> _Shown | None:
        """A key's partials that stand out; None if these are too few, too faint or rootless.

        Where another key has a partial, one that does not stand out tells nothing; where nobody
        knows how loud the other's is, nor does one that does. One at least must be where no other
        key has any, else it may be all partials of a lower key.
        """
        freq, alone, possible, loudest = list[float](), 0, 0, 0.0
        for order, place in enumerate(self._partials(key)[:PARTIALS], 1):
            reach = max(PLACE_HZ, PLACE * place * (1.0 + LOOSER * order))
            peak = None if _beside(place, strange) else here.peak(place, reach, ceiling)
            if peak is not None:
                freq.append(peak[0])
                loudest = max(loudest, peak[1])
            elif order == 1:
                return None
            own = not _beside(place, theirs)
            alone += peak is not None and own
            possible += peak is not None or own
        enough = max(FEWEST, MOST_OF_THEM * possible)
        is_key = len(freq) >= enough and alone > 0 and loudest >= LOUD
        return _Shown(key, freq) if is_key else None

    def resonance(self, number: int, shown: _Shown) -> Resonance:
        """The first guess of a key's resonance, from the partials that nobody has."""
        onset, span = self.onsets[number], int(self._spans[number])
        skip = round(SKIP_S * self._rate)
        freq_hz = np.array(shown.freq_hz)
        t60_s = np.full(len(freq_hz), T60_S)
        sound = self._brought(onset.frame, span, onset.strikes)
        s = poles(freq_hz, t60_s, self._rate)
        amplitude = weighted_amplitudes(s, sound, [(0, span, 1.0)]) * np.exp(-s * skip)
        pitch_hz = key_hz(shown.key, self._tuning)
        return Resonance(Modes(freq_hz, t60_s, amplitude), pitch_hz=pitch_hz)

    def _partials(self, key: int) -> Float:
        return partial_hz(float(key), key_hz(key, self._tuning), THEIRS)

    def _brought(self, frame: int, span: int, strikes: list[Strike]) -> Float:
        """[span] samples from a moment after an onset: some strikes and what nobody explains."""
        first = frame + round(SKIP_S * self._rate)
        sound = np.zeros(span)
        left = self._fit.residual[first : first + span]
        sound[: len(left)] = left
        for strike in strikes:
            late = first - strike.onset
            own = self._fit.sound(strike, late + span)[late:]
            sound[: len(own)] += own
        return sound

    def _before(self, frame: int, span: int) -> Float:
        """[span] samples until a moment before an onset."""
        last = max(frame - round(BEFORE_S * self._rate), 0)
        sound = np.zeros(span)
        rang = self._fit.signal[max(last - span, 0) : last]
        sound[: len(rang)] = rang
        return sound

    def _known(self, number: int, span: int) -> tuple[Float, Float]:
        """[bins] level an onset's keys would have by what they have elsewhere.

        And the frequencies of all partials of those that have nothing elsewhere.
        """
        power = np.zeros(_size(span) // 2 + 1)
        strange = [np.zeros(0)]
        for strike in self.onsets[number].strikes:
            others = [
                (other, int(self._spans[place]))
                for place, onset in enumerate(self.onsets)
                if place != number and self._spans[place] >= AS_LONG * span
                for other in onset.strikes
                if other.resonance == strike.resonance
            ]
            alone = sorted(others, key=lambda one: -one[1])[:OTHERS]
            if not alone:
                strange.append(self._partials(self._key[strike.resonance]))
                continue
            levels = [
                _Spectrum(self._brought(other.onset, span, [other]), self._rate).level
                / max(other.gain, 1e-9)
                for other, _ in alone
            ]
            power += (strike.gain * np.median(levels, axis=0)) ** 2
        return np.sqrt(power), np.concatenate(strange)


class _Spectrum:
    """The levels of a sound's frequencies, and the peaks among them.

    Args:
        sound: [samples].
        sample_rate: Hz.

    Attributes:
        level: [bins] amplitude.
    """

    def __init__(self, sound: Float, sample_rate: float) -> None:
        window = np.hanning(len(sound))
        size = _size(len(sound))
        spectrum = np.abs(scipy.fft.rfft(sound * window, size))
        self.level: Float = spectrum * 2.0 / window.sum()
        self._loudest = float(self.level.max(initial=0.0))
        self._step_hz = sample_rate / size

    def peak(self, place_hz: float, reach_hz: float, ceiling: Float) -> tuple[float, float] | None:
        """Frequency and level, against the loudest, of a peak that stands out; None for none.

        Args:
            place_hz: where it should be.
            reach_hz: by so much it may be elsewhere.
            ceiling: [bins] level that it must be over.
        """
        near = self._slice(place_hz, reach_hz)
        if near.stop + 1 >= len(self.level) or near.start < 1:
            return None
        top = near.start + int(np.argmax(self.level[near]))
        level = float(self.level[top])
        around = float(np.median(self.level[self._slice(place_hz, AROUND_HZ)]))
        if (
            level < max(self.level[top - 1], self.level[top + 1])
            or level <= FAINTEST * self._loudest
            or level <= OUT_OF_NOISE * around
            or level <= float(ceiling[top - 2 : top + 3].max(initial=0.0))
        ):
            return None
        return top * self._step_hz, level / self._loudest

    def _slice(self, centre_hz: float, half_hz: float) -> slice:
        first, last = (centre_hz - half_hz) / self._step_hz, (centre_hz + half_hz) / self._step_hz
        return slice(max(int(first), 0), int(last) + 1)


def _beside(place_hz: float, partials: Float) -> bool:
    """Whether a place is too near to some partials to be told from them."""
    away = np.abs(partials - place_hz).min(initial=np.inf)
    return bool(away < max(APART_HZ, APART * place_hz))


def _size(samples: int) -> int:
    """Of the transform of so many samples."""
    return 1 << (3 * samples - 1).bit_length()
