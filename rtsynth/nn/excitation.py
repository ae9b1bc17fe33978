"""What drives a voice besides its impulse, in torch: strike noise, blow and the bow's curve.

Noise is a constant to the gradient: the counter-based streams of `rtsynth.dsp` are drawn in NumPy
and only their levels are learned. Thread: worker.
"""

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.dsp.blown import blown_grain
from rtsynth.dsp.fft import BINS, GRAIN, fft_tables
from rtsynth.dsp.strike import strike_noise
from rtsynth.dsp.texture import (
    HOP,
    band_spans,
    band_weights,
    grain_window,
)
from rtsynth.instrument import NOISE_EDGES_HZ, Instrument

__all__ = ["blow_noise", "frames_of", "grain_ages", "scan_linear", "strike_table"]

QUIET = 1e-30


def strike_table(
    instrument: Instrument, resonance: NDArray[np.intp], seed: NDArray[np.uint64], sample_rate: int
) -> NDArray[np.float64]:
    """[E, S] the strike's noise of every event from its onset on, S the longest strike's frames."""
    seconds = instrument.strike_s[resonance]
    audible = (instrument.strike_dry + instrument.strike_wet)[resonance] > 0.0
    lengths = np.where(audible, seconds * float(sample_rate), 0.0)
    table = np.zeros((len(resonance), int(np.ceil(lengths.max(initial=0.0)))))
    scratch = np.empty(table.shape[1] + instrument.strike_filter.shape[1])
    for row, length in enumerate(lengths):
        if length > 0.0:
            index = resonance[row]
            strike_noise(
                seed[row], 0, float(length), instrument.strike_envelope[index],
                instrument.strike_filter[index], scratch, table[row],
            )  # fmt: skip
    return table


@functools.lru_cache(maxsize=4096)
def _raw_grain(seed: int, index: int) -> NDArray[np.complex128]:
    """[BINS + 1] random spectrum of a grain whose every bin has a power of 1."""
    data = np.zeros((3, GRAIN), np.float32)
    flat, level = np.ones((1, BINS), np.float32), np.ones(1, np.float32)
    blown_grain(
        np.uint64(seed), index, level, np.zeros(1, np.float32), flat, band_spans(flat),
        grain_window(), fft_tables(), data,
    )  # fmt: skip
    return np.fft.rfft(data[0].astype(np.float64))


def grain_ages(first: Tensor, count: int, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Index of every grain that sounds within `count` frames from `first` on, and its centre.

    Args:
        first: [E] int64, frames since the onset, ≥ 0.
        count: frames.
        sample_rate: Hz.

    Returns:
        [E, G] int64 indices, the first −1 or later; [E, G] float64 seconds since the onset.
    """
    grains = (count + HOP - 1) // HOP + 2
    index = (first // HOP - 1)[:, None] + torch.arange(grains, device=first.device)
    return index, (index * HOP + HOP).double() / sample_rate


def blow_noise(
    seed: NDArray[np.uint64], index: Tensor, level: Tensor, first: Tensor, count: int, rate: int
) -> Tensor:
    """Overlap-added band-shaped noise.

    Args:
        seed: [E] of the events.
        index: [E, G] from `grain_ages`.
        level: [E, G, 32] RMS amplitude of every band at every grain.
        first: [E] int64, frame of the first sample since the onset.
        count: samples.
        rate: Hz.

    Returns:
        [E, count].
    """
    raw = np.stack([
        [_raw_grain(int(s), int(i)) for i in row]
        for s, row in zip(seed, index.cpu().numpy(), strict=True)
    ])  # fmt: skip
    kind = torch.complex128 if level.dtype == torch.float64 else torch.complex64
    spectrum = torch.from_numpy(raw).to(level.device, kind)
    weights = torch.from_numpy(band_weights(NOISE_EDGES_HZ, rate)).to(level)
    power = torch.nn.functional.pad(level**2 @ weights, (0, 1))
    size = torch.sqrt(power.clamp_min(QUIET)) * (power > QUIET)
    window = torch.from_numpy(grain_window()).to(level)
    grain = torch.fft.irfft(spectrum * size, n=GRAIN) * window
    hops = grain[:, 1:, :HOP] + grain[:, :-1, HOP:]
    flat = hops.reshape(len(level), -1)  # from frame (index[0] + 1)·HOP on
    offset = first - (index[:, 0] + 1) * HOP
    at = offset[:, None] + torch.arange(count, device=level.device)
    noise: Tensor = flat.gather(1, at)
    return noise


def scan_linear(factor: Tensor, added: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """The recursion `h_(k+1) = factor_k · h_k + added_k` along dim 1, in log₂ T passes.

    Doubling as in Hillis & Steele (1986): stable for |factor| ≤ 1, no logarithms.

    Args:
        factor: [E, T, M].
        added: [E, T, M].
        start: [E, M] h_0.

    Returns:
        [E, T, M] h_0 … h_(T−1), and h_T.
    """
    a, b = factor, added
    step = 1
    while step < a.shape[1]:
        head_a, head_b = a[:, :step], b[:, :step]
        b = torch.cat([head_b, b[:, step:] + a[:, step:] * b[:, :-step]], dim=1)
        a = torch.cat([head_a, a[:, step:] * a[:, :-step]], dim=1)
        step *= 2
    after = a * start[:, None] + b
    return torch.cat([start[:, None], after[:, :-1]], dim=1), after[:, -1]


def frames_of(table: Tensor, first: Tensor, count: int) -> Tensor:
    """[E, count] of [E, S] sounds beginning at frame 0, read from `first` on; 0 outside."""
    at = first[:, None] + torch.arange(count, device=table.device)
    inside = (at >= 0) & (at < table.shape[1])
    if table.shape[1] == 0:
        return table.new_zeros(at.shape)
    return table.gather(1, at.clamp(0, table.shape[1] - 1)) * inside
