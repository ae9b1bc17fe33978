"""How far the levels of two sounds are apart, band by band. Thread: any."""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.line import HeldLine
from rtsynth.decompose.held.sounding import line_sound
from rtsynth.decompose.sustained.blowing import band_power

__all__ = ["band_error", "line_error"]

FLOOR_DB = 60.0  # below the loudest band
STEP_S = 0.008  # between the points at which levels are compared


def band_error(signal: Float, other: Float, sample_rate: float) -> float:
    """Mean difference in decibels of the levels in 32 bands every 8 ms.

    Args:
        signal: [samples].
        other: [samples] as long.
        sample_rate: Hz.
    """
    count = int(len(signal) / (STEP_S * sample_rate)) + 1
    one, two = (band_power(s, sample_rate, 0, count, STEP_S) for s in (signal, other))
    floor = float(one.max()) * 10.0 ** (-FLOOR_DB / 10.0) + np.finfo(float).tiny
    return float(np.mean(np.abs(10.0 * np.log10((one + floor) / (two + floor)))))


def line_error(line: HeldLine, signal: Float, sample_rate: float) -> float:
    """The same between a line, by its curves, and the recording it is of.

    Args:
        line: before a field has learned its curves.
        signal: [samples] of the recording.
        sample_rate: Hz.
    """
    partials, noise = line_sound(line, sample_rate, len(signal))
    return band_error(signal, partials + noise, sample_rate)
