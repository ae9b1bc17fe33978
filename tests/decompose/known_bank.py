"""Recordings made from a bank we know, so that the right answer is known too."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

RATE = 22_050

Float = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Known:
    """A recording and what it is made of."""

    sound: Float
    onsets_s: list[float]
    keys: list[int]
    gains: list[float]


def key_sound(key: int, seconds: float, rate: int = RATE) -> Float:
    """One struck key: seven harmonics, the higher the sooner gone, and a short thump."""
    random = np.random.default_rng(key)
    pitch = 440.0 * 2.0 ** ((key - 69) / 12)
    time = np.arange(int(seconds * rate)) / rate
    sound = np.zeros(len(time))
    for harmonic in range(1, 8):
        freq = pitch * harmonic * np.sqrt(1.0 + 4e-4 * harmonic**2)
        if freq < 0.45 * rate:
            decay = 6.91 / (2.5 / harmonic**0.7)
            phase = random.uniform(0, 2 * np.pi)
            level = random.uniform(0.5, 1.0) / harmonic
            sound += level * np.exp(-decay * time) * np.cos(2 * np.pi * freq * time + phase)
    thump = random.normal(0.0, 0.3, len(time)) * np.exp(-time / 0.006)
    return sound + thump


def melody(keys: list[int], gains: list[float], step_s: float = 0.3, rate: int = RATE) -> Known:
    """Keys struck one after the other, each ringing on."""
    onsets = [0.1 + step_s * index for index in range(len(keys))]
    sound = np.zeros(int((onsets[-1] + 1.0) * rate))
    for onset, key, gain in zip(onsets, keys, gains, strict=True):
        first = round(onset * rate)
        note = key_sound(key, 3.0, rate)[: len(sound) - first]
        sound[first : first + len(note)] += 0.2 * gain * note
    floor = np.random.default_rng(0).normal(0.0, 1e-5, len(sound))
    return Known(sound + floor, onsets, keys, gains)
