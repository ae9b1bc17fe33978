"""When something starts: spectral flux over log-frequency bands, then a refinement to the sample.

The flux follows SuperFlux (Böck & Widmer, DAFx 2013): a maximum filter across bands suppresses
vibrato. Here it runs over the last 50 ms as well: what noise and beats reach now and then is no
rise. The refinement whitens the signal by linear prediction from what came before, so that
sounds still ringing vanish, finds the change of variance (Maeda's AIC picker), and goes back to
where the error began to grow. Thread: any.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solve_toeplitz
from scipy.ndimage import maximum_filter1d, median_filter, uniform_filter1d
from scipy.signal import lfilter

__all__ = ["find_onsets", "onset_strength"]

WINDOW_S = 0.046
HOP_S = 0.003
LAG_S = 0.018  # a difference over about half a window sees the whole rise
MEMORY_S = 0.05  # a rise is above all that was there for so long
BANDS_PER_OCTAVE = 24
COMPRESSION = 100.0
PREDICTION_ORDER = 32
SEPARATION_S = 0.03
FAINT, FAINT_AT_MOST = 0.1, 0.03  # of the usual rise; a quiet tail's ripple is fainter
FLOOR_RISE = 3.0  # against the median of the surroundings
BLOCK_S, BACK_S, LOUDER = 0.0005, 0.004, 4.0
LEAD_S = 0.1  # of silence, so that what sounds from the first sample on has an onset too
INAUDIBLE = 1e-4  # power against the mean of the stretch around an onset
CHUNK = 4_096  # analysis frames at once, to bound the memory of long files

Float = NDArray[np.float64]


def find_onsets(signal: Float, sample_rate: float, threshold: float = 0.008) -> NDArray[np.int64]:
    """Frames at which an event seems to start, ascending.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        threshold: rise of the mean log-magnitude over its surroundings, in nepers.

    Returns:
        [onsets] sample indices.
    """
    hop = max(1, round(HOP_S * sample_rate))
    lead = round(LEAD_S * sample_rate)
    led = np.concatenate([np.zeros(lead), signal])
    strength = onset_strength(led, sample_rate)
    peaks = _peaks(strength, threshold)
    onsets = np.array([refine_onset(led, sample_rate, int(peak) * hop) for peak in peaks], np.int64)
    onsets = np.maximum(onsets - lead, 0)
    return _apart(onsets, strength[peaks], int(SEPARATION_S * sample_rate))


def onset_strength(signal: Float, sample_rate: float) -> Float:
    """[analysis frames] mean rise of the log-magnitude per band, nepers; one frame per 3 ms."""
    hop = max(1, round(HOP_S * sample_rate))
    size = 2 * round(WINDOW_S * sample_rate / 2)
    lag = max(1, round(LAG_S / HOP_S))
    edges = _bands(size, sample_rate)
    padded = np.concatenate([np.zeros(size // 2), signal, np.zeros(size)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[: len(signal) : hop]
    window = np.hanning(size)
    bands = []
    for i in range(0, len(frames), CHUNK):
        spectrum = np.abs(np.fft.rfft(frames[i : i + CHUNK] * window))[:, : edges[-1]]
        bands.append(np.add.reduceat(spectrum, edges[:-1], axis=1) / np.diff(edges))
    magnitude = np.concatenate(bands) if bands else np.zeros((0, 1))
    reference = np.percentile(magnitude.max(axis=1), 95) if len(magnitude) else 0.0
    level = np.log1p(COMPRESSION * magnitude / (reference + 1e-9))
    memory = 2 * round(MEMORY_S / HOP_S / 2) + 1
    before = maximum_filter1d(level, 3, axis=1)
    before = maximum_filter1d(before, memory, axis=0, origin=memory // 2)  # the past alone
    rise = np.zeros(len(level))
    rise[lag:] = np.maximum(level[lag:] - before[:-lag], 0.0).mean(axis=1)
    return rise


def _bands(size: int, sample_rate: float) -> NDArray[np.int64]:
    top = min(0.45 * sample_rate, 17_000.0)
    count = int(BANDS_PER_OCTAVE * np.log2(top / 30.0))
    freq = 30.0 * 2.0 ** (np.arange(count + 1) / BANDS_PER_OCTAVE)
    return np.unique(np.round(freq * size / sample_rate).astype(np.int64))


def _peaks(strength: Float, threshold: float) -> NDArray[np.intp]:
    def spread(seconds: float) -> int:
        return 2 * round(seconds / HOP_S / 2) + 1

    local_mean = uniform_filter1d(strength, spread(0.2))
    floor = median_filter(strength, spread(0.3), mode="nearest") if len(strength) else strength
    top = strength == maximum_filter1d(strength, spread(0.05))
    found = top & (strength > threshold + np.maximum(local_mean, FLOOR_RISE * floor))
    if found.any():
        found &= strength > min(FAINT * float(np.median(strength[found])), FAINT_AT_MOST)
    return np.flatnonzero(found)


def refine_onset(signal: Float, sample_rate: float, near: int) -> int:
    """The sample near `near` at which the prediction error's variance changes most."""
    before, after = round(0.03 * sample_rate), round(0.02 * sample_rate)
    first, last = max(0, near - before), min(len(signal), near + after)
    history = signal[max(0, first - 2 * before) : first]
    error = _prediction_error(signal[max(0, first - PREDICTION_ORDER) : last], history)
    error = error[-(last - first) :]
    if len(error) < 16:
        return near
    power = np.cumsum(error**2)
    floor = INAUDIBLE * float(power[-1]) / len(error) + 1e-14  # digital silence is no start
    count = np.arange(1, len(error) + 1, dtype=float)
    left = count[:-1] * np.log(power[:-1] / count[:-1] + floor)
    remaining = np.maximum(power[-1] - power[:-1], 0.0)
    right = (len(error) - count[:-1]) * np.log(remaining / (len(error) - count[:-1]) + floor)
    criterion = (left + right)[4:-4]
    change = 5 + int(np.argmin(criterion))
    return first + _leading_edge(error, change, sample_rate)


