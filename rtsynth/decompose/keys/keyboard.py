"""Keys on a fine log-frequency grid: where the partials of each lie and what a sound shows there.

A stiff string's partials are sharp, f_h = h·f_1·√((1 + B·h²) / (1 + B)) (Fletcher 1964); B doubles
about every 18 semitones and is only roughly known, so a partial's place grows wider with h².
Thread: any.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float, Modes

__all__ = [
    "BINS",
    "HARMONICS",
    "KEYS",
    "in_tune",
    "joined",
    "key_hz",
    "mode_bins",
    "nearest_key",
    "partial_hz",
    "partial_places",
    "partial_ratios",
    "partial_weight",
    "partial_windows",
    "shown",
    "tuning_of",
]

KEYS = np.arange(21, 109)  # as MIDI numbers them: A0 … C8
HARMONICS = 24
BINS_PER_OCTAVE = 60
LOWEST_HZ, HIGHEST_HZ = 27.0, 12_000.0
BINS = int(BINS_PER_OCTAVE * np.log2(HIGHEST_HZ / LOWEST_HZ))
TOP_HZ = 11_000.0
STIFFNESS, STIFFNESS_KEY, STIFFNESS_DOUBLES = 2e-4, 48.0, 18.0
SPREAD_CENTS, SPREAD_HZ, PLACE_CENTS = 25.0, 2.0, 30.0
CENTS_PER_HZ_RATIO = 1_731.0  # a change of δ Hz at f Hz is 1731·δ/f cents
LOOSE_CENTS = 0.07  # of a partial's place, per squared harmonic number
WINDOW = 0.3  # of a place's height; where a partial's peak is looked for
SETTLED_S = 0.2  # modes gone sooner are the strike, not the key
STRIKE_HZ = (1_000.0, 12_000.0)  # the hammer's noise
TUNABLE_HZ = (60.0, 3_000.0)
UNTUNED = 0.3  # of the modes' agreement on a tuning; below, A4 is 440 Hz


def key_hz(key: float, tuning: float = 1.0) -> float:
    """Frequency of a key's first partial."""
    return float(440.0 * 2.0 ** ((key - 69.0) / 12.0) * tuning)


def nearest_key(pitch_hz: float) -> int:
    """The key whose first partial is nearest to a frequency, the ends of the keyboard included."""
    key = round(69.0 + 12.0 * float(np.log2(pitch_hz / 440.0)))
    return int(np.clip(key, KEYS[0], KEYS[-1]))


def joined(modes: list[Modes]) -> Modes:
    """All modes of several onsets."""
    return Modes(
        np.concatenate([m.freq_hz for m in modes]),
        np.concatenate([m.t60_s for m in modes]),
        np.concatenate([m.amplitude for m in modes]),
    )


def tuning_of(modes: Modes) -> float:
    """Ratio 0.97 … 1.03 of the tuning the modes agree on to A4 = 440 Hz; 1 if they agree on none.

    Args:
        modes: of many onsets.
    """
    mean = _turned(modes, 1.0)
    if abs(mean) < UNTUNED:
        return 1.0
    return float(2.0 ** (np.angle(mean) / (2.0 * np.pi) / 12.0))


def in_tune(modes: Modes, tuning: float = 1.0) -> float:
    """−1 … 1: how far the modes lie on the keys of one tuning; about 0 for drums, 0.7 for keys.

    Args:
        modes: of one onset.
        tuning: ratio of the tuning to A4 = 440 Hz.
    """
    return float(_turned(modes, tuning).real)


def _turned(modes: Modes, tuning: float) -> complex:
    """Mean of the modes on a circle that is one semitone long."""
    low, high = TUNABLE_HZ
    modes = modes.take((modes.freq_hz > low) & (modes.freq_hz < high))
    weight = mode_weights(modes)
    turns = 12.0 * np.log2(modes.freq_hz / (440.0 * tuning))
    return complex(np.sum(weight * np.exp(2j * np.pi * turns)) / (np.sum(weight) + 1e-30))


def mode_weights(modes: Modes) -> Float:
    """[modes] how much each tells about a key: amplitude, less for what is soon gone."""
    settled = (modes.t60_s / (modes.t60_s + SETTLED_S)) ** 2
    weight: Float = np.abs(modes.amplitude) * settled * np.sqrt(modes.freq_hz / 200.0)
    return weight


