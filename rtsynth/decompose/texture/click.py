"""Clicks in noise: where they are, what one looks like, which modes it rings in. Thread: any.

The noise is whitened by linear prediction from its median spectrum, which clicks hardly touch
(Vaseghi & Rayner 1990 detect record clicks so); what is far out of its local deviation is a click.
"""

import dataclasses

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.optimize import minimize
from scipy.signal import fftconvolve, lfilter
from scipy.special import log_ndtr

from rtsynth.decompose.damped import Complex, Float, Modes, poles, ring
from rtsynth.decompose.mode import modes_at
from rtsynth.units import LN1000

__all__ = ["Clicks", "click_modes", "find_clicks", "fit_strengths", "whitened"]

ORDER = 32
SIZE = 1024
THRESHOLD = 6.0  # local deviations: once in 10^9 samples of noise
DEAD_S = 0.003  # of two clicks closer than this the stronger counts
LOCAL_S = 0.05
AFTER_S = 0.25
RISE_S = 0.0004
MODES = 16
SEEN = 4.0  # no mode is said to last longer than so many lengths of what was seen of it
ROWS = 256
MIN_T60_S, MAX_T60_S = 0.001, 8.0
MOST_PER_S = 50.0
ROUNDS, PASSES = 6, 3
FEWEST = 3
SMOOTH = 64
SHADOW_S, SHADOW, LATE_SHADOW = 0.01, 0.2, 0.05  # what a stronger click's own shape may leave


@dataclasses.dataclass(frozen=True)
class Clicks:
    """The clicks of a recording.

    Attributes:
        frames: [clicks] where each begins, ascending.
        strengths: [clicks] against `shape`.
        shape: [samples] a click of strength 1 from its beginning on; empty if there are none.
        threshold: the least strength that could be found.
        dead_s: seconds after each click in which no other could be found.
    """

    frames: np.ndarray
    strengths: Float
    shape: Float
    threshold: float
    dead_s: float = DEAD_S


