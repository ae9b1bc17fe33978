"""Texture: stationary noise of a given colour from overlap-added random spectra. Thread: audio.

Grain k covers frames k·HOP … k·HOP + GRAIN of the texture's own time; its spectrum is Gaussian,
keyed by (seed, k), so that any stretch can be rendered in any order. A sine window makes the power
constant. Bands move from grain to grain along seeded noise in dB (`swell_db`).
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.fft import BINS, GRAIN, inverse_fft
from rtsynth.dsp.noise import fill_gaussian, finalise, normal_at
from rtsynth.dsp.registers import TICK

__all__ = [
    "DB_PER_OCTAVE",
    "HOP",
    "add_band",
    "band_spans",
    "band_weights",
    "grain_lead",
    "grain_window",
    "overlap_add",
    "silence_before",
    "swell_db",
    "take_out",
    "texture_grain",
]

HOP = GRAIN // 2
NODES_PER_CYCLE = 2.0
SWELLS = np.uint64(0x5E11_0000_0000_0001)
"""What the event's seed is mixed with, so that the motion is independent of the noise."""

DB_PER_OCTAVE = 20.0 * math.log10(2.0)
"""Decibels of a factor of two: the field draws log2 of gains, grains want dB."""

MEAN_POWER = math.log(10.0) / 20.0
"""Noise of standard deviation σ dB in level has σ²·MEAN_POWER dB more power in the mean."""


def grain_window() -> np.ndarray:
    """[GRAIN] float32 sine window; squares at a distance of HOP sum to 1. Thread: main."""
    return np.sin(np.pi * (np.arange(GRAIN) + 0.5) / GRAIN).astype(np.float32)


def band_weights(edges_hz: np.ndarray, sample_rate: float) -> np.ndarray:
    """[bands, BINS] float32: share of each band's power that falls on each bin.

    Power beyond the Nyquist frequency is lost, not folded. Thread: main.

    Args:
        edges_hz: [bands + 1], ascending, Hz.
        sample_rate: Hz.
    """
    width = sample_rate / GRAIN
    low = (np.arange(BINS) - 0.5) * width
    left = np.maximum(low[None, :], edges_hz[:-1, None])
    right = np.minimum(low[None, :] + width, edges_hz[1:, None])
    weights = np.maximum(right - left, 0.0) / np.diff(edges_hz)[:, None]
    weights[:, 0] = 0.0  # no direct current
    return weights.astype(np.float32)


def band_spans(weights: np.ndarray) -> np.ndarray:
    """[bands, 2] int64: each band's first bin and the one after its last. Thread: main.

    Args:
        weights: [bands, BINS] from `band_weights`.
    """
    inside = weights > 0.0
    first = np.where(inside.any(axis=1), inside.argmax(axis=1), 0)
    last = np.where(inside.any(axis=1), BINS - inside[:, ::-1].argmax(axis=1), 0)
    return np.stack([first, last], axis=1)


@kernel("float64(uint64, int64, float64)")
def swell_db(seed: np.uint64, band: int, cycles: float) -> float:
    """How far a band has moved: smooth noise of zero mean and unit variance at every moment.

    Two independent normal numbers per cycle, between which it goes along a quarter of a circle.

    Args:
        seed: of the event.
        band: index.
        cycles: seconds since the onset · rate, ≥ 0.
    """
    at = cycles * NODES_PER_CYCLE
    node = math.floor(at)
    turn = 0.5 * math.pi * (at - node)
    first = normal_at(seed ^ SWELLS, (band << 40) + node)
    second = normal_at(seed ^ SWELLS, (band << 40) + node + 1)
    return math.cos(turn) * first + math.sin(turn) * second


@kernel("void(float64, float64, float32[::1], int64, int64, float32[::1])", fastmath=True)
def add_band(
    gain: float, db: float, weights: np.ndarray, first: int, last: int, power: np.ndarray
) -> None:
    """Add the power of a band to that of its bins.

    Args:
        gain: RMS amplitude of the band.
        db: to which this many decibels are added.
        weights: [BINS] of the band, from `band_weights`.
        first: bin of the band …
        last: … and the one after its last.
        power: [BINS] float32, added to.
    """
    level = gain * 2.0 ** (db / DB_PER_OCTAVE)  # a third of the time of 10 ** (db / 20)
    loud = np.float32(level * level)
    for i in range(first, last):
        power[i] += loud * weights[i]


