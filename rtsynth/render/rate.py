"""An instrument at the engine's sample rate. Thread: main, worker."""

import dataclasses
import math

import numpy as np
import soxr

from rtsynth.instrument import Instrument

__all__ = ["at_rate"]


def at_rate(instrument: Instrument, sample_rate: int) -> Instrument:
    """The instrument with its attacks and strike filters at `sample_rate`; modes know no rate.

    The filter is scaled so that the noise keeps its power per hertz: white noise of unit variance
    has a density of 1/rate, a filter's response grows with its number of taps.

    Args:
        instrument: any.
        sample_rate: Hz.

    Returns:
        The same object where nothing has to change.
    """
    old = instrument.attack_rate
    if old == sample_rate:
        return instrument
    ratio = sample_rate / old
    attack = _resampled(instrument.attack, old, sample_rate)
    taps = _resampled(instrument.strike_filter, old, sample_rate) / math.sqrt(ratio)
    return dataclasses.replace(
        instrument,
        attack=attack,
        strike_filter=taps.astype(np.float32),
        attack_rate=sample_rate,
    )


def _resampled(rows: np.ndarray, old: int, new: int) -> np.ndarray:
    """[R, n] at another rate, along the last axis."""
    if rows.shape[1] == 0:
        return rows
    length = math.ceil(rows.shape[1] * new / old)
    columns = soxr.resample(np.ascontiguousarray(rows.T, np.float64), old, new, "HQ")
    out = np.zeros((rows.shape[0], length), np.float32)
    count = min(length, len(columns))
    out[:, :count] = columns[:count].T
    return out
