"""The transform of a noise grain beside NumPy's, SciPy's and torch's; what a whole grain costs.

    python tools/bench/fft.py

Real inverse transforms of 1024 samples in float32, thousands per call, so that nobody pays for
Python; processor time of one thread, the best of many runs, all in turn.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.dsp.blown import blown_grain
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.fft import BINS, GRAIN, fft_tables, inverse_fft
from rtsynth.dsp.texture import band_spans, band_weights, grain_window, texture_grain
from rtsynth.instrument import NOISE_BANDS, NOISE_EDGES_HZ

COUNT, TURNS = 2_000, 15


@kernel("void(int64, float32[:,::1], float32[:,::1], float32[::1])")
def _transforms(count: int, tables: Any, data: Any, spectrum: Any) -> None:
    for _ in range(count):
        for i in range(GRAIN):
            data[0, i] = spectrum[i]
        inverse_fft(tables, data)


GRAINS = (
    "void(int64, float32[::1], float32[::1], float32[:,::1], int64[:,::1], float32[::1],"
    " float32[:,::1], float32[:,::1])"
)


@kernel(GRAINS)
def _textures(
    count: int, gains: Any, still: Any, weights: Any, spans: Any, window: Any, tables: Any,
    data: Any,
) -> None:  # fmt: skip
    for index in range(count):
        texture_grain(np.uint64(1), index, gains, still, still, 0.0, weights, spans, tables, data)


@kernel(GRAINS)
def _blown(
    count: int, gains: Any, still: Any, weights: Any, spans: Any, window: Any, tables: Any,
    data: Any,
) -> None:  # fmt: skip
    for index in range(count):
        blown_grain(np.uint64(1), index, gains, still, weights, spans, window, tables, data)


def microseconds(work: Callable[[], object]) -> float:
    """Of one call."""
    began = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - began) / 1e3


def main() -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    tables, data = fft_tables(), np.zeros((3, GRAIN), np.float32)
    row = rng.normal(size=GRAIN).astype(np.float32)
    row[[0, BINS]] = 0.0
    whole = np.zeros(BINS + 1, np.complex64)
    whole[:BINS] = row[:BINS] + 1j * row[BINS:]
    many = np.tile(whole, (COUNT, 1))
    in_torch = torch.from_numpy(many)
    weights = band_weights(NOISE_EDGES_HZ, 48_000)
    spans = band_spans(weights)
    gains, still = np.full(NOISE_BANDS, 0.1, np.float32), np.zeros(NOISE_BANDS, np.float32)
    bands = COUNT, gains, still, weights, spans, grain_window()
    works: dict[str, Callable[[], object]] = {
        "rtsynth": lambda: _transforms(COUNT, tables, data, row),
        "NumPy": lambda: np.fft.irfft(many, GRAIN, norm="forward"),
        "SciPy": lambda: scipy.fft.irfft(many, GRAIN, norm="forward"),
        "torch": lambda: torch.fft.irfft(in_torch, GRAIN, norm="forward"),
        "a texture's grain of 32 bands": lambda: _textures(*bands, tables, data),
        "a blown grain of 32 bands": lambda: _blown(*bands, tables, data),
    }
    best = dict.fromkeys(works, np.inf)
    for _ in range(TURNS):
        for name, work in works.items():
            best[name] = min(best[name], microseconds(work) / COUNT)
    for name, us in best.items():
        peer = f", {us / best['rtsynth']:.1f} × ours" if name in ("NumPy", "SciPy", "torch") else ""
        print(f"{name}: {us:.2f} µs{peer}")


if __name__ == "__main__":
    main()
