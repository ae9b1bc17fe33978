"""The pitch of one note over time, from the phases of its harmonics. Thread: worker.

A normalised autocorrelation per frame gives a first track. Then every harmonic is turned down to
0 Hz by that track's phase, and what phase is left over tells how far the track is off: the
deviations of all harmonics, each weighed by the precision of its own, are added and the turn is
repeated. At a few degrees of phase noise that is a fraction of a cent.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter
from scipy.signal import fftconvolve

from rtsynth.decompose.damped import Complex, Float

__all__ = ["STEP_S", "phase_of", "refine_track", "track_pitch", "turned_down", "window_s"]

STEP_S = 0.004
"""Seconds from one point of a track to the next: 250 points a second."""

LOWEST_HZ, HIGHEST_HZ = 50.0, 2_000.0
FRAME_S, FRAME_STEPS = 0.05, 4
NEAR = 2.0 ** (3.0 / 12.0)  # a vibrato or a slide stays within three semitones of the note
AS_GOOD = 0.93  # a shorter period so nearly as good is the period, not its multiple
LOUD = 0.03  # of the loudest frame
PASSES = ((4, 0.012), (6, 0.006), (8, 0.004))  # harmonics used, seconds of smoothing
PERIODS, LONGEST_WINDOW_S, FEWEST_PERIODS = 6.0, 0.04, 3.0
MAX_PASS = 0.03  # of the pitch: no pass moves the track further


def window_s(pitch_hz: float) -> float:
    """Length of the Hann window that parts one harmonic from its neighbours."""
    return max(FEWEST_PERIODS / pitch_hz, min(PERIODS / pitch_hz, LONGEST_WINDOW_S))


def phase_of(track_hz: Float, length: int, sample_rate: float) -> Float:
    """[length] phase in radians of a frequency given every `STEP_S`, 0 at the first sample."""
    place = np.arange(length) / (STEP_S * sample_rate)
    step = 2 * np.pi / sample_rate * np.interp(place, np.arange(len(track_hz)), track_hz)
    phase: Float = np.concatenate([[0.0], np.cumsum(0.5 * (step[1:] + step[:-1]))])
    return phase


def turned_down(signal: Float, phase: Float, sample_rate: float, seconds: float) -> Complex:
    """[samples] complex amplitude A of the part `Re A·e^{j·phase}` of a signal.

    Args:
        signal: [samples].
        phase: [samples] radians.
        sample_rate: Hz.
        seconds: length of the Hann window it is averaged over.
    """
    window = np.hanning(2 * (round(seconds * sample_rate) // 2) + 3)[1:-1]
    turned = 2.0 * signal * np.exp(-1j * phase)
    found: Complex = fftconvolve(turned, window / window.sum(), mode="same")
    return found


def track_pitch(signal: Float, sample_rate: float) -> Float:
    """[points] Hz every `STEP_S`, held before the note and after it.

    Args:
        signal: [samples] of one pitched note, at least 0.1 s.
        sample_rate: Hz.
    """
    return refine_track(_first_track(signal, sample_rate), signal, sample_rate)


def refine_track(track: Float, signal: Float, sample_rate: float) -> Float:
    """[points] a track that is right within a few per cent, made right within a cent.

    Args:
        track: [points] Hz every `STEP_S`.
        signal: [samples] of one pitched note.
        sample_rate: Hz.
    """
    for harmonics, smoothing_s in PASSES:
        track = _refined(track, signal, sample_rate, harmonics, smoothing_s)
    return track


def _first_track(signal: Float, sample_rate: float) -> Float:
    correlation, loud = _correlations(signal, sample_rate)
    lags = np.arange(correlation.shape[1])
    low, high = int(sample_rate / HIGHEST_HZ), int(sample_rate / LOWEST_HZ)
    mean = np.average(correlation, axis=0, weights=loud)
    mean[:low] = mean[high:] = -1.0
    peaks = np.flatnonzero((mean[1:-1] > mean[:-2]) & (mean[1:-1] >= mean[2:])) + 1
    period = int(peaks[mean[peaks] >= AS_GOOD * mean.max()][0]) if len(peaks) else low
    near = (lags > period / NEAR) & (lags < period * NEAR)
    best = np.argmax(np.where(near, correlation, -1.0), axis=1)
    frames = np.arange(len(best))
    before, at, after = (correlation[frames, best + i] for i in (-1, 0, 1))
    bend = 0.5 * (before - after) / np.minimum(before - 2 * at + after, -1e-9)
    track = sample_rate / (best + np.clip(bend, -0.5, 0.5))
    heard = np.flatnonzero(loud > LOUD**2 * loud.max())
    track = median_filter(np.interp(frames, heard, track[heard]), 3, mode="nearest")
    points = int(len(signal) / (STEP_S * sample_rate)) + 2
    finer: Float = np.interp(np.arange(points), frames * FRAME_STEPS, track)
    return finer


def _correlations(signal: Float, sample_rate: float) -> tuple[Float, Float]:
    """[frames, lags] normalised autocorrelation of centred frames, and [frames] their energy."""
    size, most = round(FRAME_S * sample_rate), int(sample_rate / LOWEST_HZ) + 2
    hop = FRAME_STEPS * STEP_S * sample_rate
    padded = np.pad(signal, (size, size + 2 * most))
    count = int(len(signal) / hop) + 1
    firsts = (np.arange(count) * hop + size / 2 - most / 2).astype(int)
    total = np.concatenate([[0.0], np.cumsum(padded**2)])
    fft_size = 1 << int(np.ceil(np.log2(2 * size + most)))
    rows = np.empty((count, most))
    loud = np.empty(count)
    for row, first in enumerate(firsts):
        short = np.fft.rfft(padded[first : first + size], fft_size)
        long = np.fft.rfft(padded[first : first + size + most], fft_size)
        product = np.fft.irfft(short.conj() * long, fft_size)[:most]
        energy = total[first + size : first + size + most] - total[first : first + most]
        loud[row] = energy[0]
        rows[row] = product / np.sqrt(energy[0] * energy + 1e-20)
    return rows, loud


def _refined(
    track: Float, signal: Float, sample_rate: float, harmonics: int, smoothing_s: float
) -> Float:
    mean = float(np.median(track))
    seconds = window_s(mean)
    phase = phase_of(track, len(signal), sample_rate)
    at = _points(len(track), len(signal), sample_rate)
    top = max(1, min(harmonics, int(0.45 * sample_rate / track.max())))
    numbers = np.arange(1, top + 1)
    found = np.array(
        [turned_down(signal, k * phase, sample_rate, seconds)[at] for k in numbers.tolist()]
    )
    turn = found[:, 2:] * found[:, :-2].conj()
    deviation = np.angle(turn) / (4 * np.pi * STEP_S) / numbers[:, None]
    weight = np.abs(turn) * numbers[:, None] ** 2
    # a stiff string's harmonics are off for good: only the first few say where the pitch lies
    steady = np.average(deviation, axis=1, weights=weight + 1e-30)
    level = np.average(steady[:3], weights=weight.sum(axis=1)[:3] + 1e-30)
    off = np.sum(weight * (deviation - steady[:, None] + level), axis=0)
    total = weight.sum(axis=0)
    trust = total + 1e-7 * total.max() + 1e-30
    sigma = smoothing_s / STEP_S
    off = gaussian_filter1d(off, sigma) / gaussian_filter1d(trust, sigma)
    limit = MAX_PASS * mean
    refined: Float = track + np.clip(np.pad(off, 1, mode="edge"), -limit, limit)
    return refined


def _points(points: int, length: int, sample_rate: float) -> NDArray[np.intp]:
    place = np.round(np.arange(points) * STEP_S * sample_rate).astype(np.intp)
    return np.minimum(place, length - 1)
