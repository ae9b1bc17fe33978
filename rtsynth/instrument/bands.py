"""The bands of all noise, blown and of textures. Thread: any."""

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOISE_BANDS", "NOISE_EDGES_HZ"]

NOISE_BANDS = 32


def _erb_edges(low_hz: float, high_hz: float, bands: int) -> NDArray[np.float64]:
    low, high = (21.4 * math.log10(1.0 + 0.00437 * hz) for hz in (low_hz, high_hz))
    edges: NDArray[np.float64] = (
        10.0 ** (np.linspace(low, high, bands + 1) / 21.4) - 1.0
    ) / 0.00437
    return edges


NOISE_EDGES_HZ = _erb_edges(30.0, 20_000.0, NOISE_BANDS)
"""[33] edges of the noise bands, evenly spaced on the ERB-rate scale (Glasberg & Moore 1990)."""
