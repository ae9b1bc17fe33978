"""The modes of one resonance, peeled off its composite strike partial by partial.

Strongest partial first: its band is shifted to zero and decimated, few poles are fitted over its
whole length (`band_poles`), and what they make of the sound is taken away before the next one is
looked for. Late sound counts about as much as early sound: weights fall with the level, else the
tail, which the ear follows for seconds, is lost to the first 0.1 s. Once the neighbours are known
better, those partials of which most is left are peeled again, for a quarter of the price of all.
Thread: any.
"""

import functools
import itertools

import numpy as np
import scipy.fft
from scipy.signal import firwin

from rtsynth.decompose.amplitude import weighted_amplitudes
from rtsynth.decompose.composite import Composite
from rtsynth.decompose.damped import Complex, Float, Modes, poles, powers, ring_modes
from rtsynth.decompose.pole import band_poles
from rtsynth.decompose.smooth_power import smooth_power
from rtsynth.units import LN1000

__all__ = ["mend_modes", "peel_modes", "refit_modes"]

HALF_BAND_HZ = 30.0
WITHIN = 0.7  # of the half band, where a pole belongs to it
POLES_PER_PARTIAL = 3
ROUNDS, TOGETHER = 24, 8  # partials looked for at once
MENDS = 4  # of these rounds
SKIRT = 0.1  # of the strongest peak: below it a peak may be its skirt
LOWEST_HZ, HIGHEST_HZ = 25.0, 15_000.0
MIN_T60_S, MAX_T60_S = 0.05, 20.0
QUIETEST = 3e-4  # of the strongest partial
APART_HZ = 3.0
QUIET = 1e-6  # of the peak power: below it no piece weighs more
SKIP_S = 0.003
EDGES_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)


class _Bands:
    """Narrow bands of a signal, cut from one spectrum.

    Args:
        signal: [samples].
        trust: [samples] 0 … 1.
        sample_rate: Hz.
    """

    def __init__(self, signal: Float, trust: Float, sample_rate: float) -> None:
        half, size, self._gain = _low_pass(len(signal), sample_rate)
        self._spacing, self._reach = sample_rate / size, len(self._gain) - 1
        self._spectrum = scipy.fft.rfft(signal.astype(np.float32), size)  # 140 dB are enough
        self.rate = (2 * self._reach + 1) * self._spacing
        seconds = np.array([half, len(signal) - half]) / sample_rate
        first, last = np.ceil(seconds * self.rate).astype(int)
        self._inside = slice(int(first), max(int(last), int(first)))
        places = np.arange(first, max(last, first)) / self.rate * sample_rate
        self._known = trust[np.minimum(np.round(places).astype(int), len(signal) - 1)]

    def at(self, centre_hz: float) -> tuple[Complex, Float]:
        """[band samples] around a frequency at `rate`, and their weights."""
        middle = round(centre_hz / self._spacing)
        bins = np.arange(-self._reach, self._reach + 1)
        there = np.clip(middle + bins, 0, len(self._spectrum) - 1)
        cut = self._spectrum[there] * self._gain[np.abs(bins)] * (there == middle + bins)
        band = scipy.fft.ifft(scipy.fft.ifftshift(cut))[self._inside]
        power = smooth_power(np.abs(band), 9)
        level = np.sqrt(power + 1e-5 * float(power.max(initial=0.0)) + 1e-30)
        return band, np.sqrt(self._known / level)

    def centre(self, centre_hz: float) -> float:
        """The frequency in Hz that `at` turns to zero."""
        return float(round(centre_hz / self._spacing) * self._spacing)


