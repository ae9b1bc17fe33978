"""The stationary noise under everything: its level per band in quiet moments. Thread: any."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.instrument import NOISE_EDGES_HZ

__all__ = ["choose_floor", "noise_floor"]

WINDOW, HOP = 2048, 1024
QUANTILE = 0.1
QUANTILE_TO_MEAN = 1.0 / -np.log(1.0 - QUANTILE)  # noise power is exponentially distributed
THRESHOLD = 10.0 ** (-75.0 / 20.0)
CHUNK = 2_048
SHARES = (0.0, 0.35, 0.7, 1.0)
SILENT = 1e-4  # of a full-scale sine's bin: 80 dB below it nothing is compared


def noise_floor(residual: Float, sample_rate: float) -> Float:
    """[32] RMS amplitude per band of what is always there; zeros where it is below −75 dBFS in all.

    Args:
        residual: [samples] what no event explains.
        sample_rate: Hz.
    """
    bands = len(NOISE_EDGES_HZ) - 1
    if len(residual) < 4 * WINDOW:
        return np.zeros(bands)
    scale = 2.0 / (WINDOW * np.sum(np.hanning(WINDOW) ** 2))
    power = np.abs(_spectra(residual)) ** 2 * scale
    floor = np.quantile(power, QUANTILE, axis=0) * QUANTILE_TO_MEAN
    freq = np.fft.rfftfreq(WINDOW, 1.0 / sample_rate)
    band = np.searchsorted(NOISE_EDGES_HZ, freq, "right") - 1
    legal = (band >= 0) & (band < bands)
    total = np.bincount(band[legal], floor[legal], minlength=bands)
    counts = np.bincount(band[legal], minlength=bands)
    # bands narrower than a bin take their share of the nearest bin
    width = np.diff(NOISE_EDGES_HZ) * WINDOW / sample_rate
    centre = 0.5 * (NOISE_EDGES_HZ[1:] + NOISE_EDGES_HZ[:-1])
    near = np.minimum(np.round(centre * WINDOW / sample_rate).astype(int), len(floor) - 1)
    mean = np.where(counts > 0, total / np.maximum(counts, 1), floor[near])
    level: Float = np.sqrt(mean * width)
    level[centre >= 0.5 * sample_rate] = 0.0
    loud = float(np.sqrt(np.sum(level**2))) >= THRESHOLD
    return level if loud else np.zeros(bands)


def choose_floor(signal: Float, model: Float, floor: Float, sample_rate: float) -> Float:
    """[32] a noise floor, in every band as loud as brings the log-magnitudes closest.

    Noise under what is already explained only blurs it; where nothing else is, it is the sound.

    Args:
        signal: [samples] the recording.
        model: [samples] what the events make of it.
        floor: [32] RMS amplitude per band, the loudest to try.
        sample_rate: Hz.
    """
    if not floor.any():
        return floor
    white = np.random.Generator(np.random.Philox(0)).standard_normal(len(signal))
    freq = np.fft.rfftfreq(WINDOW, 1.0 / sample_rate)
    band = np.clip(np.searchsorted(NOISE_EDGES_HZ, freq, "right") - 1, 0, len(floor) - 1)
    width = np.diff(NOISE_EDGES_HZ)
    per_bin = (floor / np.sqrt(2.0 * width / sample_rate))[band]
    wanted, made, noise = (_spectra(part) for part in (signal, model, white))
    epsilon = SILENT * WINDOW / 4
    goal = np.log(np.abs(wanted) + epsilon)
    misfits = []
    for share in SHARES:
        off = np.abs(np.log(np.abs(made + share * per_bin * noise) + epsilon) - goal)
        misfits.append(np.bincount(band, off.mean(axis=0), minlength=len(floor)))
    chosen: Float = floor * np.array(SHARES)[np.argmin(misfits, axis=0)]
    return chosen


def _spectra(signal: Float) -> NDArray[np.complex128]:
    """[≤ CHUNK frames, bins], evenly spread where there are more frames."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::HOP]
    frames = frames[:: max(1, len(frames) // CHUNK)][:CHUNK]
    spectra: NDArray[np.complex128] = np.fft.rfft(frames * np.hanning(WINDOW))
    return spectra
