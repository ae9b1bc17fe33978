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
from rtsynth.decompose.keys.elsewhere import SHORTEST_S, SKIP_S, Elsewhere, beside
from rtsynth.decompose.keys.keyboard import KEYS, key_hz, nearest_key

__all__ = ["Unheard", "add_unheard", "find_unheard"]

BEFORE_S = 0.02  # where what rings on is looked at, before an onset
PARTIALS = 16  # of the key sought
PLACE_HZ, PLACE, LOOSER = 3.0, 0.012, 0.02  # where a partial's peak may be; wider with its number
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


def find_unheard(fit: Fit, most: int, covered: Sequence[Strike] = ()) -> list[Unheard]:
    """Keys that chords show and nobody has found.

    Args:
        fit: of keys, after two sweeps: it must be known what every key sounds like.
        most: at most so many.
        covered: strikes that chords are known to have beside those of the fit's draft.
    """
    draft = fit.draft
    struck = {strike.resonance for strike in draft.strikes}
    if most <= 0 or not struck or any(draft.resonances[index].pitch_hz <= 0.0 for index in struck):
        return []
    chords = _Chords(fit, covered)
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
    """What the onsets of a fit bring that their keys do not bring elsewhere.

    Args:
        fit: of keys.
        covered: strikes that were found since, which its draft has not yet.
    """

    def __init__(self, fit: Fit, covered: Sequence[Strike]) -> None:
        self._heard = Elsewhere(fit)
        self._covered = covered
        self.onsets = self._heard.onsets
        found = [r.pitch_hz for r in fit.draft.resonances if r.pitch_hz > 0.0]  # struck now or not
        self._found = {nearest_key(pitch_hz) for pitch_hz in found}

    def unheard(self, number: int) -> _Shown | None:
        """The key that shows most plainly at an onset of those that are found nowhere."""
        onset, span, rate = self.onsets[number], int(self._heard.spans[number]), self._heard.rate
        struck = {strike.resonance for strike in self._struck(number)}
        if span < SHORTEST_S * rate or len(struck) < 2:
            return None
        brought, left = (self._brought(number, some) for some in (onset.strikes, []))
        if left @ left > LEFT * (brought @ brought):  # its own keys are not as loud as they should
            return None
        here = _Spectrum(brought, rate)
        ringing = _Spectrum(self._before(onset.frame, span), rate)
        known, strange = self._known(number, span)
        ceiling = np.maximum(MORE * known, RISEN * ringing.level)
        theirs = np.concatenate([self._heard.partials(self._heard.key(key)) for key in struck])
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
        for order, place in enumerate(self._heard.partials(key)[:PARTIALS], 1):
            reach = max(PLACE_HZ, PLACE * place * (1.0 + LOOSER * order))
            peak = None if beside(place, strange) else here.peak(place, reach, ceiling)
            if peak is not None:
                freq.append(peak[0])
                loudest = max(loudest, peak[1])
            elif order == 1:
                return None
            own = not beside(place, theirs)
            alone += peak is not None and own
            possible += peak is not None or own
        enough = max(FEWEST, MOST_OF_THEM * possible)
        is_key = len(freq) >= enough and alone > 0 and loudest >= LOUD
        return _Shown(key, freq) if is_key else None

    def resonance(self, number: int, shown: _Shown) -> Resonance:
        """The first guess of a key's resonance, from the partials that nobody has."""
        rate, span = self._heard.rate, int(self._heard.spans[number])
        freq_hz = np.array(shown.freq_hz)
        t60_s = np.full(len(freq_hz), T60_S)
        sound = self._brought(number, self.onsets[number].strikes)
        s = poles(freq_hz, t60_s, rate)
        amplitude = weighted_amplitudes(s, sound, [(0, span, 1.0)])
        pitch_hz = key_hz(shown.key, self._heard.tuning)
        modes = Modes(freq_hz, t60_s, amplitude * np.exp(-s * round(SKIP_S * rate)))
        return Resonance(modes, pitch_hz=pitch_hz)

    def _brought(self, number: int, strikes: list[Strike]) -> Float:
        """[span] samples from a moment after an onset: some strikes and what nobody explains."""
        first = self.onsets[number].frame + round(SKIP_S * self._heard.rate)
        return self._heard.brought(first, int(self._heard.spans[number]), strikes)

    def _before(self, frame: int, span: int) -> Float:
        """[span] samples until a moment before an onset."""
        last = max(frame - round(BEFORE_S * self._heard.rate), 0)
        sound = np.zeros(span)
        rang = self._heard.fit.signal[max(last - span, 0) : last]
        sound[: len(rang)] = rang
        return sound

    def _struck(self, number: int) -> list[Strike]:
        """All strikes of an onset."""
        return [
            *self.onsets[number].strikes,
            *(strike for strike in self._covered if self._heard.onset_of(strike) == number),
        ]

    def _known(self, number: int, span: int) -> tuple[Float, Float]:
        """[bins] level an onset's keys would have by what they have elsewhere.

        And the frequencies of all partials of those that have nothing elsewhere.
        """
        heard, skip = self._heard, round(SKIP_S * self._heard.rate)
        power = np.zeros(_size(span) // 2 + 1)
        strange = [np.zeros(0)]
        for strike in self._struck(number):
            others = heard.strikes(number, strike.resonance)
            if not others:
                strange.append(heard.partials(heard.key(strike.resonance)))
                continue
            levels = [
                _Spectrum(heard.brought(other.onset + skip, span, [other]), heard.rate).level
                / max(other.gain, 1e-9)
                for other in others
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


def _size(samples: int) -> int:
    """Of the transform of so many samples."""
    return 1 << (3 * samples - 1).bit_length()
