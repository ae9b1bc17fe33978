"""Hum: steady partials of fixed phase, 0 at the onset and rising. Thread: audio."""

import math

import numpy as np

from rtsynth.dsp.compile import kernel

__all__ = ["add_hum"]


@kernel("void(float32[:,::1], int64, int64, float64, int64, float32[::1])")
def add_hum(
    hums: np.ndarray, count: int, age: int, sample_rate: float, first: int, out: np.ndarray
) -> None:
    """Add `Σ amplitude · sin(2π·Hz·t)` to a tick; partials from 0.49 of the rate on are silent.

    Args:
        hums: [2, partials] float32: Hz, amplitude.
        count: partials in use.
        age: frames since the onset, of out[0].
        sample_rate: Hz.
        first: frame of the tick to begin at.
        out: [TICK] float32, added to.
    """
    for k in range(count):
        turns = hums[0, k] / sample_rate
        if turns >= 0.49:
            continue
        at = turns * (age + first)
        phase = 2.0 * math.pi * (at - math.floor(at))
        re, im = math.cos(phase), math.sin(phase)
        c, s = math.cos(2.0 * math.pi * turns), math.sin(2.0 * math.pi * turns)
        for n in range(first, out.shape[0]):
            out[n] += hums[1, k] * im
            re, im = re * c - im * s, re * s + im * c
