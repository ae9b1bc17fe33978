"""How far one sound is from another, by their spectra and their waveforms. Thread: any.

Conventions: `reference` and `estimate` are [samples] of one channel and equal length. A value that
is not defined (nothing to compare with) is None, so that a report stays legal JSON.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "log_spectral_distance",
    "magnitudes",
    "multi_resolution",
    "relative_l1",
    "si_sdr",
    "snr",
    "stft_magnitude",
]

RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))
L1_WINDOWS = (2048, 1024, 512, 256, 128, 64)
FLOOR = 1e-4  # −80 dB against the bin of a full-scale sine under a Hann window, size/4
CHUNK = 2_048  # analysis frames at once

Float = NDArray[np.float64]


def stft_magnitude(signal: Float, size: int, hop: int) -> Float:
    """[analysis frames, size/2 + 1] magnitudes under a periodic Hann window, frames centred."""
    return np.concatenate(list(magnitudes(signal, size, hop)))


def magnitudes(signal: Float, size: int, hop: int) -> Iterator[Float]:
    """Blocks of at most 2048 rows of `stft_magnitude`, one after the other."""
    padded = np.pad(np.asarray(signal, float), (size // 2, size // 2 + size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    window = np.hanning(size + 1)[:-1]
    for first in range(0, len(frames), CHUNK):
        yield np.abs(np.fft.rfft(frames[first : first + CHUNK] * window, axis=1))


def multi_resolution(reference: Float, estimate: Float) -> tuple[float | None, float]:
    """Spectral convergence and log-magnitude distance in nepers, mean over three resolutions.

    Returns:
        mean of ‖Y−X‖/‖X‖ (None for a silent reference) and of |log(Y+ε) − log(X+ε)|.
    """
    convergences, distances = [], []
    for size, hop in RESOLUTIONS:
        epsilon = FLOOR * size / 4
        off = total = log_off = 0.0
        count = 0
        pairs = zip(magnitudes(reference, size, hop), magnitudes(estimate, size, hop), strict=True)
        for x, y in pairs:
            off += float(np.sum((y - x) ** 2))
            total += float(np.sum(x**2))
            log_off += float(np.sum(np.abs(np.log(y + epsilon) - np.log(x + epsilon))))
            count += x.size
        convergences.append(math.sqrt(off / total) if total > 0 else None)
        distances.append(log_off / max(count, 1))
    known = [c for c in convergences if c is not None]
    return (sum(known) / len(known) if known else None), sum(distances) / len(distances)


def relative_l1(reference: Float, estimate: Float) -> float | None:
    """Σ|X−Y| / Σ|X| over windows of 2048 … 64 samples, hop a quarter; None for silence."""
    off = total = 0.0
    for size in L1_WINDOWS:
        pairs = zip(
            magnitudes(reference, size, size // 4),
            magnitudes(estimate, size, size // 4),
            strict=True,
        )
        for x, y in pairs:
            scale = 1.0 / math.sqrt(size)
            off += scale * float(np.sum(np.abs(x - y)))
            total += scale * float(np.sum(x))
    return off / total if total > 0 else None


def log_spectral_distance(reference: Float, estimate: Float) -> float:
    """Root mean square difference of the log-spectra per frame, mean over frames, in dB."""
    size, hop = 2048, 512
    epsilon = FLOOR * size / 4
    total, count = 0.0, 0
    pairs = zip(magnitudes(reference, size, hop), magnitudes(estimate, size, hop), strict=True)
    for x, y in pairs:
        difference = 20.0 * np.log10((y + epsilon) / (x + epsilon))
        total += float(np.sum(np.sqrt(np.mean(difference**2, axis=1))))
        count += len(x)
    return total / max(count, 1)


def snr(reference: Float, estimate: Float) -> float | None:
    """Signal over error in dB; None where either is nothing."""
    return _ratio_db(float(np.sum(reference**2)), float(np.sum((reference - estimate) ** 2)))


def si_sdr(reference: Float, estimate: Float) -> float | None:
    """Scale-invariant signal over distortion in dB (Le Roux et al. 2019); None if undefined."""
    energy = float(reference @ reference)
    if energy <= 0.0:
        return None
    target = reference * (float(estimate @ reference) / energy)
    return _ratio_db(float(np.sum(target**2)), float(np.sum((estimate - target) ** 2)))


def _ratio_db(signal: float, error: float) -> float | None:
    if signal <= 0.0 or error <= 0.0:
        return None
    return 10.0 * math.log10(signal / error)
