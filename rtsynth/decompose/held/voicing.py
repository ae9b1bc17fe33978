"""The pitch of a line of notes over time, and where there is none.

A normalised autocorrelation per frame, read at lags evenly spaced in log-frequency, says how
periodic the sound is at each pitch; the best path through it (Viterbi) may glide for little, jump
for a fixed price, or have no pitch. So a vibrato is followed and an octave is not taken for a note
(after pYIN: Mauch & Dixon, ICASSP 2014, with autocorrelation in place of its difference function).
Thread: worker.
"""

import dataclasses
import functools

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import butter, sosfiltfilt

from rtsynth.decompose.damped import Float

__all__ = ["PATH_STEP_S", "PitchPath", "level_path", "pitch_path"]

PATH_STEP_S = 0.008
"""Seconds from point to point of a path: 125 points a second."""

LOWEST_HZ, HIGHEST_HZ = 55.0, 1_900.0
PER_SEMITONE = 5
FRAME_S = 0.046
LEVEL_FRAME_S = 0.02
OCTAVE_BONUS = 0.03  # a multiple of the period is as periodic: prefer the shorter
UNPITCHED = 0.55  # periodicity below which there is rather no pitch
JUMP, GLIDE = 0.6, 0.02  # price of any change, and of one bin, in periodicity · points
WIDEST_GLIDE = 8  # bins a point
QUIET_DB = 50.0  # below the loudest frame nothing has a pitch
CHUNK = 512  # frames at once, to bound the memory of long files


@dataclasses.dataclass(frozen=True)
class PitchPath:
    """A line's pitch, every `PATH_STEP_S` from the first sample on.

    Attributes:
        semitones: [points] MIDI numbers with fraction, NaN without a pitch.
        periodicity: [points] of the chosen pitch, at most 1; 0 without.
        level_db: [points] within 20 ms around each point, dB re full scale.
    """

    semitones: Float
    periodicity: Float
    level_db: Float


def pitch_path(signal: Float, sample_rate: float) -> PitchPath:
    """Follow the pitch of a signal in which at most one pitch is in front at a time.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
    """
    high_passed = butter(2, LOWEST_HZ, "highpass", fs=sample_rate, output="sos")
    clear: Float = sosfiltfilt(high_passed, signal) if len(signal) > 32 else signal
    count = int(len(signal) / (PATH_STEP_S * sample_rate)) + 1
    parts = [
        _periodicity(clear, sample_rate, np.arange(i, min(i + CHUNK, count)))
        for i in range(0, count, CHUNK)
    ]
    periodicity = np.concatenate([part[0] for part in parts])
    power = np.concatenate([part[1] for part in parts])
    periodicity[power < power.max() * 10.0 ** (-QUIET_DB / 10.0)] = 0.0
    path = _best_path(periodicity)
    voiced = path < periodicity.shape[1]
    bins = np.minimum(path, periodicity.shape[1] - 1)
    semitones = np.where(voiced, _grid_semitones()[bins], np.nan)
    chosen = np.where(voiced, periodicity[np.arange(count), bins], 0.0)
    return PitchPath(semitones, chosen, level_path(clear, sample_rate))


def level_path(signal: Float, sample_rate: float) -> Float:
    """[points] level within 20 ms, dB re full scale, every `PATH_STEP_S` from the first sample on.

    Args:
        signal: [samples].
        sample_rate: Hz.
    """
    count = int(len(signal) / (PATH_STEP_S * sample_rate)) + 1
    total = np.concatenate([[0.0], np.cumsum(signal**2)])
    centre = np.arange(count) * PATH_STEP_S * sample_rate
    half = LEVEL_FRAME_S * sample_rate / 2
    low, high = (np.clip(np.round(centre + d), 0, len(signal)).astype(int) for d in (-half, half))
    level: Float = 10.0 * np.log10((total[high] - total[low]) / np.maximum(high - low, 1) + 1e-12)
    return level


