"""Bowed and struck scales made by formula, for tests of lines of sustained notes."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.units import LN1000

RATE = 22_050
SCALE = (60, 62, 64, 65, 67, 69)
NOTE_S, OVERLAP_S, LEAD_S, RELEASE_T60_S = 0.45, 0.04, 0.1, 0.25
PARTIALS = 10

Float = NDArray[np.float64]


def tone(semitones: Float, envelope: Float) -> Float:
    """[samples] of a pitch with harmonics that fall by 1/k."""
    phase = 2 * np.pi * np.cumsum(440.0 * 2.0 ** ((semitones - 69.0) / 12.0)) / RATE
    sound = np.zeros(len(phase))
    for k in range(1, PARTIALS + 1):
        sound += 0.15 / k * np.cos(k * phase + 0.7 * k * k)
    return sound * envelope


def bowed(pitch: float, held_s: float, *, cents: float, rate_hz: float = 5.5) -> Float:
    """A bowed note with vibrato: 60 ms to rise, held, then let go."""
    time = np.arange(int((held_s + 0.3) * RATE)) / RATE
    late = np.maximum(time - held_s, 0.0)
    rise = 1.0 - 0.9 * np.exp(-time / 0.06)
    vibrato = cents / 100.0 * np.sin(2 * np.pi * rate_hz * time)
    return tone(pitch + vibrato, rise * np.exp(-LN1000 * late / RELEASE_T60_S))


def struck(pitch: float, t60_s: float = 1.5) -> Float:
    time = np.arange(int(0.9 * RATE)) / RATE
    damped = np.exp(-LN1000 * np.maximum(time - NOTE_S, 0.0) / 0.15)
    return tone(np.full(len(time), pitch), np.exp(-LN1000 * time / t60_s) * damped)


def laid(sounds: list[Float], every_s: float) -> Float:
    """The sounds one after the other, over hiss 66 dB down."""
    length = int((LEAD_S + every_s * len(sounds) + 1.0) * RATE)
    out = 5e-4 * np.random.default_rng(2).standard_normal(length)
    for index, sound in enumerate(sounds):
        first = int((LEAD_S + every_s * index) * RATE)
        out[first : first + len(sound)] += sound
    return out
