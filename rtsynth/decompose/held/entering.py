"""When a note enters: under another that still sounds, or out of silence. Thread: worker.

A bow or a breath takes a tenth of a second and more to bring a note to its level, but its partials
are there, weak, from the moment it begins; and for as long the note before it still sounds. So the
entry is not where the sound is loudest or the pitch changes, but where lines appear that were not
there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.onset import refine_onset

__all__ = ["clear_of", "entry_over", "line_levels", "rise_after", "rise_of"]

WINDOW_S = 0.046
HOP_S = 0.004
HARMONICS = 16
TOP_HZ = 9_000.0
APART = 1.6  # widths of a bin of that window
BEFORE_S, AFTER_S = 0.30, 0.10  # around where the pitch path changes
FEWEST_DB = 6.0  # of a rise that says anything
EDGE_S = 0.04  # of the stretch looked at: the floor, and where the rise has led
RISES_S = (0.002, 0.01, 0.03, 0.1)
HEARD_DB = 50.0  # below the strongest line, after silence
AT_ONCE = 500  # centres: 17 MB of frames
RISE_BEFORE_S, RISE_AFTER_S = 0.08, 0.08


def entry_over(
    signal: Float, sample_rate: float, near: int, semitones: float, before_semitones: float
) -> int | None:
    """The sample at which a note's partials appear beside those of the note before it.

    Args:
        signal: [samples].
        sample_rate: Hz.
        near: sample at which the new pitch is in front.
        semitones: its pitch, MIDI number.
        before_semitones: pitch of the note before.

    Returns:
        None where no partials of its own appear.
    """
    own, other = (440.0 * 2.0 ** ((s - 69.0) / 12.0) for s in (semitones, before_semitones))
    freq = own * np.arange(1, HARMONICS + 1)
    freq = freq[freq < min(TOP_HZ, 0.45 * sample_rate)]
    freq = freq[clear_of(freq, [other], APART / WINDOW_S)]
    first = max(0, near - round(BEFORE_S * sample_rate))
    last = min(len(signal), near + round(AFTER_S * sample_rate))
    return rise_of(signal, sample_rate, freq, first, last)


def clear_of(freq_hz: Float, others_hz: Sequence[float], apart_hz: float) -> NDArray[np.bool]:
    """[partials] whether no harmonic of any other note is as near as that.

    Args:
        freq_hz: [partials].
        others_hz: pitches of the other notes.
        apart_hz: least distance.
    """
    clear = np.ones(len(freq_hz), bool)
    for other in others_hz:
        nearest = other * np.maximum(np.round(freq_hz / other), 1.0)
        clear &= np.abs(freq_hz - nearest) > apart_hz
    return clear


def rise_of(signal: Float, sample_rate: float, freq_hz: Float, first: int, last: int) -> int | None:
    """The sample from `first` to `last` at which lines begin to rise to where they end there.

    Args:
        signal: [samples].
        sample_rate: Hz.
        freq_hz: [lines], which nothing else is near.
        first: sample, below 0 for silence before the recording.
        last: sample after the last.

    Returns:
        None where none rises.
    """
    if len(freq_hz) == 0:
        return None
    centres = np.arange(first, last, round(HOP_S * sample_rate))
    level = line_levels(signal, sample_rate, freq_hz, centres)
    if first < 0:  # hiss begins with the recording
        level = np.maximum(level, level.max() - HEARD_DB)
    entry = _entry(level)
    return None if entry is None else int(centres[entry])


def rise_after(signal: Float, sample_rate: float, near: int) -> int:
    """The sample at which the sound rises out of what was there, around `near`."""
    first = max(0, near - round(RISE_BEFORE_S * sample_rate))
    last = min(len(signal), near + round(RISE_AFTER_S * sample_rate))
    part = signal[first:last]
    size = max(1, round(0.005 * sample_rate))
    power = np.convolve(part**2, np.ones(size) / size, "same")
    level = 10.0 * np.log10(power + 1e-12)
    lag = round(0.012 * sample_rate)
    if len(level) <= lag:
        return near
    steepest = int(np.argmax(level[lag:] - level[:-lag])) + lag // 2
    return refine_onset(signal, int(sample_rate), first + steepest)


def line_levels(
    signal: Float, sample_rate: float, freq_hz: Float, centres: NDArray[np.integer]
) -> Float:
    """[lines, centres] level of each line in dB, in a Hann window of 46 ms around each centre.

    Args:
        signal: [samples].
        sample_rate: Hz.
        freq_hz: [lines].
        centres: samples, ascending; some may lie before the first.
    """
    half = round(WINDOW_S * sample_rate / 2)
    window = np.hanning(2 * half + 1)
    low, high = int(centres[0]) - half, int(centres[-1]) + half + 1
    part = np.pad(signal[max(0, low) : high], (max(0, -low), max(0, high - len(signal))))
    frames = np.lib.stride_tricks.sliding_window_view(part, 2 * half + 1)
    time = np.arange(-half, half + 1) / sample_rate
    basis = window[:, None] * np.exp(-2j * np.pi * np.outer(time, freq_hz))
    places = centres - centres[0]
    parts = [frames[places[i : i + AT_ONCE]] @ basis for i in range(0, len(places), AT_ONCE)]
    found = np.abs(np.concatenate(parts)).T * 2.0 / window.sum()
    level: Float = 20.0 * np.log10(found + 1e-7)
    return level


def _entry(level: Float) -> int | None:
    """Index at which all lines together begin to rise to where they end, None if none does.

    Each line is a floor, and from the entry on `1 − e^(−t/τ)` as the window blurs it; entry and τ
    are those of the least squares in dB.
    """
    count = level.shape[1]
    edge = round(EDGE_S / HOP_S)
    floor = np.median(level[:, :edge], axis=1)
    end = level[:, -edge:].mean(axis=1)
    rising = end - floor > FEWEST_DB
    if not rising.any() or count < 4 * edge:
        return None
    seen = level[rising]
    low, high = (10.0 ** (v[rising, None] / 10.0) for v in (floor, end))
    best, found = np.inf, None
    for tau_s in RISES_S:
        blurred = _blurred_rise(tau_s, count)
        for entry in range(edge, count - edge):
            shape = blurred[count - entry : 2 * count - entry] ** 2
            made = low + high * (shape / shape[-edge:].mean())
            misfit = float(np.sum(np.abs(10.0 * np.log10(made) - seen)))
            if misfit < best:
                best, found = misfit, entry
    return found


def _blurred_rise(tau_s: float, count: int) -> Float:
    """[2·count] amplitude of a rise that begins at `count`, as the window sees it."""
    time = HOP_S * (np.arange(-count, count, dtype=np.float64))
    half = round(WINDOW_S / HOP_S / 2)
    rise = 1.0 - np.exp(-np.maximum(time, 0.0) / tau_s)
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.concatenate([np.zeros(half), rise, np.full(half, rise[-1])])
    blurred: Float = np.convolve(padded, window / window.sum(), "valid")
    return blurred
