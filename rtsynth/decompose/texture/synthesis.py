"""A texture event as float64 samples, straight by the formula of `rtsynth.instrument`.

Only the random numbers are the engine's own, read at the same counters; the spectra, the motion,
the clicks and the hum are worked out anew. Thread: any.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Complex, Float, ring
from rtsynth.dsp.click import CELLS_PER_S, count_clicks, place_click, size_click
from rtsynth.dsp.fft import BINS, GRAIN
from rtsynth.dsp.noise import fill_gaussian
from rtsynth.dsp.texture import HOP, NODES_PER_CYCLE, SWELLS, band_weights
from rtsynth.events import Event
from rtsynth.instrument import NOISE_EDGES_HZ, Instrument

__all__ = ["click_times", "swells_db", "texture_noise", "texture_shape", "texture_signal"]

FADE_S = 0.005  # as the engine's: a texture fades in, and out once its duration is over
CHUNK = 1_024  # grains at once


def texture_signal(
    event: Event,
    instrument: Instrument,
    sample_rate: int,
    limit: int,
    bent: tuple[Complex, Complex],
    first: int = 0,
) -> Float:
    """[≤ limit − first] samples of a texture event from sample `first` on, before panning.

    Args:
        event: of kind texture.
        instrument: its bank.
        sample_rate: Hz.
        limit: at most so many samples.
        bent: [modes] complex amplitudes for an impulse of strength `impulse`, and [modes]
            exponents per sample, of the event's resonance as its fields deform it.
        first: a multiple of the hop, so that a long one can be made in pieces.
    """
    index = event.resonance
    held = round(min(event.duration_s, 1e6) * sample_rate)
    fade = int(np.ceil(FADE_S * sample_rate))
    length = min(limit, held + fade)
    if length <= first:
        return np.zeros(0)
    gains = instrument.texture_gain[index] * 10.0 ** (np.array(event.vector) / 20.0)
    sound = texture_noise(
        gains,
        instrument.am_depth_db[index].astype(float),
        float(instrument.am_rate_hz[index]),
        event.seed,
        length - first,
        sample_rate,
        first // HOP,
    )
    sound += _clicks(event, instrument, sample_rate, (first, length), bent)
    time = np.arange(first, length) / sample_rate
    for hz, gain in zip(instrument.hum_hz[index], instrument.hum_gain[index], strict=True):
        if 0.0 < hz < 0.49 * sample_rate:
            sound += float(gain) * np.sin(2.0 * np.pi * float(hz) * time)
    return event.gain * sound * _fades(np.arange(first, length), held, fade)


def texture_noise(
    gains: Float,
    depth_db: Float,
    rate_hz: float,
    seed: int,
    length: int,
    sample_rate: float,
    begin: int = 0,
) -> Float:
    """[length] samples of the bands' noise.

    Args:
        gains: [32] RMS amplitude per band.
        depth_db: [32] standard deviation of each band's level.
        rate_hz: of that motion; 0 for none.
        seed: of the event.
        length: samples.
        sample_rate: Hz.
        begin: hops after the onset at which the samples begin.
    """
    grains = -(-length // HOP) + 1
    weights = band_weights(NOISE_EDGES_HZ, sample_rate).astype(float)
    window = np.sin(np.pi * (np.arange(GRAIN) + 0.5) / GRAIN)
    sound = np.zeros((grains + 1) * HOP)
    for first in range(0, grains, CHUNK):
        count = min(CHUNK, grains - first)
        normal = np.empty((2, count * BINS))
        fill_gaussian(np.uint64(seed), (begin + first) * BINS, normal[0], normal[1])
        middle = (begin + first + np.arange(count)) * HOP / sample_rate
        power = _band_power(gains, depth_db, rate_hz, seed, middle) @ weights
        spectrum = np.zeros((count, BINS + 1), complex)
        spectrum[:, :BINS] = (normal[0] + 1j * normal[1]).reshape(count, BINS)
        spectrum[:, :BINS] *= 0.5 * np.sqrt(power) * GRAIN
        spectrum[:, 0] = 0.0
        pieces = np.fft.irfft(spectrum, GRAIN) * window
        for half in (0, 1):
            at = (first + half) * HOP
            part = pieces[:, half * HOP : (half + 1) * HOP]
            sound[at : at + count * HOP] += part.reshape(-1)
    return sound[HOP : HOP + length]


def _band_power(
    gains: Float, depth_db: Float, rate_hz: float, seed: int, time_s: Float
) -> NDArray[np.float64]:
    """[grains, 32] power of every band in every grain."""
    level = np.zeros((len(time_s), len(gains)))
    if rate_hz > 0.0:
        for band in np.flatnonzero(depth_db):
            depth = float(depth_db[band])
            moved = swells_db(seed, int(band), time_s * rate_hz)
            level[:, band] = depth * moved - depth**2 * np.log(10.0) / 20.0
    power: Float = gains**2 * 10.0 ** (level / 10.0)
    return power


def swells_db(seed: int, band: int, cycles: Float) -> Float:
    """[n] unit-variance motion of a band at ascending moments, as the kernel `swell_db`."""
    at = cycles * NODES_PER_CYCLE
    node = np.floor(at).astype(int)
    pairs = np.empty((2, int(node[-1] - node[0]) + 2))
    fill_gaussian(np.uint64(seed) ^ SWELLS, (band << 40) + int(node[0]), pairs[0], pairs[1])
    normal, place, turn = pairs[0], node - node[0], 0.5 * np.pi * (at - node)
    moved: Float = np.cos(turn) * normal[place] + np.sin(turn) * normal[place + 1]
    return moved


def click_times(
    seed: int, rate_hz: float, spread_db: float, length: int, sample_rate: float, first: int = 0
) -> tuple[NDArray[np.int64], Float]:
    """Frames of the clicks in first … length − 1, and their strengths against the median."""
    cell_frames = sample_rate / CELLS_PER_S
    key = np.uint64(seed)
    found = [
        (place_click(key, cell, i, cell_frames), size_click(key, cell, i, spread_db))
        for cell in range(int(first / cell_frames), int(np.ceil(length / cell_frames)))
        for i in range(count_clicks(key, cell, rate_hz / sample_rate * cell_frames))
    ]
    kept = sorted(pair for pair in found if first <= pair[0] < length)
    frames = np.array([frame for frame, _ in kept], np.int64)
    return frames, np.array([size for _, size in kept], float)


def _clicks(
    event: Event,
    instrument: Instrument,
    sample_rate: int,
    span: tuple[int, int],
    bent: tuple[Complex, Complex],
) -> Float:
    """Samples span[0] … span[1] − 1 of what the clicks make ring."""
    index, (first, last) = event.resonance, span
    amplitude, s = bent
    rate, gain = float(instrument.click_rate_hz[index]), float(instrument.click_gain[index])
    impulse = float(instrument.impulse[index])
    if rate <= 0.0 or gain <= 0.0 or impulse <= 0.0 or len(s) == 0:
        return np.zeros(last - first)
    spread = float(instrument.click_spread_db[index])
    reach = min(last, int(np.log(1e7) / max(float(-s.real.max()), 1e-9)) + 1)
    begin = max(0, first - reach)
    frames, sizes = click_times(event.seed, rate, spread, last, sample_rate, begin)
    drive = np.bincount(frames - begin, sizes * gain / impulse, minlength=last - begin)
    response = ring(s, amplitude, reach)
    size = 1 << int(np.ceil(np.log2(last - begin + reach)))
    rung: Float = np.fft.irfft(np.fft.rfft(drive, size) * np.fft.rfft(response, size), size)
    return rung[first - begin : last - begin]


def _fades(place: NDArray[np.int64], held: int, fade: int) -> Float:
    """Gains 0 … 1 at frames after the onset: in from there, out from the end of the duration."""

    def risen(since: NDArray[np.int64]) -> Float:
        curve: Float = 0.5 - 0.5 * np.cos(np.pi * np.clip(since + 1, 0, fade) / fade)
        return curve

    gains: Float = risen(np.minimum(place, held - 1)) * (1.0 - risen(place - held))
    return gains


def texture_shape(gains: Float, freq_hz: Float, sample_rate: int) -> Float:
    """Amplitude response that gives white noise the RMS amplitude `gains` in each band.

    Args:
        gains: [32].
        freq_hz: any shape.
        sample_rate: Hz.
    """
    width = np.diff(NOISE_EDGES_HZ)
    density = gains / np.sqrt(width / (sample_rate / 2.0))
    band = np.searchsorted(NOISE_EDGES_HZ, freq_hz, "right") - 1
    inside = (band >= 0) & (band < len(width))
    shape: Float = np.where(inside, density[np.clip(band, 0, len(width) - 1)], 0.0)
    return shape
