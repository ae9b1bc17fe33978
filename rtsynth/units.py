"""Conversions, each with its units in its name. Thread: any."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "cents_to_ratio",
    "db_to_gain",
    "frames_to_seconds",
    "gain_to_db",
    "midi_to_hz",
    "ntp_to_seconds",
    "seconds_to_frames",
    "seconds_to_ntp",
    "semitones_to_ratio",
    "t60_to_pole",
]

LN1000 = math.log(1000.0)
"""Natural logarithm of the 60 dB that T60 counts."""

NTP_UNIX_OFFSET_S = 2_208_988_800
"""Seconds from the NTP epoch (1900) to the Unix epoch (1970)."""


def db_to_gain(db: float) -> float:
    """Linear amplitude of a level in dB; −inf dB is 0."""
    return math.pow(10.0, db / 20.0)


def gain_to_db(gain: float) -> float:
    """Level in dB of a linear amplitude ≥ 0; 0 is −inf dB."""
    return 20.0 * math.log10(gain) if gain > 0.0 else -math.inf


def semitones_to_ratio(semitones: float) -> float:
    """Frequency ratio of an interval in equal-tempered semitones."""
    return math.pow(2.0, semitones / 12.0)


def cents_to_ratio(cents: float) -> float:
    """Frequency ratio of an interval in cents."""
    return math.pow(2.0, cents / 1200.0)


def midi_to_hz(note: float) -> float:
    """Frequency in Hz of a MIDI note number, A4 = 69 = 440 Hz."""
    return 440.0 * math.pow(2.0, (note - 69.0) / 12.0)


def seconds_to_frames(seconds: float, sample_rate: float) -> int:
    """Nearest whole frame of a time in seconds."""
    return math.floor(seconds * sample_rate + 0.5)


def frames_to_seconds(frames: int, sample_rate: float) -> float:
    """Time in seconds of a frame count."""
    return frames / sample_rate


def t60_to_pole(freq_hz: ArrayLike, t60_s: ArrayLike, sample_rate: float) -> NDArray[np.complex128]:
    """Discrete pole `exp(s / sample_rate)`, `s = −ln(1000)/T60 + j·2π·freq`.

    Args:
        freq_hz: any shape, Hz.
        t60_s: same shape or broadcastable, seconds to fall 60 dB, > 0.
        sample_rate: Hz.
    """
    s = -LN1000 / np.asarray(t60_s, float) + 2j * np.pi * np.asarray(freq_hz, float)
    pole: NDArray[np.complex128] = np.exp(s / sample_rate)
    return pole


def ntp_to_seconds(ntp: int) -> float:
    """Unix time in seconds of a 64-bit NTP time tag (32.32 fixed point)."""
    return (ntp >> 32) - NTP_UNIX_OFFSET_S + (ntp & 0xFFFFFFFF) / 2.0**32


def seconds_to_ntp(seconds: float) -> int:
    """64-bit NTP time tag of a Unix time in seconds."""
    whole = math.floor(seconds)
    fraction = min(round((seconds - whole) * 2.0**32), 0xFFFFFFFF)
    return ((whole + NTP_UNIX_OFFSET_S) << 32) | fraction