def _grid_semitones() -> Float:
    count = int(12 * PER_SEMITONE * np.log2(HIGHEST_HZ / LOWEST_HZ))
    lowest = 69.0 + 12.0 * np.log2(LOWEST_HZ / 440.0)
    grid: Float = lowest + np.arange(count) / PER_SEMITONE
    return grid


def _periodicity(
    signal: Float, sample_rate: float, points: NDArray[np.int64]
) -> tuple[Float, Float]:
    """[points, bins] normalised autocorrelation of centred frames, [points] mean square."""
    size, most = round(FRAME_S * sample_rate), int(sample_rate / LOWEST_HZ) + 2
    firsts = np.round(points * PATH_STEP_S * sample_rate - (size + most) / 2).astype(int)
    before = size + most
    start = int(firsts[0])
    stop = int(firsts[-1]) + size + most
    part = signal[max(0, start) : max(0, stop)]
    part = np.pad(part, (max(0, -start), before))[: stop - start]
    part = np.pad(part, (0, stop - start - len(part)))
    longs = np.lib.stride_tricks.sliding_window_view(part, size + most)[firsts - start]
    fft_size = 1 << int(np.ceil(np.log2(2 * size + most)))
    spectrum = scipy.fft.rfft(longs[:, :size], fft_size).conj() * scipy.fft.rfft(longs, fft_size)
    product = scipy.fft.irfft(spectrum, fft_size)[:, :most]
    total = np.cumsum(np.pad(longs**2, ((0, 0), (1, 0))), axis=1)
    energy = total[:, size : size + most] - total[:, :most]
    floor = 1e-10 * size
    rows = product / np.sqrt(energy[:, :1] * energy + floor**2)
    lags, spline = _spline(sample_rate, most)
    found = rows @ spline
    # what has not fallen since lag 0 is no period: the sound is merely slow
    dipped = np.argmax(rows < 0.0, axis=1)
    dipped = np.where((rows < 0.0).any(axis=1), dipped, most)
    found[lags[None, :] < dipped[:, None]] = 0.0
    return found, energy[:, 0] / size


@functools.lru_cache(maxsize=2)
def _spline(sample_rate: float, most: int) -> tuple[Float, Float]:
    """[bins] lags in samples; [most, bins] what reads a cubic spline through whole lags there."""
    lags = sample_rate / (440.0 * 2.0 ** ((_grid_semitones() - 69.0) / 12.0))
    return lags, CubicSpline(np.arange(most), np.eye(most))(lags).T.copy()


def _best_path(periodicity: Float) -> NDArray[np.intp]:
    """[points] bin of the best path; the number of bins stands for no pitch."""
    count, bins = periodicity.shape
    bonus = OCTAVE_BONUS * np.arange(bins) / (12 * PER_SEMITONE)
    gain = np.concatenate([periodicity + bonus, np.full((count, 1), UNPITCHED)], axis=1)
    score = gain[0].copy()
    back = np.empty((count, bins + 1), np.int32)
    every = np.arange(bins + 1, dtype=np.int32)
    for point in range(1, count):
        best, origin = score.copy(), every.copy()
        for shift in range(1, WIDEST_GLIDE + 1):
            _offer(best[shift:bins], origin[shift:bins], score[: bins - shift], every, shift, 0)
            _offer(best[: bins - shift], origin, score[shift:bins], every, shift, shift)
        jump = int(np.argmax(score))
        better = score[jump] - JUMP > best
        best[better], origin[better] = score[jump] - JUMP, jump
        back[point] = origin
        score = best + gain[point]
    path = np.empty(count, np.intp)
    path[-1] = int(np.argmax(score))
    for point in range(count - 1, 0, -1):
        path[point - 1] = back[point, path[point]]
    return path


def _offer(
    best: Float,
    origin: NDArray[np.int32],
    score: Float,
    every: NDArray[np.int32],
    shift: int,
    first: int,
) -> None:
    """Take what a glide of `shift` bins offers where it is better, in place."""
    offered = score - GLIDE * shift
    better = offered > best
    best[better] = offered[better]
    origin[: len(best)][better] = every[first : first + len(best)][better]
