"""The Fourier transform of one real grain, and back. Thread: audio, helper."""

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.fft_lanes import DOWN, POINTS, ROUND, transform_lanes

__all__ = ["BINS", "GRAIN", "fft_tables", "forward_fft", "inverse_fft"]

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


@kernel("void(float32[:,::1], float32[:,::1])", fastmath=True)
def forward_fft(tables: np.ndarray, data: np.ndarray) -> None:
    """Real DFT of GRAIN samples: the lower half of their spectrum, so that `inverse_fft` undoes it.

    The transform of conjugate numbers is the conjugate of the inverse one.

    Args:
        tables: [4, BINS] from `fft_tables`.
        data: [3, GRAIN] float32. Row 0 holds the samples; it becomes the real parts of bins 0 …
            BINS − 1, then the imaginary ones, GRAIN times too large for `inverse_fft`; those of bin
            0 are 0. The other rows are scratch.
    """
    re, im = data[1, :BINS], data[1, BINS:]
    for k in range(BINS):
        re[k] = data[0, 2 * k]
        im[k] = -data[0, 2 * k + 1]
    transform_lanes(tables, data)
    half = np.float32(0.5)
    for k in range(1, BINS):
        ar, ai = data[0, 2 * k], -data[0, 2 * k + 1]
        br, bi = data[0, 2 * (BINS - k)], data[0, 2 * (BINS - k) + 1]
        dr, di = ar - br, ai - bi
        c, s = tables[0, k], tables[1, k]
        re[k] = half * (ar + br + c * di - s * dr)
        im[k] = half * (ai + bi - c * dr - s * di)
    re[0] = im[0] = np.float32(0.0)
    for k in range(GRAIN):
        data[0, k] = data[1, k]