def _leading_edge(error: Float, change: int, sample_rate: float) -> int:
    """Where, going back from the change of variance, the error last was as quiet as before."""
    block, back = max(1, round(BLOCK_S * sample_rate)), round(BACK_S * sample_rate)
    quiet = float(np.mean(error[: max(change - back, 1)] ** 2))
    quiet += INAUDIBLE * float(np.mean(error**2)) + 1e-14
    place = change
    while place - block >= max(change - back, 0):
        if float(np.mean(error[place - block : place] ** 2)) < LOUDER * quiet:
            break
        place -= block
    return place


def _prediction_error(signal: Float, history: Float) -> Float:
    order = PREDICTION_ORDER
    if len(history) < 4 * order or float(np.mean(history**2)) < 1e-12:
        return np.diff(signal, prepend=signal[:1])
    windowed = history * np.hanning(len(history))
    correlation = np.correlate(windowed, windowed, "full")[len(windowed) - 1 :][: order + 1]
    correlation[0] *= 1.0 + 1e-5
    try:
        predictor = solve_toeplitz(correlation[:-1], correlation[1:])
    except (LinAlgError, ValueError):
        return np.diff(signal, prepend=signal[:1])
    error: Float = lfilter(np.concatenate([[1.0], -predictor]), [1.0], signal)
    return error


def _apart(onsets: NDArray[np.int64], strength: Float, gap: int) -> NDArray[np.int64]:
    """Of onsets closer than `gap` samples, the stronger."""
    kept: list[int] = []
    for index in np.argsort(onsets, kind="stable"):
        if kept and onsets[index] - onsets[kept[-1]] < gap:
            if strength[index] > strength[kept[-1]]:
                kept[-1] = int(index)
        else:
            kept.append(int(index))
    return onsets[kept]
