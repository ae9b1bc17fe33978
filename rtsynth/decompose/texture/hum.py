"""Hum: narrow lines that stay where they are, told from noise by their steadiness. Thread: any."""

import numpy as np
from scipy.ndimage import median_filter
from scipy.optimize import minimize_scalar

from rtsynth.decompose.damped import Float
from rtsynth.instrument import HUM_PARTIALS

__all__ = ["find_hum", "without_hum"]

WINDOW_S = 0.75
LOWEST_HZ, HIGHEST_HZ = 30.0, 4_000.0
PROMINENCE = 10.0 ** (10.0 / 10.0)
STEADINESS = 0.3  # deviation over mean of the magnitude: 0.52 for noise, 0 for a tone
FEWEST_FRAMES = 5


def find_hum(signal: Float, sample_rate: float) -> tuple[Float, Float]:
    """Hz and amplitude of at most 8 steady partials, strongest first; none in less than 2.25 s.

    Args:
        signal: [samples] of one channel.
        sample_rate: Hz.
    """
    size = round(WINDOW_S * sample_rate)
    if len(signal) < size * (FEWEST_FRAMES + 1) // 2:
        return np.zeros(0), np.zeros(0)
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[:: size // 2]
    size_at = np.array([np.abs(np.fft.rfft(frame * np.hanning(size))) for frame in frames])
    middle = np.median(size_at, axis=0)
    stands_out = middle**2 > PROMINENCE * median_filter(middle, 65) ** 2
    spread = np.median(np.abs(size_at - middle), axis=0) * 1.4826
    steady = spread < STEADINESS * middle
    peak = np.r_[False, (middle[1:-1] > middle[:-2]) & (middle[1:-1] >= middle[2:]), False]
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    within = (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    bins = np.flatnonzero(stands_out & steady & peak & within)
    bins = bins[np.argsort(-middle[bins], kind="stable")][:HUM_PARTIALS]
    found = [_refined(signal, sample_rate, float(hz[b]), size) for b in bins]
    return np.array([f for f, _ in found]), np.array([a for _, a in found])


def _refined(signal: Float, sample_rate: float, near_hz: float, size: int) -> tuple[float, float]:
    """Frequency of most energy over the whole signal, and the median amplitude there."""
    span = signal[: 16 * size]
    window = np.hanning(len(span))
    time = np.arange(len(span)) / sample_rate
    width = sample_rate / size
    short = span[: 2 * size]

    def energy(hz: float, part: Float) -> float:
        own = np.hanning(len(part)) * part
        return -float(np.abs(own @ np.exp(-2j * np.pi * hz * time[: len(part)])))

    rough = minimize_scalar(
        energy, bounds=(near_hz - width, near_hz + width), args=(short,), method="bounded"
    ).x
    fine = sample_rate / len(span)
    exact = minimize_scalar(
        energy, bounds=(rough - fine, rough + fine), args=(span,), method="bounded"
    ).x
    if energy(exact, span) / window.sum() > energy(rough, short) / np.hanning(len(short)).sum() / 2:
        exact = rough  # it does not stay in phase for so long
    _, amplitude = _projected(signal, sample_rate, float(exact), size)
    return float(exact), float(np.median(amplitude))


def _projected(signal: Float, sample_rate: float, hz: float, size: int) -> tuple[np.ndarray, Float]:
    """Complex amplitudes of a line in half-overlapping windows, and their sizes."""
    starts = np.arange(0, len(signal) - size + 1, size // 2)
    turn = np.exp(-2j * np.pi * hz / sample_rate * np.arange(size)) * np.hanning(size + 1)[:-1]
    values = np.array([signal[s : s + size] @ turn for s in starts]) * (4.0 / size)
    values = values * np.exp(-2j * np.pi * hz / sample_rate * starts)
    return values, np.abs(values)


def without_hum(signal: Float, sample_rate: float, hum_hz: Float) -> Float:
    """The signal less its part along each line, followed in windows of 0.75 s.

    Args:
        signal: [samples].
        sample_rate: Hz.
        hum_hz: [partials].
    """
    clean = signal.copy()
    size = round(WINDOW_S * sample_rate) // 2 * 2
    time = np.arange(len(signal))
    for hz in hum_hz:
        values, _ = _projected(clean, sample_rate, float(hz), size)
        middle = np.arange(len(values)) * (size // 2) + size // 2
        slow = np.interp(time, middle, values.real) + 1j * np.interp(time, middle, values.imag)
        clean -= (slow * np.exp(2j * np.pi * float(hz) / sample_rate * time)).real
    return clean
