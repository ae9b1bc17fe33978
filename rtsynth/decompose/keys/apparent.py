"""What looks like a key and is none: a period that a chord's keys share, an overtone of a bar.

A chord's partials all lie on the harmonic series of a key far below them that nobody strikes, as
partials 4, 5 and 6 for a major triad; and what a struck bar sounds beside its first partial lies
on no series, but on some key far above. Thread: any.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.keys.keyboard import KEYS, partial_ratios

__all__ = ["overtones", "rooted_keys", "with_first_partial"]

PARTIALS, THERE_DB, NEAR_SEMITONES = 12, -25.0, 0.6
PRIMES, OF_PRIMES = (5, 7, 11), 2  # partials no octave and no fifth has; a third has one of them
LOW_KEY = 40  # MIDI; below, the first two partials may be missing
FAR = 19  # semitones; an octave is a key as often as an overtone
HIGH_KEY = 93  # MIDI; above, keys are seldom struck with one that is FAR below, and only with it
STEADY_DB = 4.0  # of an overtone's level beside its key's, from the softest strike to the loudest


def rooted_keys(modes: Modes, tuning: float = 1.0) -> NDArray[np.bool]:
    """[keys] whether each key has its first partial, or one early and two of its own.

    All others are periods that the keys of a chord have in common.

    Args:
        modes: of one onset.
        tuning: ratio to A4 = 440 Hz.
    """
    there = _there(modes, tuning)
    early = np.where(KEYS < LOW_KEY, there[:, :3].any(axis=1), there[:, 1])
    primes = there[:, [number - 1 for number in PRIMES]].sum(axis=1)
    rooted: NDArray[np.bool] = there[:, 0] | (early & (primes >= OF_PRIMES))
    return rooted


def with_first_partial(modes: Modes, tuning: float = 1.0) -> NDArray[np.bool]:
    """[keys] whether each key's first partial is there; what is held has one.

    Args:
        modes: of one moment.
        tuning: ratio to A4 = 440 Hz.
    """
    return _there(modes, tuning)[:, 0]


def _there(modes: Modes, tuning: float) -> NDArray[np.bool]:
    """[keys, PARTIALS] whether each is there, not far below the strongest of its key."""
    level = np.zeros(_places().shape)
    keys = 69.0 + 12.0 * np.log2(modes.freq_hz / (440.0 * tuning))
    for key, amplitude in zip(keys, np.abs(modes.amplitude), strict=True):
        near = np.abs(_places() - key) < NEAR_SEMITONES
        level[near] = np.maximum(level[near], amplitude)
    there: NDArray[np.bool] = level > 10.0 ** (THERE_DB / 20.0) * level.max(axis=1, keepdims=True)
    return there


@functools.cache
def _places() -> Float:
    """[keys, PARTIALS] where each partial lies, in keys."""
    ratios = np.stack([partial_ratios(float(key), PARTIALS) for key in KEYS])
    places: Float = KEYS[:, None] + 12.0 * np.log2(ratios)
    return places


def overtones(gains: Float) -> NDArray[np.bool]:
    """[keys] those that only sound with one and the same key far below, as its overtone does.

    Either they are too high to be struck with it and nothing else, or they sound whenever it does,
    and as loud beside it each time.

    Args:
        gains: [keys, onsets] strength of each, 0 where it is not struck.
    """
    struck = gains > 0.0
    found = np.zeros(len(gains), np.bool)
    for key in np.flatnonzero(struck.any(axis=1)):
        own = struck[key]
        below = max(int(key) - FAR + 1, 0)
        for lower in np.flatnonzero(struck[:below, own].all(axis=1)):
            always = own.sum() > 1 and struck[lower].sum() == own.sum()
            high = KEYS[key] >= HIGH_KEY
            found[key] |= bool(high or (always and _steady(gains[key, own], gains[lower, own])))
    return found


def _steady(upper: Float, lower: Float) -> bool:
    ratio_db = 20.0 * np.log10(upper / lower)
    return bool(np.ptp(ratio_db) < STEADY_DB)
