"""Work that is the same every time: how its time spreads is the machine's doing, not ours."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.fft import GRAIN, fft_tables, inverse_fft

__all__ = ["Constant"]


class Constant:
    """Work that is the same every time, about `us` microseconds of it."""

    def __init__(self, us: float) -> None:
        self._tables, self._data = fft_tables(), np.zeros((3, GRAIN), np.float32)
        self._count = 100
        took = min(self.time_us() for _ in range(20))
        self._count = max(round(100 * us / took), 1)

    def time_us(self) -> float:
        """How long it took this time."""
        began = time.thread_time_ns()
        _transforms(self._count, self._tables, self._data)
        return (time.thread_time_ns() - began) / 1e3


@kernel("void(int64, float32[:,::1], float32[:,::1])")
def _transforms(count: int, tables: Any, data: Any) -> None:
    for _ in range(count):
        inverse_fft(tables, data)
