"""What a texture is known by: statistics of its bands, and how far two sounds' are apart.

After McDermott & Simoncelli (2011): levels, variances and kurtosis of bands and the correlations
between their envelopes, here on bands of `NOISE_EDGES_HZ`. Thread: any.
"""

import dataclasses

import numpy as np
from scipy.ndimage import uniform_filter

from rtsynth.decompose.damped import Float
from rtsynth.instrument import NOISE_EDGES_HZ
from rtsynth.metrics import stft_magnitude

__all__ = [
    "HOP",
    "TextureStatistics",
    "band_levels",
    "bands_below",
    "texture_statistics",
    "texture_w1",
]

WINDOW, HOP = 2048, 1024
FLOOR = 1e-12  # −120 dBFS
NEIGHBOURS = 17


@dataclasses.dataclass(frozen=True)
class TextureStatistics:
    """Statistics of one channel; bands at or above the Nyquist frequency hold NaN.

    Attributes:
        mean_db: [32] mean power per band, dB re an RMS amplitude of 1.
        median_db: [32] median over time of the band's power.
        deviation_db: [32] standard deviation over time of the band's level.
        kurtosis: [32] of the band's spectrum over time: E|X|⁴ / (E|X|²)² ; 2 for steady noise.
        correlation: [32, 32] between the bands' levels over time.
    """

    mean_db: Float
    median_db: Float
    deviation_db: Float
    kurtosis: Float
    correlation: Float


def bands_below(sample_rate: float) -> int:
    """How many of the 32 bands lie wholly below the Nyquist frequency."""
    return int(np.searchsorted(NOISE_EDGES_HZ, 0.5 * sample_rate, "right")) - 1


def band_levels(signal: Float, sample_rate: float) -> Float:
    """[analysis frames, 32] power per band; each bin is shared among the bands it covers.

    Args:
        signal: [samples] of one channel, at least WINDOW of them.
        sample_rate: Hz.
    """
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP]
    window = np.hanning(WINDOW + 1)[:-1]
    share = _shares(sample_rate) * (2.0 / (WINDOW * np.sum(window**2)))
    levels: Float = np.concatenate(
        [
            np.abs(np.fft.rfft(frames[first : first + 512] * window, axis=1)) ** 2 @ share
            for first in range(0, len(frames), 512)
        ]
    )
    return levels


def _shares(sample_rate: float) -> Float:
    """[bins, bands] how much of each bin's power belongs to each band."""
    width = sample_rate / WINDOW
    low = (np.arange(WINDOW // 2 + 1) - 0.5) * width
    left = np.maximum(low[:, None], NOISE_EDGES_HZ[None, :-1])
    right = np.minimum(low[:, None] + width, NOISE_EDGES_HZ[None, 1:])
    shares: Float = np.maximum(right - left, 0.0) / width
    return shares


def texture_statistics(signal: Float, sample_rate: float) -> TextureStatistics:
    """Statistics of one channel.

    Args:
        signal: [samples], at least 8 · 2048 of them.
        sample_rate: Hz.
    """
    power = band_levels(signal, sample_rate) + FLOOR**2
    level = 10.0 * np.log10(power)
    spectrum = stft_magnitude(signal, WINDOW, HOP)[2:-3] ** 2
    share = _shares(sample_rate)
    second, fourth = spectrum.mean(axis=0) @ share, (spectrum**2).mean(axis=0) @ share
    count = share.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        kurtosis = fourth * count / second**2
    deviation = level.std(axis=0)
    moved = (level - level.mean(axis=0)) / np.maximum(deviation, 1e-9)
    return TextureStatistics(
        mean_db=_known(10.0 * np.log10(power.mean(axis=0)), sample_rate),
        median_db=_known(np.median(level, axis=0), sample_rate),
        deviation_db=_known(deviation, sample_rate),
        kurtosis=_known(kurtosis, sample_rate),
        correlation=moved.T @ moved / len(moved),
    )


def _known(values: Float, sample_rate: float) -> Float:
    values = np.array(values, float)
    values[bands_below(sample_rate) :] = np.nan
    return values


def texture_w1(recording: Float, rendering: Float, sample_rate: float) -> float:
    """How far a recording is from sounding like a texture, whatever either's actual noise.

    The noise statistic (`rtsynth.metrics.noise_w1`) compares power over its local mean with the
    quantiles of Exp(1), which is what noise alone has. A texture with clicks and motion expects
    other quantiles: those of its own rendering. The distance is again Wasserstein-1 between the
    sorted values; it is about 0.01 between two renderings of one texture.

    Args:
        recording: [samples].
        rendering: [samples] of the texture, whichever seed.
        sample_rate: Hz; only what lies within the bands, 30 Hz … 20 kHz, is compared.
    """
    found, expected = _ratios(recording, sample_rate), _ratios(rendering, sample_rate)
    if len(found) == 0 or len(expected) == 0:
        return float("inf") if len(found) != len(expected) else 0.0
    at = (np.arange(len(found)) + 0.5) / len(found)
    place = (np.arange(len(expected)) + 0.5) / len(expected)
    return float(np.mean(np.abs(found - np.interp(at, place, expected))))


def _ratios(signal: Float, sample_rate: float) -> Float:
    """Sorted power over its mean among 17 × 17 neighbours, where there is any."""
    size = 1024
    low, high = np.searchsorted(
        np.fft.rfftfreq(size, 1.0 / sample_rate), (NOISE_EDGES_HZ[0], NOISE_EDGES_HZ[-1])
    )
    power = stft_magnitude(signal, size, size // 4)[4:-7, low:high] ** 2  # whole frames only
    local = uniform_filter(power, NEIGHBOURS, mode="nearest")
    present = local > 1e-12 * power.max(initial=0.0)
    return np.sort(power[present] / local[present])