@functools.lru_cache(maxsize=4)
def _low_pass(length: int, sample_rate: float) -> tuple[int, int, Float]:
    """For a signal so long: half the filter's length, the transform's size, the gain per bin."""
    half = min(int(0.9 * sample_rate / HALF_BAND_HZ), length // 6)
    taps = firwin(2 * half + 1, HALF_BAND_HZ / (sample_rate / 2.0), window=("kaiser", 6.0))
    size = scipy.fft.next_fast_len(length + 2 * half)
    turned = np.zeros(size)
    turned[: half + 1], turned[-half:] = taps[half:], taps[:half]
    reach = int(2.0 * HALF_BAND_HZ * size / sample_rate)
    return half, size, scipy.fft.rfft(turned).real[: reach + 1].copy()


class _Search:
    """What is left of a composite, and the frequencies at which partials are still looked for.

    Args:
        composite: of a resonance's strikes.
        sample_rate: Hz.
    """

    def __init__(self, composite: Composite, sample_rate: float) -> None:
        sound = composite.sound
        self._left, self._precision, self._rate = sound.copy(), composite.precision, sample_rate
        self._trust = _trust(composite)
        self._window = _window(sound, self._trust, sample_rate)
        self._size = 1 << (len(sound) - 1).bit_length()
        self._freq: Float = np.fft.rfftfreq(self._size, 1.0 / sample_rate).astype(np.float64)
        self._loud = np.sqrt(self._freq / 200.0)
        highest = min(HIGHEST_HZ, 0.45 * sample_rate)
        self._loud[(self._freq < LOWEST_HZ) | (self._freq > highest)] = 0.0
        self._strongest = float(self._level().max())

    def _level(self) -> Float:
        """[bins] how loud what is left is."""
        heard = (self._left * self._window).astype(np.float32)
        level: Float = np.abs(scipy.fft.rfft(heard, self._size)) * self._loud
        return level

    def tops(self) -> list[float]:
        """Frequencies of the strongest peaks that are left."""
        return _tops(self._level(), self._freq, QUIETEST * self._strongest)

    def partials(self, tops: list[float], known: list[Modes] | None = None) -> list[Modes]:
        """The poles around each of some frequencies; those known there where they explain more."""
        bands = _Bands(self._left, self._trust, self._rate)
        found = [_partial(bands, centre) for centre in tops]
        if known is None:
            return found
        choices = zip(tops, known, found, strict=True)
        return [_closest(bands, top, (old, new)) for top, old, new in choices]

    def close(self, centre_hz: float, within_hz: float) -> None:
        """Look there no more."""
        self._loud[np.abs(self._freq - centre_hz) < within_hz] = 0.0

    def explain(self, parts: list[Modes]) -> Modes:
        """These modes as loud as they are in what is left, and taken out of it."""
        left = Composite(self._left, self._precision)
        new = refit_modes(_joined(parts), left, self._rate)
        self._left -= ring_modes(new, self._rate, len(self._left), single=True)
        return new

    def put_back(self, modes: Modes) -> None:
        """Modes that are to be looked for again."""
        self._left += ring_modes(modes, self._rate, len(self._left), single=True)


def peel_modes(composite: Composite, sample_rate: float, count: int) -> Modes:
    """At most `count` modes of a resonance struck with gain 1.

    Args:
        composite: its strikes as one.
        sample_rate: Hz.
        count: at most so many.
    """
    search, found = _Search(composite, sample_rate), Modes.none()
    for _ in range(ROUNDS):
        tops = search.tops()
        if len(tops) == 0 or len(found) >= count:
            break
        parts = search.partials(tops)
        for centre, part in zip(tops, parts, strict=True):
            search.close(centre, APART_HZ if len(part) else 2.0 * APART_HZ)
        found = _joined([found, search.explain(parts)])
    return refit_modes(found.take(np.arange(min(count, len(found)))), composite, sample_rate)


def mend_modes(modes: Modes, composite: Composite, sample_rate: float, count: int) -> Modes:
    """Modes known before, with those partials found anew of which most is left.

    Args:
        modes: as known, of a resonance struck with gain 1.
        composite: its strikes as one.
        sample_rate: Hz.
        count: at most so many; the quietest go.
    """
    search = _Search(composite, sample_rate)
    found = search.explain([modes])
    for _ in range(MENDS):
        tops = search.tops()
        if len(tops) == 0:
            break
        beside = np.abs(found.freq_hz - np.array(tops)[:, None]) < WITHIN * HALF_BAND_HZ
        old = beside.any(axis=0)
        search.put_back(found.take(old))
        parts = search.partials(tops, [found.take(there) for there in beside])
        for centre in tops:
            search.close(centre, WITHIN * HALF_BAND_HZ)
        found = _joined([found.take(~old), search.explain(parts)])
    return refit_modes(found.take(np.sort(found.loudest()[:count])), composite, sample_rate)


def _tops(level: Float, freq: Float, faintest: float) -> list[float]:
    """Frequencies of the strongest peaks, none in another's skirts."""
    level = level.copy()
    tops: list[float] = []
    least = max(SKIRT * float(level.max()), faintest)
    while len(tops) < TOGETHER:
        top = int(np.argmax(level))
        if level[top] <= least:
            break
        tops.append(float(freq[top]))
        level[np.abs(freq - freq[top]) < 2.0 * HALF_BAND_HZ] = 0.0
    return tops


def refit_modes(modes: Modes, composite: Composite, sample_rate: float) -> Modes:
    """The same poles with the amplitudes that suit the composite best."""
    if len(modes) == 0:
        return modes
    s = poles(modes.freq_hz, modes.t60_s, sample_rate)
    pieces = _pieces(composite, sample_rate)
    return Modes(modes.freq_hz, modes.t60_s, weighted_amplitudes(s, composite.sound, pieces))


def _trust(composite: Composite) -> Float:
    """[samples] 0 … 1."""
    trust: Float = composite.precision / (float(composite.precision.max(initial=0.0)) + 1e-300)
    return trust


def _window(sound: Float, trust: Float, sample_rate: float) -> Float:
    """[samples] falling to 0, quieter where the sound is loud or little is known."""
    power = smooth_power(sound, min(2_048, max(2, len(sound) // 2)))
    level = np.sqrt(power / (power.max(initial=0.0) + 1e-300)) + 1e-3
    window: Float = np.hanning(2 * len(sound))[len(sound) :] * np.sqrt(trust / level)
    rise = min(len(sound), round(0.02 * sample_rate))
    window[:rise] *= np.linspace(0.0, 1.0, rise)
    return window


def _partial(bands: _Bands, centre_hz: float) -> Modes:
    """The poles around one frequency, amplitudes unknown."""
    band, weight = bands.at(centre_hz)
    if len(band) < 8:
        return Modes.none()
    decays = (LN1000 / MAX_T60_S / bands.rate, LN1000 / MIN_T60_S / bands.rate)
    s = band_poles(band, weight, bands.rate, POLES_PER_PARTIAL, decays)
    apart = s.imag * bands.rate / (2 * np.pi)
    freq_hz = bands.centre(centre_hz) + apart
    kept = (np.abs(apart) < WITHIN * HALF_BAND_HZ) & (freq_hz >= LOWEST_HZ)
    t60_s = LN1000 / (-s.real * bands.rate)
    return Modes(freq_hz[kept], t60_s[kept], np.zeros(np.count_nonzero(kept), complex))


def _closest(bands: _Bands, centre_hz: float, choices: tuple[Modes, ...]) -> Modes:
    """The modes that leave least of the band around a frequency; of equals the first."""
    band, weight = bands.at(centre_hz)
    wanted, middle = band * weight, bands.centre(centre_hz)

    def left(modes: Modes) -> float:
        if len(modes) == 0:
            return float(np.sum(np.abs(wanted) ** 2))
        s = poles(modes.freq_hz - middle, modes.t60_s, bands.rate)
        shapes = powers(s, len(band)) * weight[:, None]
        amplitude = np.linalg.lstsq(shapes, wanted, rcond=None)[0]
        return float(np.sum(np.abs(wanted - shapes @ amplitude) ** 2))

    return min(choices, key=left)


def _pieces(composite: Composite, sample_rate: float) -> list[tuple[int, int, float]]:
    """(first, last, weight) stretches of about equal level each."""
    length = len(composite)
    edges = [round(t * sample_rate) for t in (SKIP_S, *EDGES_S)]
    edges = [*(edge for edge in edges if edge < length), length]
    trust = _trust(composite)
    loudest = float(np.max(composite.sound**2, initial=0.0))
    pieces = []
    for first, last in itertools.pairwise(edges):
        power = float(np.mean(composite.sound[first:last] ** 2)) + QUIET * loudest + 1e-20
        pieces.append((first, last, float(np.mean(trust[first:last])) / np.sqrt(power)))
    return pieces


def _joined(parts: list[Modes]) -> Modes:
    return Modes(
        np.concatenate([part.freq_hz for part in parts]),
        np.concatenate([part.t60_s for part in parts]),
        np.concatenate([part.amplitude for part in parts]),
    )
