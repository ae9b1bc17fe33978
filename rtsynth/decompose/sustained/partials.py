"""The partials of one note: where they lie against its pitch, and their amplitudes. Thread: worker.

Read at points evenly spaced in the phase of the pitch instead of in time, a note with vibrato has a
line spectrum again: there the partials are found, one after the other, a stiff string's curve
`f_k = k·f_1·√((1+B·k²)/(1+B))` leading on to the next. Each is then turned down to 0 Hz.
"""

import dataclasses

import numpy as np
from scipy.ndimage import median_filter

from rtsynth.decompose.damped import Complex, Float
from rtsynth.decompose.sustained.pitch import STEP_S, phase_of, turned_down, window_s

__all__ = ["Partials", "find_partials"]

TOP_HZ = 20_000.0
SAMPLES_PER_PERIOD = 3.0  # of the highest frequency wanted
LONGEST_PERIODS = 4_096
CLEAR_DB = 12.0  # of a line over the spectrum around it
NEAR = 0.2  # of the pitch: how far from its place a partial is sought
SAME_CENTS = 3.0  # harmonics as a rule less off than this are exact
STIFFEST = 0.01


@dataclasses.dataclass(frozen=True)
class Partials:
    """What rings at fixed ratios to a moving pitch.

    Attributes:
        ratio: [partials] frequency over the pitch.
        amplitude: [partials, points] complex, every `STEP_S`; its phase counts from `ratio` times
            the phase of the pitch.
        residual: [samples] the signal without them.
        kept: share of a white residual's power that taking them away leaves between them.
    """

    ratio: Float
    amplitude: Complex
    residual: Float
    kept: float


def find_partials(
    signal: Float, sample_rate: float, track_hz: Float, count: int, *, locked: bool = True
) -> Partials:
    """The partials of a note of known pitch, lowest first.

    Args:
        signal: [samples].
        sample_rate: Hz.
        track_hz: [points] its pitch, as `track_pitch` gives it.
        count: at most so many.
        locked: whether nearly harmonic ones are taken for exactly harmonic.
    """
    phase = phase_of(track_hz, len(signal), sample_rate)
    pitch = float(np.median(track_hz))
    ratio = _ratios(signal, phase, sample_rate, pitch, count)
    number = np.round(ratio)
    cents = 1200.0 * np.log2(ratio / number)
    if locked and len(ratio) and np.median(np.abs(cents - np.median(cents))) < SAME_CENTS:
        ratio = number  # kept in step by what drives them
    seconds = window_s(pitch)
    length = len(track_hz)
    at = np.minimum(np.round(np.arange(length) * STEP_S * sample_rate).astype(int), len(signal) - 1)
    amplitude = np.zeros((len(ratio), length), complex)
    residual = signal.copy()
    for index, own in enumerate(ratio):
        found = turned_down(signal, own * phase, sample_rate, seconds)
        amplitude[index] = found[at]
        residual -= (found * np.exp(1j * own * phase)).real
    # Hann: the response integrates to 2/length, its square to 1.5/length
    kept = max(0.2, 1.0 - 2.5 / (seconds * pitch))
    return Partials(ratio, amplitude, residual, kept)


def _ratios(signal: Float, phase: Float, sample_rate: float, pitch_hz: float, count: int) -> Float:
    top = min(count + 0.5, min(TOP_HZ, 0.45 * sample_rate) / pitch_hz)
    level, per_ratio = _line_spectrum(signal, phase, top)
    numbers: list[int] = []
    found: list[float] = []
    stiffness = 0.0
    for number in range(1, int(top) + 1):
        place = number * float(np.sqrt((1 + stiffness * number**2) / (1 + stiffness)))
        first, last = (int((place + side) * per_ratio) for side in (-NEAR, NEAR))
        if last + 2 >= len(level):
            break
        peak = first + int(np.argmax(level[first:last]))
        around = level[max(0, first - round(0.3 * per_ratio)) : last + round(0.3 * per_ratio)]
        if level[peak] - float(np.median(around)) < CLEAR_DB:
            continue
        numbers.append(number)
        found.append(_vertex(level, peak) / per_ratio)
        if len(found) >= 3:
            stiffness = _stiffness(np.array(numbers), np.array(found))
    return np.array(found)


def _line_spectrum(signal: Float, phase: Float, top: float) -> tuple[Float, float]:
    """Level in dB over the ratio to the pitch, and its bins per unit ratio."""
    turns = phase / (2 * np.pi)
    per_period = SAMPLES_PER_PERIOD * top
    periods = min(float(turns[-1]), LONGEST_PERIODS)
    places = np.arange(int(periods * per_period)) / per_period
    read = np.interp(places, turns, np.arange(len(signal)))
    warped = np.interp(read, np.arange(len(signal)), signal)
    size = 1 << int(np.ceil(np.log2(2 * len(warped))))
    spectrum = np.abs(np.fft.rfft(warped * np.hanning(len(warped)), size))
    # what changes slowly moves a line's peak less once its fine structure is smoothed
    width = max(1, round(size / len(warped)))
    power = np.convolve(spectrum**2, np.ones(width) / width, "same")
    return 10.0 * np.log10(power + 1e-20), size / per_period


def _vertex(level: Float, peak: int) -> float:
    before, at, after = level[peak - 1 : peak + 2]
    curve = before - 2 * at + after
    return peak + (0.5 * (before - after) / curve if curve < 0 else 0.0)


def _stiffness(number: Float, ratio: Float) -> float:
    """B from (ratio/k)² = (1 + B·k²)/(1 + B), by the median over the partials above the first."""
    square = (ratio / number) ** 2
    above = number > 1
    own = (square[above] - 1.0) / (number[above] ** 2 - square[above])
    smooth = median_filter(own, 3, mode="nearest")
    return float(np.clip(np.median(smooth[len(smooth) // 2 :]), 0.0, STIFFEST))
