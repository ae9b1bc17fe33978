"""How much each onset sounds like the strikes that a key has elsewhere.

A spectrum hardly tells a key from an octave of it, for they share their partials; a waveform does.
The partials of two strikes of one key stand to each other as one delay makes them stand, those of
two keys as chance has it. So what an onset brought, everything else taken away, is compared with
the sum of a key's other strikes, all frequencies counting alike (the phase transform; Knapp &
Carter, IEEE TASSP 1976). Thread: any.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.keyboard import nearest_key, partial_weight
from rtsynth.decompose.keys.played import TOGETHER_S

__all__ = ["Alike", "Onset", "likenesses", "onsets_of"]

REACH_S, PEAK_S = 0.02, 0.001  # as far as an onset may be wrong; width of a likeness
BEFORE_S, AFTER_S, FADE = REACH_S + 0.003, 0.25, 0.3  # what is compared; share that fades
NEAR = (20.0, 0.012)  # Hz and share, around a partial
STRIKE_WEIGHT = 0.1
QUIET = 1e-4  # of the loudest bin

Single = NDArray[np.float32]
SingleComplex = NDArray[np.complex64]


@dataclasses.dataclass(frozen=True)
class Onset:
    """Strikes that begin together.

    Attributes:
        frame: of the first.
        strikes: in time.
    """

    frame: int
    strikes: list[Strike]

    def of(self, resonance: int) -> Strike | None:
        """Its first strike of a resonance, if there is one."""
        return next((s for s in self.strikes if s.resonance == resonance), None)


@dataclasses.dataclass(frozen=True)
class Alike:
    """How much an onset sounds like the strikes that a resonance has elsewhere.

    Attributes:
        likeness: times its root mean square at other delays, some 50 ms of them; less by up to 1
            the further off the onset would be. About 3 for keys that are not alike; 0 if nothing
            can be compared.
        frame: where the resonance would be struck.
        others: strikes elsewhere; 0 if there are none to compare with.
    """

    likeness: float = 0.0
    frame: int = 0
    others: int = 0


def onsets_of(strikes: Sequence[Strike], sample_rate: float) -> list[Onset]:
    """Strikes by onset, in time; what begins within 30 ms of a first strike belongs to it."""
    together = round(TOGETHER_S * sample_rate)
    onsets: list[Onset] = []
    for strike in sorted(strikes, key=lambda s: (s.onset, s.resonance)):
        if not onsets or strike.onset - onsets[-1].frame >= together:
            onsets.append(Onset(strike.onset, []))
        onsets[-1].strikes.append(strike)
    return onsets


def likenesses(
    fit: Fit, onsets: Sequence[Onset], *, elsewhere: bool = True
) -> dict[int, list[Alike]]:
    """For every resonance that has a pitch and is struck, its likeness to each onset.

    Args:
        fit: of keys; every resonance is one key's.
        onsets: all strikes of its draft.
        elsewhere: compare onsets without the resonance, too: nearly all of the time.
    """
    looking = _Looking(fit)
    seen = [looking.spectrum(looking.around(onset.frame, onset.strikes)) for onset in onsets]
    found = {}
    for index, resonance in enumerate(fit.draft.resonances):
        own = [onset.of(index) for onset in onsets]
        if resonance.pitch_hz > 0.0 and any(own):
            weight = looking.weight(resonance.pitch_hz)
            found[index] = _likeness(looking, onsets, seen, own, weight, elsewhere)
    return found


def _likeness(
    looking: "_Looking",
    onsets: Sequence[Onset],
    seen: Sequence[SingleComplex],
    own: Sequence[Strike | None],
    weight: Single,
    elsewhere: bool,
) -> list[Alike]:
    """[onsets] of one resonance, whose strike at each onset is given where it has one."""
    spectra = [None if strike is None else looking.strike(strike) for strike in own]
    known = [spectrum for spectrum in spectra if spectrum is not None]
    total, found = np.sum(known, axis=0), []
    for onset, whole, strike, spectrum in zip(onsets, seen, own, spectra, strict=True):
        others = len(known) - (spectrum is not None)
        if others == 0 or not (strike or elsewhere):
            found.append(Alike())
            continue
        rest = total if spectrum is None else total - spectrum
        among = onset.strikes if strike is None else [strike]  # it begins among these
        span = min(s.onset for s in among), max(s.onset for s in among)
        likeness, late = looking.compare(
            whole, rest, weight, (span[0] - onset.frame, span[1] - onset.frame)
        )
        found.append(Alike(likeness, looking.inside(onset.frame + late), others))
    return found


class _Looking:
    """How strikes of a fit's draft are looked at."""

    def __init__(self, fit: Fit) -> None:
        rate = fit.draft.sample_rate
        self._fit, self._rate = fit, rate
        self._before, self._reach = round(BEFORE_S * rate), round(REACH_S * rate)
        self._length = self._before + round(AFTER_S * rate)
        self._size = scipy.fft.next_fast_len(2 * self._length, real=True)
        self._freq = scipy.fft.rfftfreq(self._size, 1.0 / rate)
        self._window = np.ones(self._length)
        fading = round(FADE * self._length)
        self._window[-fading:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(fading) / fading)
        longest = self._length + round(TOGETHER_S * rate)
        # by resonance, as these keep the sound that their strikes share
        strikes = sorted(fit.draft.strikes, key=lambda strike: strike.resonance)
        self._sounds: dict[int, Single] = {
            id(s): fit.sound(s, min(longest, fit.draft.length - s.onset)).astype(np.float32)
            for s in strikes
        }

    def inside(self, frame: int) -> int:
        """The nearest frame of the recording."""
        return min(max(frame, 0), self._fit.draft.length - 1)

    def around(self, frame: int, strikes: Sequence[Strike]) -> Float:
        """[samples] around an onset what some strikes brought and what nobody explains."""
        first = frame - self._before
        there = self._fit.residual[max(first, 0) : first + self._length]
        sound = np.zeros(self._length)
        lead = max(-first, 0)
        sound[lead : lead + len(there)] = there
        for strike in strikes:
            place = strike.onset - first
            own = self._sounds[id(strike)][: max(self._length - place, 0)]
            sound[place : place + len(own)] += own
        return sound

    def spectrum(self, sound: Float) -> SingleComplex:
        """[bins]."""
        faded = (sound * self._window).astype(np.float32)
        spectrum: SingleComplex = scipy.fft.rfft(faded, self._size)
        return spectrum

    def strike(self, strike: Strike) -> SingleComplex:
        """[bins] of one strike, all others taken away; a loud one tells more."""
        return self.spectrum(self.around(strike.onset, [strike])) * np.float32(strike.gain)

    def weight(self, pitch_hz: float) -> Single:
        """[bins] how much each tells of a key."""
        key = nearest_key(pitch_hz)
        weight = partial_weight(self._freq, key, pitch_hz, NEAR, STRIKE_WEIGHT)
        return np.asarray(weight, np.float32)

    def compare(
        self, one: SingleComplex, other: SingleComplex, weight: Single, span: tuple[int, int]
    ) -> tuple[float, int]:
        """Likeness of two sounds, and by how many samples the first is later.

        Args:
            one: [bins].
            other: [bins].
            weight: [bins].
            span: by how many samples it is likely to be later, from … to.
        """
        cross = one * other.conj()
        level = np.abs(cross)
        cross *= weight / (level + QUIET * level.max() + 1e-30)
        lags = np.arange(span[0] - self._reach, span[1] + self._reach + 1)
        alike = scipy.fft.irfft(cross, self._size)[lags]
        # so far off an onset may be, but seldom is
        off = (np.maximum(np.maximum(span[0] - lags, lags - span[1]), 0) / self._reach) ** 2
        usual = float(np.sqrt(np.mean(alike**2))) + 1e-30
        best = int(np.argmax(alike / usual - off))
        apart = np.abs(lags - lags[best]) >= PEAK_S * self._rate
        usual = float(np.sqrt(np.mean(alike[apart] ** 2))) + 1e-30
        return float(alike[best]) / usual - float(off[best]), int(lags[best])