def mode_bins(freq_hz: Float, tuning: float = 1.0) -> NDArray[np.intp]:
    """[modes] bin of the grid each frequency falls into, the ends for what lies beyond."""
    place = BINS_PER_OCTAVE * np.log2(freq_hz / (LOWEST_HZ * tuning))
    return np.clip(np.round(place), 0, BINS - 1).astype(np.intp)


def shown(modes: Modes, tuning: float = 1.0) -> Float:
    """[bins] what the modes show on the grid, as sharp as their frequencies are known.

    Args:
        modes: of one onset.
        tuning: ratio of the tuning to A4 = 440 Hz.
    """
    place = np.log2(modes.freq_hz / (LOWEST_HZ * tuning))
    spread = np.maximum(SPREAD_CENTS, CENTS_PER_HZ_RATIO * SPREAD_HZ / modes.freq_hz) / 1200.0
    hills = np.exp(-0.5 * ((_grid()[:, None] - place) / spread) ** 2)
    level: Float = hills @ mode_weights(modes)
    return level


def partial_ratios(key: float, count: int) -> Float:
    """[count] of a key's partials to the first of them, as stiff as the key's string."""
    number = np.arange(1, count + 1)
    stiffness = STIFFNESS * 2.0 ** ((key - STIFFNESS_KEY) / STIFFNESS_DOUBLES)
    ratios: Float = number * np.sqrt((1 + stiffness * number**2) / (1 + stiffness))
    return ratios


def partial_hz(key: float, pitch_hz: float, count: int = 8) -> Float:
    """[at most `count`] frequencies of a key's partials."""
    freq = pitch_hz * partial_ratios(key, count)
    return freq[freq <= TOP_HZ]


def partial_weight(
    freq_hz: Float, key: int, pitch_hz: float, near: tuple[float, float], strike: float
) -> Float:
    """[bins] how much each frequency tells of a key: near its partials 1, the hammer's noise less.

    Args:
        freq_hz: [bins].
        key: as MIDI numbers it.
        pitch_hz: of its first partial.
        near: how sharply a partial is known, in Hz and as a share of its frequency.
        strike: weight of what lies where the hammer is heard.
    """
    partials = partial_hz(float(key), pitch_hz)[:, None]
    spread = np.maximum(near[0], near[1] * partials)
    weight: Float = np.exp(-0.5 * ((freq_hz - partials) / spread) ** 2).max(axis=0, initial=0.0)
    low, high = STRIKE_HZ
    weight += strike * ((freq_hz > low) & (freq_hz < high))
    return weight


@functools.cache
def partial_places() -> Float:
    """[keys, harmonics, bins] how far a partial's peak may be taken for each harmonic of a key."""
    places = np.zeros((len(KEYS), HARMONICS, BINS))
    number = np.arange(1, HARMONICS + 1)
    for row, key in enumerate(KEYS):
        freq = key_hz(float(key)) * partial_ratios(float(key), HARMONICS)
        known = np.maximum(PLACE_CENTS, CENTS_PER_HZ_RATIO * SPREAD_HZ / freq)
        spread = (known + LOOSE_CENTS * number**2) / 1200.0
        away = (_grid() - np.log2(freq / LOWEST_HZ)[:, None]) / spread[:, None]
        places[row] = np.exp(-0.5 * away**2) * (freq <= TOP_HZ)[:, None]
    return places


@functools.cache
def partial_windows() -> NDArray[np.intp]:
    """[keys, harmonics, width] bins where each partial's peak lies; `BINS` for none."""
    near = partial_places() > WINDOW
    width = int(near.sum(axis=-1).max())
    first = near.argmax(axis=-1)[..., None] + np.arange(width)
    inside = np.take_along_axis(near, np.minimum(first, BINS - 1), axis=-1) & (first < BINS)
    windows: NDArray[np.intp] = np.where(inside, first, BINS)
    return windows


@functools.cache
def _grid() -> Float:
    grid: Float = np.arange(BINS) / BINS_PER_OCTAVE
    return grid
