"""How much later or earlier one strike of a resonance begins than another. Thread: any.

A tone repeats itself every period, so waveforms that are a period apart look nearly as much alike
as waveforms in step, all the more while something of the same pitch still rings. Partials of a
stiff string do not repeat, and added up a period apart they cancel. So the place is first read off
what rises, above 1 kHz and in roots of amplitudes, that a loud partial may not outvote the rest;
only then do waveforms decide, within a fraction of a period.
"""

import numpy as np
import scipy.fft

from rtsynth.decompose.damped import Float

__all__ = ["REACH_S", "rise_shift"]

REACH_S = 0.012
WINDOW_S, STEP_S, LAG_S = 0.003, 0.0002, 0.0022
LOWEST_HZ = 1_000.0
EVEN = 1e-3  # of the strongest bin's energy: quieter bins are not made as loud as the others


def rise_shift(reference: Float, around: Float, sample_rate: float) -> tuple[int, float]:
    """Where in a stretch of sound the rise of another is found again.

    Args:
        reference: [samples] from a little before an onset to a little after it.
        around: [samples] at least as long, around another onset.
        sample_rate: Hz.

    Returns:
        Samples from the beginning of `around` to where `reference` fits best, and by how much it
        fits there better than anywhere: 1 is perfect and nowhere else, 0 nothing.
    """
    step = max(1, round(STEP_S * sample_rate))
    ours, theirs = (_rises(sound, sample_rate, step) for sound in (reference, around))
    places = len(theirs) - len(ours) + 1
    if len(ours) == 0 or places < 1:
        return 0, 0.0
    energy = np.sum(ours**2, axis=0)
    even = 1.0 / np.sqrt(energy + EVEN * float(energy.max(initial=0.0)) + 1e-30)
    ours, theirs = ours * even, theirs * even
    likeness = _correlation(ours, theirs)[:places]
    total = np.concatenate([[0.0], np.cumsum(np.sum(theirs**2, axis=1))])
    there = total[len(ours) :][:places] - total[:places]
    likeness = likeness / np.sqrt(there * float(np.sum(ours**2)) + 1e-30)
    best = int(np.argmax(likeness))
    return best * step, float(likeness[best] - np.median(likeness))


def _rises(sound: Float, sample_rate: float, step: int) -> Float:
    """[times, bins] by how much roots of amplitudes grow."""
    size, lag = round(WINDOW_S * sample_rate), max(1, round(LAG_S * sample_rate / step))
    if len(sound) < size + lag * step:
        return np.zeros((0, 1))
    pieces = np.lib.stride_tricks.sliding_window_view(sound, size)[::step]
    first = int(np.ceil(LOWEST_HZ / sample_rate * size))
    root = np.sqrt(np.abs(scipy.fft.rfft(pieces * np.hanning(size), axis=1)[:, first:]))
    rises: Float = np.maximum(root[lag:] - root[:-lag], 0.0)
    return rises


def _correlation(ours: Float, theirs: Float) -> Float:
    """[times] sum over bins of the product at each shift from 0 on."""
    size = scipy.fft.next_fast_len(len(theirs) + len(ours))
    product = np.conj(scipy.fft.rfft(ours, size, axis=0)) * scipy.fft.rfft(theirs, size, axis=0)
    correlation: Float = scipy.fft.irfft(product.sum(axis=1), size)
    return correlation