def whitened(signal: Float, sample_rate: float) -> Float:
    """[samples] the signal's prediction error over its local deviation: about 1 in noise."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, SIZE)[:: SIZE // 2]
    frames = frames[:: max(1, len(frames) // 4096)]
    power = np.median(np.abs(np.fft.rfft(frames * np.hanning(SIZE))) ** 2, axis=0)
    lags = np.fft.irfft(power)[: ORDER + 1]
    lags[0] *= 1.0 + 1e-9
    if lags[0] <= 0.0:
        return np.zeros(len(signal))
    error = lfilter(np.r_[1.0, -solve_toeplitz(lags[:-1], lags[1:])], [1.0], signal)
    return np.asarray(error / _local_deviation(np.asarray(error), sample_rate), float)


def _local_deviation(error: Float, sample_rate: float) -> Float:
    size = round(LOCAL_S * sample_rate)
    pieces = np.array_split(np.abs(error), max(1, len(error) // size))
    level = np.array([np.median(piece) for piece in pieces]) / 0.6745
    level = np.maximum(level, 1e-2 * np.median(level) + 1e-12)
    middle = (np.arange(len(level)) + 0.5) * len(error) / len(level)
    deviation: Float = np.interp(np.arange(len(error)), middle, level)
    return deviation


def find_clicks(signal: Float, sample_rate: float) -> Clicks:
    """The clicks of a recording without hum, by their prediction error, then by their own shape.

    Args:
        signal: [samples] of one channel.
        sample_rate: Hz.
    """
    none = Clicks(np.zeros(0, int), np.zeros(0), np.zeros(0), THRESHOLD)
    white = whitened(signal, sample_rate)
    frames = _peaks(np.abs(white), THRESHOLD, sample_rate)
    if len(frames) < FEWEST:
        return none
    strengths = white[frames]
    pattern = np.zeros(0)
    for _ in range(PASSES):
        pattern = _backfitted(white, frames, strengths, pattern, sample_rate)
        if len(pattern) == 0:
            return none
        frames, strengths = _matched(white, pattern, sample_rate)
        if len(frames) < FEWEST:
            return none
    begin = round(RISE_S * sample_rate)
    shape = np.zeros(0)
    for _ in range(PASSES):
        shape = _backfitted(signal, frames - begin, strengths, shape, sample_rate)
        if len(shape) == 0:
            return none
    late = _beginning(shape, sample_rate)
    least = THRESHOLD / float(np.linalg.norm(pattern))
    return Clicks(frames - begin + late, np.abs(strengths), shape[late:], least)


def _backfitted(
    signal: Float, frames: np.ndarray, strengths: Float, shape: Float, sample_rate: float
) -> Float:
    """The shape, and what all clicks still have in common once their shapes are taken away."""
    span = round(AFTER_S * sample_rate)
    left = signal
    if len(shape):
        drive = np.bincount(np.maximum(frames, 0), strengths, minlength=len(signal))
        left = signal - fftconvolve(drive[: len(signal)], shape)[: len(signal)]
    common = _mean_click(left, frames, strengths, span)
    if len(common) == 0:
        return common
    common[: len(shape)] += shape
    return common[: _audible(common)]


def _peaks(size: Float, threshold: float, sample_rate: float) -> np.ndarray:
    """Places above the threshold that nothing within the dead time exceeds."""
    dead = round(DEAD_S * sample_rate)
    taken: list[int] = []
    blocked = np.zeros(len(size), bool)
    high = np.flatnonzero(size > threshold)
    for at in high[np.argsort(-size[high], kind="stable")]:
        if not blocked[at]:
            taken.append(int(at))
            blocked[max(0, at - dead) : at + dead + 1] = True
    return np.array(sorted(taken), int)


def _mean_click(signal: Float, frames: np.ndarray, strengths: Float, span: int) -> Float:
    """[span] what clicks of strength 1 have in common; empty for under 3 clicks.

    Least squares, but no click weighs more than four times the median.
    """
    inside = (frames >= 0) & (frames + span < len(signal))
    if np.count_nonzero(inside) < FEWEST:
        return np.zeros(0)
    frames, strengths = frames[inside], strengths[inside]
    total = np.zeros(span)
    for frame, weight in zip(frames, _shares(strengths), strict=True):
        total += weight * signal[frame : frame + span]
    return total


def _shares(strengths: Float) -> Float:
    """[clicks] weight of each in the mean click, its strength divided out."""
    size = np.abs(strengths)
    weight = np.minimum(size, 4.0 * np.median(size)) ** 2
    share: Float = weight / strengths / np.sum(weight)
    return share


def _audible(mean: Float) -> int:
    """How many samples of a mean click stand out of the noise left in its second half."""
    smooth = np.convolve(mean**2, np.full(SMOOTH, 1 / SMOOTH), "same")
    alive = np.flatnonzero(smooth > 4.0 * float(np.median(smooth[len(smooth) // 2 :])))
    gaps = np.flatnonzero(np.diff(alive) > 4 * SMOOTH)
    end = int(alive[gaps[0] if len(gaps) else -1]) if len(alive) else 0
    return max(end, SMOOTH)


def _beginning(shape: Float, sample_rate: float) -> int:
    """Sample at which a mean click begins, at most 0.4 ms before its place in whitened sound."""
    early = np.abs(shape[: round(RISE_S * sample_rate) + 1])
    return int(np.argmax(early > 0.15 * np.abs(shape[: 2 * SMOOTH]).max())) if early.any() else 0


def _matched(white: Float, pattern: Float, sample_rate: float) -> tuple[np.ndarray, Float]:
    """Clicks of this shape, the strongest peeled off first so that their ringing hides none."""
    left = white.copy()
    norm = float(np.linalg.norm(pattern))
    dead, early = round(DEAD_S * sample_rate), round(SHADOW_S * sample_rate)
    lowest = np.full(len(white), THRESHOLD)
    found: list[tuple[int, float]] = []
    size = 1 << int(np.ceil(np.log2(len(white) + len(pattern))))
    conjugate = np.fft.rfft(pattern, size).conj()
    for _ in range(ROUNDS):
        score = np.fft.irfft(np.fft.rfft(left, size) * conjugate, size)[: len(white)] / norm
        peaks = _peaks(np.abs(score) / lowest, 1.0, sample_rate)
        peaks = _dominant(peaks, np.abs(score), max(dead, len(pattern) // 4))
        if len(peaks) == 0:
            break
        for at in peaks:
            strength = float(score[at]) / norm
            end = min(len(left), at + len(pattern))
            left[at:end] -= strength * pattern[: end - at]
            for reach, shadow in ((len(pattern), LATE_SHADOW), (early, SHADOW)):
                part = lowest[max(0, at - dead) : at + reach]
                np.maximum(part, shadow * abs(float(score[at])), out=part)
            lowest[max(0, at - dead) : at + dead + 1] = np.inf
            found.append((int(at), strength))
    found.sort()
    return np.array([f for f, _ in found], int), np.array([s for _, s in found], float)


def _dominant(peaks: np.ndarray, score: Float, reach: int) -> np.ndarray:
    """Those peaks than which no other within reach is higher."""
    kept = [
        p
        for p in peaks
        if score[p] >= score[peaks[(peaks > p - reach) & (peaks < p + reach)]].max()
    ]
    return np.array(kept, int)


def fit_strengths(clicks: Clicks, seconds: float) -> tuple[float, float, float]:
    """Rate per second, median strength and spread in dB of a log-normal seen above a threshold.

    Maximum likelihood of a normal distribution cut off below; at most 50 clicks a second.

    Args:
        clicks: found.
        seconds: length of the recording.
    """
    count = len(clicks.frames)
    level = 20.0 * np.log10(np.maximum(clicks.strengths, clicks.threshold))
    low = 20.0 * np.log10(clicks.threshold)
    seen = count / max(seconds - count * clicks.dead_s, 0.5 * seconds)
    least = np.log(min(seen / MOST_PER_S, 1.0))

    def unlikely(point: Float) -> float:
        mean, spread = point[0], np.exp(point[1])
        above = float(log_ndtr((mean - low) / spread))
        z = (level - mean) / spread
        penalty = 1e3 * max(0.0, least - above) ** 2
        return float(np.mean(0.5 * z**2) + point[1] + above + penalty)

    start = np.array([level.mean(), np.log(max(level.std(), 0.5))])
    mean, spread = minimize(unlikely, start, method="Nelder-Mead").x
    spread = float(np.exp(np.clip(spread, np.log(0.1), np.log(20.0))))
    rate = seen / float(np.exp(log_ndtr((mean - low) / spread)))
    return min(rate, MOST_PER_S), float(10.0 ** (mean / 20.0)), spread


def click_modes(shape: Float, sample_rate: float) -> Modes:
    """At most 16 modes that together ring like a click of strength 1.

    ESPRIT (Roy & Kailath 1989) over the full band for what is gone in milliseconds, the onset's
    own estimation for what rings, a pick from a grid (orthogonal matching pursuit: Pati et al.
    1993) for what is no sum of few modes; whichever leaves least.

    Args:
        shape: [samples] from the click's beginning on.
        sample_rate: Hz.
    """
    offers = [_full_band(shape, sample_rate), _picked(shape, sample_rate)]
    if len(shape) > round(0.05 * sample_rate):
        ringing, _ = modes_at(shape, sample_rate, 0, 0, len(shape), MODES)
        if len(ringing):
            s = poles(ringing.freq_hz, ringing.t60_s, sample_rate)
            offers.append(Modes(ringing.freq_hz, ringing.t60_s, _amplitudes(s, shape)))
    return min(offers, key=lambda modes: _left(modes, shape, sample_rate))


def _full_band(shape: Float, sample_rate: float) -> Modes:
    rows = min(len(shape) // 2, ROWS)
    order = min(2 * MODES, rows - 2)
    hankel = np.lib.stride_tricks.sliding_window_view(shape, rows).T
    _, vectors = np.linalg.eigh(hankel @ hankel.T)
    space = vectors[:, -order:]
    turns = np.linalg.eigvals(np.linalg.lstsq(space[:-1], space[1:], rcond=None)[0])
    turns = turns[(turns.imag > 0.0) & (np.abs(turns) > 1e-3)]
    freq = np.angle(turns) * sample_rate / (2 * np.pi)
    t60 = LN1000 / np.maximum(-np.log(np.abs(turns)) * sample_rate, LN1000 / MAX_T60_S)
    legal = (freq > 25.0) & (freq < 0.48 * sample_rate)
    longest = np.clip(SEEN * len(shape) / sample_rate, 2 * MIN_T60_S, MAX_T60_S)
    freq, t60 = freq[legal], np.clip(t60[legal], MIN_T60_S, longest)
    s = poles(freq, t60, sample_rate)
    return Modes(freq, t60, _amplitudes(s, shape))


def _picked(shape: Float, sample_rate: float) -> Modes:
    longest = np.clip(SEEN * len(shape) / sample_rate, 2 * MIN_T60_S, MAX_T60_S)
    freq = np.tile(np.geomspace(60.0, 0.45 * sample_rate, 96), 6)
    t60 = np.repeat(np.geomspace(MIN_T60_S, longest, 6), 96)
    s = poles(freq, t60, sample_rate)
    span = shape[: round(0.02 * sample_rate)]
    waves = np.exp(np.outer(s, np.arange(len(span))))
    waves /= np.linalg.norm(waves, axis=1, keepdims=True)
    taken: list[int] = []
    left = span
    for _ in range(MODES):
        fit = np.abs(waves @ left)
        fit[taken] = 0.0
        taken.append(int(np.argmax(fit)))
        left = span - ring(s[taken], _amplitudes(s[taken], span), len(span))
    return Modes(freq[taken], t60[taken], _amplitudes(s[taken], shape))


def _amplitudes(s: Complex, shape: Float) -> Complex:
    """Least squares, slightly damped so that no two modes fight."""
    waves = np.exp(np.outer(np.arange(len(shape)), s))
    design = np.concatenate([waves.real, -waves.imag], axis=1)
    gram = design.T @ design
    gram[np.diag_indices_from(gram)] *= 1.0 + 1e-4
    gram[np.diag_indices_from(gram)] += 1e-12 * np.trace(gram) / max(len(gram), 1) + 1e-300
    solved = np.linalg.solve(gram, design.T @ shape)
    amplitude: Complex = np.asarray(solved[: len(s)] + 1j * solved[len(s) :], complex)
    return amplitude


def _left(modes: Modes, shape: Float, sample_rate: float) -> float:
    """Energy of the shape that the modes do not explain."""
    s = poles(modes.freq_hz, modes.t60_s, sample_rate)
    return float(np.sum((shape - ring(s, modes.amplitude, len(shape))) ** 2))
