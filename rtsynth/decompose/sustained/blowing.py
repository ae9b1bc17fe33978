"""The noise of bow, breath or hammer: what partials leave, in bands over time. Thread: worker."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Float
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.instrument import NOISE_BANDS, NOISE_EDGES_HZ

__all__ = ["band_power", "blow_curves", "floor_between"]

FRAME_S = 0.024
SMOOTHING_S = 0.012
LEAST_OCTAVES, MOST_OCTAVES = -8.0, 6.0
SILENT = 1e-6
LONG_S = 0.1  # tells partials a few tens of hertz wide from what lies between them
FEWEST_BINS = 8
AT_ONCE = 1_000  # points: 10 MB of spectra


def blow_curves(
    residual: Float, sample_rate: float, first: int, points: int, covered_hz: float, kept: float
) -> tuple[Float, Float, Float]:
    """Level of each band, and its course as a common one times each band's own.

    Args:
        residual: [samples] without the partials.
        sample_rate: Hz.
        first: sample of the onset.
        points: of the curves, every `STEP_S` from the onset on.
        covered_hz: partials were taken away up to here.
        kept: share of the noise's power that this left there.

    Returns:
        [32] RMS amplitudes, [points, 32] log2 gains, [points] log2 of the common gain.
    """
    power = band_power(residual, sample_rate, first, points)
    low, high = NOISE_EDGES_HZ[:-1], NOISE_EDGES_HZ[1:]
    covered = np.clip((covered_hz - low) / (high - low), 0.0, 1.0)
    power = power / (1.0 - covered * (1.0 - kept))
    return _curves_of(np.maximum(gaussian_filter1d(power, SMOOTHING_S / STEP_S, axis=0), 0.0))


def _curves_of(power: Float) -> tuple[Float, Float, Float]:
    """Level of each band, and its course as a common one times each band's own.

    Args:
        power: [points, 32] mean squares.

    Returns:
        as `blow_curves`.
    """
    mean = power.mean(axis=0)
    gain = np.sqrt(mean)
    level = 0.5 * np.log2((power + SILENT**2) / (mean + SILENT**2))
    common = np.average(level, axis=1, weights=gain + SILENT)
    limits = (LEAST_OCTAVES, MOST_OCTAVES)
    return gain, np.clip(level - common[:, None], *limits), np.clip(common, *limits)


def floor_between(signal: Float, sample_rate: float, points: int) -> Float:
    """[32] RMS amplitude of the noise between a note's partials, spread over each band.

    A long spectrum tells partials from what lies between them, which is most of its bins; noise has
    its median at ln 2 of its mean. Infinite where there is too little to tell.

    Args:
        signal: [samples] from the onset on.
        sample_rate: Hz.
        points: of the note's curves, every `STEP_S`: beyond, nothing is counted.
    """
    size = 1 << round(np.log2(LONG_S * sample_rate))
    held = signal[: round(points * STEP_S * sample_rate)]
    floor = np.full(NOISE_BANDS, np.inf)
    if len(held) < 4 * size:
        return floor
    window = np.hanning(size + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(held, size)[:: size // 2]
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    power *= 2.0 / (size * np.sum(window**2))
    share = _bin_shares(size, sample_rate)
    centre = np.fft.rfftfreq(size, 1.0 / sample_rate)
    for band, width in enumerate(np.diff(NOISE_EDGES_HZ)):
        # a band may be narrower than a partial: half of it on either side is looked at, too
        low, high = NOISE_EDGES_HZ[band] - width / 2, NOISE_EDGES_HZ[band + 1] + width / 2
        inside = power[:, (centre > max(low, 0.0)) & (centre < high)]
        if inside.shape[1] >= FEWEST_BINS:
            between = float(np.median(inside)) / np.log(2.0)
            floor[band] = np.sqrt(between * share[:, band].sum())
    return floor


def band_power(
    residual: Float, sample_rate: float, first: int, points: int, step_s: float = STEP_S
) -> Float:
    """[points, 32] mean square within each band, in frames around points `step_s` apart."""
    size = 2 * round(FRAME_S * sample_rate / 2)
    starts = first + np.round(np.arange(points) * step_s * sample_rate).astype(int)
    padded = np.pad(residual, (size // 2, size + max(0, int(starts[-1]) - len(residual))))
    window = np.hanning(size + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)
    share = _bin_shares(size, sample_rate) * (2.0 / (size * np.sum(window**2)))
    power = np.empty((points, NOISE_BANDS))
    for at in range(0, points, AT_ONCE):
        some = frames[starts[at : at + AT_ONCE]] * window
        power[at : at + AT_ONCE] = np.abs(np.fft.rfft(some, axis=1)) ** 2 @ share
    return power


def _bin_shares(size: int, sample_rate: float) -> Float:
    """[bins, 32] how much of each bin's width lies in each band."""
    width = sample_rate / size
    centre = np.fft.rfftfreq(size, 1.0 / sample_rate)
    shares = np.empty((len(centre), NOISE_BANDS))
    for band in range(NOISE_BANDS):
        low = np.maximum(centre - width / 2, NOISE_EDGES_HZ[band])
        high = np.minimum(centre + width / 2, NOISE_EDGES_HZ[band + 1])
        shares[:, band] = np.clip((high - low) / width, 0.0, 1.0)
    return shares