@kernel(
    "void(uint64, int64, float32[::1], float32[::1], float32[::1], float64, float32[:,::1],"
    " int64[:,::1], float32[:,::1], float32[:,::1])",
    fastmath=True,
)
def texture_grain(
    seed: np.uint64,
    index: int,
    band_gain: np.ndarray,
    vector: np.ndarray,
    am_depth_db: np.ndarray,
    am_rate: float,
    weights: np.ndarray,
    spans: np.ndarray,
    tables: np.ndarray,
    data: np.ndarray,
) -> None:
    """Grain `index` of the texture into data[0], unwindowed.

    Args:
        seed: of the noise.
        index: of the grain, ≥ −1.
        band_gain: [bands] float32, RMS amplitude per band.
        vector: [bands] float32, dB per band.
        am_depth_db: [bands] float32, standard deviation of each band's level.
        am_rate: cycles of that motion per frame; 0 for none.
        weights: [bands, BINS] from `band_weights`.
        spans: [bands, 2] from `band_spans`.
        tables: from `fft_tables`.
        data: [3, GRAIN] float32; rows 1 and 2 are scratch.
    """
    power = data[2, :BINS]
    for i in range(BINS):
        power[i] = 0.0
    for b in range(band_gain.shape[0]):
        if band_gain[b] == 0.0:
            continue
        db = float(vector[b])
        if am_rate > 0.0 and am_depth_db[b] > 0.0:
            cycles = (index + 1) * HOP * am_rate  # at the grain's middle
            db += am_depth_db[b] * (swell_db(seed, b, cycles) - MEAN_POWER * am_depth_db[b])
        add_band(band_gain[b], db, weights[b], spans[b, 0], spans[b, 1], power)
    fill_gaussian(seed, (index + 1) * BINS, data[0, :BINS], data[0, BINS:])
    for i in range(BINS):
        # a conjugate pair of bins of variance σ² each way sounds with power 4σ², unscaled
        size = np.float32(0.5) * math.sqrt(power[i])
        data[0, i] *= size
        data[0, BINS + i] *= size
    data[0, 0] = data[0, BINS] = 0.0
    inverse_fft(tables, data)


@kernel("int64(int64)")
def grain_lead(seed: int) -> int:
    """How long before its first frame a grain is made, in frames: 0 … HOP − 1, whole ticks.

    Events that begin together have different seeds, so that their grains are not all due at once.
    """
    return int(finalise(np.uint64(seed)) % np.uint64(HOP // TICK)) * TICK


@kernel("void(float32[::1], float32[::1], int64, float32[::1])")
def overlap_add(grain: np.ndarray, window: np.ndarray, position: int, ring: np.ndarray) -> None:
    """Add a windowed grain into a ring from `position` on, wrapping around.

    Args:
        grain: [size] float32.
        window: [size] float32.
        position: of the grain's first frame; wraps around the ring.
        ring: [≥ size] float32, added to.
    """
    begin = position % ring.shape[0]
    before = min(ring.shape[0] - begin, grain.shape[0])
    to = ring[begin : begin + before]
    for i in range(before):
        to[i] += grain[i] * window[i]
    rest, shape = grain[before:], window[before:]
    for i in range(rest.shape[0]):
        ring[i] += rest[i] * shape[i]


@kernel("void(float32[::1], float32[::1])")
def _move(source: np.ndarray, to: np.ndarray) -> None:
    """Copy, and leave silence; one loop for each, which the compiler makes vectors of."""
    for i in range(to.shape[0]):
        to[i] = source[i]
    for i in range(to.shape[0]):
        source[i] = 0.0


@kernel("void(int64, int64, float32[::1], float32[::1])")
def take_out(position: int, first: int, ring: np.ndarray, out: np.ndarray) -> None:
    """A tick out of a ring, in which it leaves silence.

    Args:
        position: of the tick's frame 0; wraps around the ring.
        first: frame of the tick to begin at; those before it are silent, and stay in the ring.
        ring: [length] float32, length ≥ TICK.
        out: [TICK] float32, overwritten.
    """
    begin = (position + first) % ring.shape[0]
    before = min(ring.shape[0] - begin, out.shape[0] - first)
    for i in range(first):
        out[i] = 0.0
    _move(ring[begin : begin + before], out[first : first + before])
    wrapped = out[first + before :]
    _move(ring[: wrapped.shape[0]], wrapped)


@kernel("void(int64, float32[::1])")
def silence_before(age: int, ring: np.ndarray) -> None:
    """Leave nothing before this age in a ring that holds the two grains which sound at it.

    Args:
        age: frames since the onset, ≥ 0.
        ring: [2·GRAIN] float32.
    """
    length = ring.shape[0]
    for i in range((age // HOP - 1) * HOP, age):
        ring[i % length] = 0.0
