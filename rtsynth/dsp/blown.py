"""Blown noise: as loud as its bands say in every grain, not only on average. Thread: audio, helper.

The curves of its bands have the fluctuations of the noise that was recorded; a noise with more of
its own, as a texture is, would have them twice. So only phases are random, and they are those of
one stream of white noise, windowed: neighbouring grains add up to what each of them says.

Grain k covers frames k·HOP … k·HOP + GRAIN since the onset.
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.fft import BINS, GRAIN, forward_fft, inverse_fft
from rtsynth.dsp.noise import fill_white
from rtsynth.dsp.texture import HOP, add_band

__all__ = ["BREATH", "IN_PHASE", "blown_grain"]

IN_PHASE = 1.80
"""Power of the overlap-added noise over that of its grains, which meet nearly in phase: measured.

A band of one to three bins alone comes out 0.5 to 2 dB low, a single grain 0.8 dB."""

BREATH = np.uint64(0xB4EA_7400_0000_0001)
"""What the event's seed is mixed with, so that no event's strike has the same noise."""

LEAST = np.float32(1e-12)
SHARE = np.float32(0.5 / IN_PHASE)


@kernel(
    "void(uint64, int64, float32[::1], float32[::1], float32[:,::1], int64[:,::1], float32[::1],"
    " float32[:,::1], float32[:,::1])",
    fastmath=True,
)
def blown_grain(
    seed: np.uint64,
    index: int,
    band_gain: np.ndarray,
    band_db: np.ndarray,
    weights: np.ndarray,
    spans: np.ndarray,
    window: np.ndarray,
    tables: np.ndarray,
    data: np.ndarray,
) -> None:
    """Grain `index` into data[0], without the window under which it is added.

    Args:
        seed: of the event.
        index: of the grain, ≥ −1.
        band_gain: [bands] float32, RMS amplitude per band.
        band_db: [bands] float32, dB per band.
        weights: [bands, BINS] from `band_weights`.
        spans: [bands, 2] from `band_spans`.
        window: [GRAIN] from `grain_window`.
        tables: from `fft_tables`.
        data: [3, GRAIN] float32; rows 1 and 2 are scratch.
    """
    fill_white(seed ^ BREATH, (index + 1) * HOP, data[0])
    for n in range(GRAIN):
        data[0, n] *= window[n]
    forward_fft(tables, data)
    power = data[2, :BINS]
    for i in range(BINS):
        power[i] = 0.0
    for b in range(band_gain.shape[0]):
        if band_gain[b] != 0.0:
            add_band(band_gain[b], band_db[b], weights[b], spans[b, 0], spans[b, 1], power)
    for i in range(1, BINS):
        re, im = data[0, i], data[0, BINS + i]
        # a conjugate pair of bins of size s sounds with power 2s², unscaled
        size = math.sqrt(SHARE * power[i] / (re * re + im * im + LEAST))
        data[0, i] = re * size
        data[0, BINS + i] = im * size
    data[0, 0] = data[0, BINS] = 0.0
    inverse_fft(tables, data)
