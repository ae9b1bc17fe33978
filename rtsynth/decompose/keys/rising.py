"""Whether a key is struck at an onset among drums: its partials rise there, and stand out.

To a fit of steady modes a bowed string's vibrato looks like something new, and so does a drum's
noise. So a partial's neighbourhood is compared with the most it reached over a vibrato's period
before (as SuperFlux does across bands, Böck & Widmer, DAFx 2013), with what lies around it and with
what lies between it and the next partials. Thread: any.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.grouping import Take
from rtsynth.decompose.keys.keyboard import partial_hz
from rtsynth.instrument import NOISE_EDGES_HZ

__all__ = ["Rises", "are_mixed"]

UNTONAL, TONAL = 0.6, 0.8  # of takes of drums, and of keys
HIGH_HZ, BRIGHT_DB = 5_000.0, -20.0
FEWEST, LEAST_SHARE = 4, 0.1  # of either, in a mix
WINDOW_S, SKIP_S = 0.093, 0.01
PAST_S = (0.0, 0.04, 0.08, 0.12, 0.16)  # a vibrato's period
NEAR_CENTS, NEAR_HZ = 50.0, 8.0
AROUND_HZ = 250.0
RISE_DB, STANDS_OUT_DB = 2.0, 12.0
BETWEEN_DB = 6.0
PARTIALS = 6  # that are looked at
FEWEST_PARTIALS = ((40.0, 3), (72.0, 2), (np.inf, 1))  # of keys below: a high one has few
MEAN_DB, HIGH_MEAN_DB, HIGH = 14.0, 20.0, 88.0  # noise peaks by chance, most of all high up
TINY = 1e-9


def are_mixed(takes: list[Take]) -> bool:
    """Whether hits stand beside tonal onsets: of each at least four, and a tenth.

    A hit is bright and not tonal: hats and snares rise as far above 5 kHz as no string does.

    Args:
        takes: of a recording's onsets.
    """
    tonal = np.array([take.tonal for take in takes])
    hits = [take.tonal < UNTONAL and _brightness_db(take) > BRIGHT_DB for take in takes]
    fewest = max(FEWEST, LEAST_SHARE * len(takes))
    return bool(min(np.sum(hits), np.sum(tonal > TONAL)) >= fewest)


def _brightness_db(take: Take) -> float:
    """Share of the power that rose at once which lies high up."""
    power = take.rise[: len(NOISE_EDGES_HZ) - 1] ** 2
    high = power[NOISE_EDGES_HZ[:-1] > HIGH_HZ].sum()
    return float(10.0 * np.log10((high + TINY**2) / (power.sum() + TINY)))


@dataclasses.dataclass(frozen=True)
class Rises:
    """Spectra just after each onset, and the most of those before it.

    Attributes:
        after: [onsets, bins] amplitude.
        before: [onsets, bins] amplitude.
        step_hz: width of a bin.
    """

    after: Float
    before: Float
    step_hz: float

    @classmethod
    def at(cls, signal: Float, sample_rate: float, onsets: NDArray[np.int64]) -> "Rises":
        """Look at a signal around its onsets.

        Args:
            signal: [samples], one channel.
            sample_rate: Hz.
            onsets: [onsets] samples.
        """
        size = round(WINDOW_S * sample_rate)
        lead = size + round(max(PAST_S) * sample_rate)
        padded = np.pad(signal, (lead, 2 * size))
        skip = round(SKIP_S * sample_rate)
        backs = np.round(np.array(PAST_S) * sample_rate).astype(int)
        after = [_spectrum(padded[lead + o + skip :][:size]) for o in onsets]
        before = [
            np.max([_spectrum(padded[lead + o - b - size :][:size]) for b in backs], axis=0)
            for o in onsets
        ]
        shape = (len(onsets), 2 * size + 1)
        step_hz = sample_rate / (4 * size)
        return cls(np.reshape(after, shape), np.reshape(before, shape), step_hz)

    def struck(self, onset: int, pitch_hz: float) -> bool:
        """Whether a key is struck.

        Args:
            onset: which of the onsets.
            pitch_hz: of the key.
        """
        after, before = self.after[onset], self.before[onset]
        key = 69.0 + 12.0 * np.log2(pitch_hz / 440.0)
        partials = partial_hz(key, pitch_hz)
        now = np.array([self._peak(after, f) for f in partials])
        old = np.array([self._peak(before, f) for f in partials])
        above = _db(now) - np.array([self._around(after, f) for f in partials])
        between = _db(now) - np.array([self._between(after, f, pitch_hz) for f in partials])
        risen = (_db(now) - _db(old) > RISE_DB) & (above > STANDS_OUT_DB) & (between > BETWEEN_DB)
        fewest = next(count for highest, count in FEWEST_PARTIALS if key < highest)
        weight = now * np.sqrt(partials)
        mean = float(weight @ above / (weight.sum() + TINY))
        enough = HIGH_MEAN_DB if key > HIGH else MEAN_DB
        return bool(risen[:PARTIALS].sum() >= fewest) and mean > enough

    def _peak(self, spectrum: Float, freq_hz: float) -> float:
        near = max(NEAR_HZ, freq_hz * (2.0 ** (NEAR_CENTS / 1200.0) - 1.0))
        return float(self._cut(spectrum, freq_hz, near).max(initial=0.0))

    def _around(self, spectrum: Float, freq_hz: float) -> float:
        """Usual level in dB around a frequency."""
        return float(np.median(_db(self._cut(spectrum, freq_hz, max(AROUND_HZ, freq_hz / 4.0)))))

    def _between(self, spectrum: Float, freq_hz: float, pitch_hz: float) -> float:
        """Level in dB of the less deep of the valleys below and above a partial."""
        half = pitch_hz / 2.0
        low = self._cut(spectrum, freq_hz - half / 2.0, half / 2.0).min(initial=np.inf)
        high = self._cut(spectrum, freq_hz + half / 2.0, half / 2.0).min(initial=np.inf)
        return float(_db(np.array(max(low, high))))

    def _cut(self, spectrum: Float, centre_hz: float, half_hz: float) -> Float:
        first = max(0, int((centre_hz - half_hz) / self.step_hz))
        return spectrum[first : int((centre_hz + half_hz) / self.step_hz) + 2]


def _spectrum(part: Float) -> Float:
    """[2 · samples + 1] amplitude spectrum."""
    window = np.hanning(len(part))
    spectrum: Float = np.abs(np.fft.rfft(part * window, 4 * len(part))) / window.sum()
    return spectrum


def _db(amplitude: Float) -> Float:
    level: Float = 20.0 * np.log10(amplitude + TINY)
    return level
