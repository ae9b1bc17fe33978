"""Noise of notes as gains of the resonances they share and curves above these. Thread: worker."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.instrument import NOISE_BANDS

__all__ = ["noise_curves"]

LEAST = 1e-7
QUIETEST = 2.0**-10  # of its own mean: what is fainter is not worth drawing


def noise_curves(
    noise: list[Float], resonance: NDArray[np.intp], gain: Float, count: int
) -> tuple[Float, list[Float]]:
    """The mean noise of each resonance, and what each of its notes draws of it.

    Args:
        noise: per note [points, 32] RMS amplitudes per band.
        resonance: [notes] index.
        gain: [notes] linear.
        count: of the resonances.

    Returns:
        [count, 32] RMS amplitudes, and per note [points, 32] log2 gains that make these, times the
        note's own gain, its noise.
    """
    blow_gain = np.zeros((count, NOISE_BANDS))
    for index in range(count):
        mine = np.flatnonzero(resonance == index)
        own = np.array([_mean(noise[i]) / gain[i] for i in mine])
        blow_gain[index] = np.exp(np.mean(np.log(own + LEAST), axis=0))
    curves = [
        _curves(own, blow_gain[r] * g) for own, r, g in zip(noise, resonance, gain, strict=True)
    ]
    return blow_gain, curves


def _mean(noise: Float) -> Float:
    """[32] RMS amplitudes of [points, 32] ones."""
    mean: Float = np.sqrt(np.mean(noise**2, axis=0))
    return mean


def _curves(noise: Float, mean: Float) -> Float:
    heard = np.maximum(noise, QUIETEST * _mean(noise))
    curves: Float = np.log2((heard + LEAST) / (mean + LEAST))
    return curves
