"""The inverse Fourier transform of one real grain. Thread: audio, helper."""

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.fft_lanes import DOWN, POINTS, ROUND, transform_lanes

__all__ = ["BINS", "GRAIN", "fft_tables", "inverse_fft"]

GRAIN = 1024
"""Samples of the transform."""

BINS = GRAIN // 2
assert BINS == POINTS


def fft_tables() -> np.ndarray:
    """[4, BINS] float32 cosines and sines that the transform turns by. Thread: main.

    Rows 0 and 1 are of angle 2πk/GRAIN, rows 2 and 3 of 2π·b·c/BINS at ROUND·c + b.
    """
    split = 2.0 * np.pi * np.arange(BINS) / GRAIN
    turn = 2.0 * np.pi * np.outer(np.arange(DOWN), np.arange(ROUND)).ravel() / BINS
    return np.stack([np.cos(split), np.sin(split), np.cos(turn), np.sin(turn)]).astype(np.float32)


@kernel("void(float32[:,::1], float32[:,::1])", fastmath=True)
def inverse_fft(tables: np.ndarray, data: np.ndarray) -> None:
    """Real inverse DFT of GRAIN samples, unscaled, from the lower half of their spectrum.

    One complex transform of half the size gives even and odd samples as real and imaginary parts.

    Args:
        tables: [4, BINS] from `fft_tables`.
        data: [3, GRAIN] float32. Row 0 holds the real parts of bins 0 … BINS − 1, then the
            imaginary ones, bin 0 being 0; it becomes the samples. The other rows are scratch.
    """
    re, im = data[1, :BINS], data[1, BINS:]
    re[0] = im[0] = 0.0
    for k in range(1, BINS):
        ar, ai = data[0, k], data[0, BINS + k]
        br, bi = data[0, BINS - k], -data[0, GRAIN - k]
        dr, di = ar - br, ai - bi
        c, s = tables[0, k], tables[1, k]
        re[k] = ar + br - (dr * s + di * c)
        im[k] = ai + bi + (dr * c - di * s)
    transform_lanes(tables, data)
