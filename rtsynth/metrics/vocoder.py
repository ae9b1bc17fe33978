"""The floor of ear-like scores: the right loudness in every band and not one event. Thread: any.

A score that does not beat this noise says nothing about events, however high it is.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["noise_vocoder"]

BANDS = 32
RATE_HZ = 100
LOWEST_HZ, HIGHEST_HZ = 50.0, 20_000.0
CHUNK = 512  # analysis frames at once

Float = NDArray[np.float64]


def noise_vocoder(
    signal: Float, sample_rate: int, *, bands: int = BANDS, rate_hz: int = RATE_HZ, seed: int = 0
) -> Float:
    """White noise with the signal's energy in every band and frame.

    Bands are evenly wide on the ERB-rate scale, 21.4·log10(1 + 0.00437·f) (Glasberg and Moore
    1990), from 50 Hz to 20 kHz; what lies outside joins the outermost. Analysis and synthesis
    windows are square roots of Hann's, so that unchanged noise is passed through exactly.

    Args:
        signal: [samples].
        sample_rate: Hz.
        bands: of the filter bank.
        rate_hz: frames per second; `bands · rate_hz` numbers per second describe the sound.
        seed: of the noise.

    Returns:
        [samples].
    """
    hop = max(1, sample_rate // rate_hz)
    size = 2 * hop
    window = np.sqrt(np.hanning(size + 1)[:-1])
    edge = np.zeros(size)
    padded = np.concatenate([edge, np.asarray(signal, float), edge, edge[:hop]])
    noise = np.random.default_rng(seed).normal(size=len(padded))
    band = _band_of(np.fft.rfftfreq(size, 1.0 / sample_rate).astype(float), bands)
    made = np.zeros(len(padded) + size)
    frames, white = (
        np.lib.stride_tricks.sliding_window_view(sound, size)[::hop] for sound in (padded, noise)
    )
    for first in range(0, len(frames), CHUNK):
        shaped = _shaped(
            frames[first : first + CHUNK] * window, white[first : first + CHUNK] * window, band
        )
        _overlap_add(made, shaped * window, first * hop, hop)
    return made[size : size + len(signal)]


def _band_of(freq_hz: Float, bands: int) -> NDArray[np.intp]:
    low, high = (21.4 * np.log10(1.0 + 0.00437 * f) for f in (LOWEST_HZ, HIGHEST_HZ))
    place = (21.4 * np.log10(1.0 + 0.00437 * freq_hz) - low) / (high - low) * bands
    band: NDArray[np.intp] = np.clip(place.astype(np.intp), 0, bands - 1)
    return band


def _shaped(frames: Float, white: Float, band: NDArray[np.intp]) -> Float:
    """[frames, size] the noise's frames, each band with exactly the energy of the signal's.

    Exactly, not on average: that scores up to 0.4 higher, and a floor should be hard to beat.
    """
    wanted, noise = np.fft.rfft(frames), np.fft.rfft(white)
    begins = np.flatnonzero(np.diff(band, prepend=-1))  # bands without a bin are left out
    energy, own = (np.add.reduceat(np.abs(s) ** 2, begins, axis=1) for s in (wanted, noise))
    gain = np.sqrt(energy / np.maximum(own, 1e-30))
    shaped = noise * np.repeat(gain, np.diff(np.append(begins, len(band))), axis=1)
    return np.asarray(np.fft.irfft(shaped, frames.shape[1]), float)


def _overlap_add(out: Float, frames: Float, first: int, hop: int) -> None:
    """Add frames of two hops each, one hop apart."""
    head, tail = frames[:, :hop].ravel(), frames[:, hop:].ravel()
    out[first : first + len(head)] += head
    out[first + hop : first + hop + len(tail)] += tail
