"""Which keys of the keyboard sound at each moment of held music.

The peaks of smoothed spectra, one column after the other, are told apart as the keys struck at
onsets are (`rtsynth.decompose.keys.chord`): harmonic levels learned from all columns, and no key
that others make needless. A key whose first partial is missing is the common period of others: what
is held has one. Thread: worker.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.keys.apparent import with_first_partial
from rtsynth.decompose.keys.chord import find_chords
from rtsynth.decompose.keys.keyboard import KEYS

__all__ = ["COLUMN_S", "Roll", "sounding_keys"]

COLUMN_S = 0.032
"""Seconds from column to column, to the nearest sample."""

WINDOW_S = 0.12
SMOOTHING_S = 0.032  # of power: what beats is seen as one partial
LOWEST_HZ, HIGHEST_HZ = 50.0, 7_000.0
FAINT_DB, FAINT_HERE_DB = 55.0, 45.0  # below the loudest peak of all, and of the column
SIDE_LOBE = 0.1  # of a peak within so many widths of a bin
LOBES = 4.0
LASTING_S = 5.0  # T60 of a peak: it is held
SEVERAL, PITCHED = 0.5, 0.8  # of the power; melodies of one voice have 0 … 0.3, chords 0.8 … 1
CHANGE = 2.0  # columns that a key must gain, to sound or to be silent


@dataclasses.dataclass(frozen=True)
class Roll:
    """What sounds when.

    Attributes:
        keys: [keys, columns] whether each of `KEYS` sounds.
        power: [columns] what is seen.
        tuning: ratio to A4 = 440 Hz.
    """

    keys: NDArray[np.bool]
    power: Float
    tuning: float

    def shows_several(self) -> bool:
        """Whether two keys or more sound in most of what is heard, and hardly anything has none."""
        count = self.keys.sum(axis=0)
        total = float(self.power.sum())
        together, some = (float(self.power[count >= least].sum()) for least in (2, 1))
        return total > 0.0 and together > SEVERAL * total and some > PITCHED * total

    def runs(self) -> list[tuple[int, int, int]]:
        """First column, column after the last, and key of every note."""
        found = []
        for row, own in zip(KEYS.tolist(), self.keys, strict=True):
            edges = np.flatnonzero(np.diff(np.concatenate([[0], own.astype(np.int8), [0]])))
            found += [
                (first, last, row)
                for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
            ]
        return sorted(found)


def sounding_keys(signal: Float, sample_rate: float) -> Roll:
    """The keys that sound in each column.

    Args:
        signal: [samples].
        sample_rate: Hz.

    Nothing is found below 50 Hz, G1: what is held has its first partial.
    """
    columns = _columns(signal, sample_rate)
    heard = [index for index, modes in enumerate(columns) if len(modes)]
    keys = np.zeros((len(KEYS), len(columns)), bool)
    power = np.array([float(np.sum(np.abs(modes.amplitude) ** 2)) for modes in columns])
    if not heard:
        return Roll(keys, power, 1.0)
    seen = [columns[index] for index in heard]
    chords = find_chords(seen, [np.zeros(len(modes)) for modes in seen], np.ones(len(seen)))
    for index, modes, gains in zip(heard, seen, chords.gains.T, strict=True):
        keys[:, index] = (gains > 0.0) & with_first_partial(modes, chords.tuning)
    return Roll(np.stack([_steady(own) for own in keys]), power, chords.tuning)


def _columns(signal: Float, sample_rate: float) -> list[Modes]:
    if not len(signal):
        return []
    size = 2 * (round(WINDOW_S * sample_rate) // 2)
    fft_size = 1 << int(np.ceil(np.log2(2 * size)))
    window = np.hanning(size + 1)[:-1]
    centres = np.arange(0, len(signal), round(COLUMN_S * sample_rate))
    padded = np.pad(signal, (size // 2, size // 2))
    top = int(min(HIGHEST_HZ, 0.45 * sample_rate) * fft_size / sample_rate)
    power = np.stack(
        [np.abs(np.fft.rfft(padded[c : c + size] * window, fft_size)[:top]) ** 2 for c in centres]
    )
    power = gaussian_filter1d(power, SMOOTHING_S / COLUMN_S, axis=0)
    level = np.sqrt(np.maximum(power, 0.0)) * 2.0 / window.sum() + 1e-12
    least = float(level.max()) * 10.0 ** (-FAINT_DB / 20.0) + 1e-9
    near = int(LOBES * fft_size / size)
    return [_peaks(own, least, near, sample_rate / fft_size) for own in level]


def _peaks(level: Float, least: float, near: int, bin_hz: float) -> Modes:
    """The peaks of one spectrum as modes that last."""
    least = max(least, float(level.max()) * 10.0 ** (-FAINT_HERE_DB / 20.0))
    higher = (level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:]) & (level[1:-1] > least)
    places = np.flatnonzero(higher) + 1
    places = places[places * bin_hz > LOWEST_HZ]
    alone = [
        bool(level[p] > SIDE_LOBE * level[max(0, p - near) : p + near + 1].max()) for p in places
    ]
    places = places[np.array(alone, bool)]
    log = np.log(level)
    before, here, after = log[places - 1], log[places], log[places + 1]
    off = 0.5 * (before - after) / np.minimum(before - 2.0 * here + after, -1e-12)
    freq_hz = (places + np.clip(off, -0.5, 0.5)) * bin_hz
    amplitude = np.exp(here - 0.25 * (before - after) * off).astype(complex)
    return Modes(freq_hz, np.full(len(places), LASTING_S), amplitude)


def _steady(seen: NDArray[np.bool]) -> NDArray[np.bool]:
    """[columns] the best course of a key that is seen or not, each change at a price."""
    if not seen.any():
        return seen
    gain = np.where(seen, 1.0, -1.0)
    silent, sounds = 0.0, -CHANGE
    came = np.zeros((len(gain), 2), bool)  # from the other state: to silence, to sound
    for column, own in enumerate(gain.tolist()):
        ends, begins = sounds - CHANGE > silent, silent - CHANGE > sounds
        came[column] = ends, begins
        silent, sounds = (
            sounds - CHANGE if ends else silent,
            (silent - CHANGE if begins else sounds) + own,
        )
    state = int(sounds > silent)
    course = np.zeros(len(gain), bool)
    for column in range(len(gain) - 1, -1, -1):
        course[column] = state
        state ^= int(came[column, state])
    return course
