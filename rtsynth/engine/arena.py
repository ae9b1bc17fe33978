"""One flat block of memory that holds all engine state. Thread: main."""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.atomic import CACHE_LINE
from rtsynth.engine.layout import Manifest, State
from rtsynth.engine.state import TABLE_ROW

__all__ = ["Arena", "bytes_of"]


def bytes_of(manifest: Manifest) -> int:
    """How much memory an arena takes; what is never touched costs none."""
    return sum(_bytes(dtype, shape) for dtype, shape in manifest.values())


def _bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    return -(-int(np.prod(shape)) * dtype.itemsize // CACHE_LINE) * CACHE_LINE


class Arena:
    """Memory for every array of a manifest, each on a cache line of its own.

    Attributes:
        memory: the bytes; may lie in a memory map.
        table: [arrays, TABLE_ROW] int64, what compiled code needs to find the arrays.
        state: the arrays, as views.
    """

    def __init__(self, manifest: Manifest, memory: NDArray[np.uint8] | None = None) -> None:
        rows, at = [], 0
        for dtype, shape in manifest.values():
            sizes = [*shape, 1, 1, 1][: TABLE_ROW - 1]
            rows.append([at, *sizes])
            at += _bytes(dtype, shape)
        if memory is None:
            padded = np.zeros(at + CACHE_LINE, np.uint8)
            begin = -padded.ctypes.data % CACHE_LINE
            memory = padded[begin : begin + at]
        if memory.nbytes < at:
            raise ValueError(f"arena of {memory.nbytes} bytes; {at} are needed")
        self.memory = memory
        self.table: NDArray[np.int64] = np.array(rows, np.int64)
        self.state = State(*self._views(manifest))

    def clear(self, keep: tuple[str, ...] = ()) -> None:
        """Zero everything but the arrays named, whose untouched pages then cost no memory."""
        for name, array in zip(State._fields, self.state, strict=True):
            if name not in keep:
                array.view(np.uint8)[...] = 0

    def touch(self, but: tuple[str, ...] = ()) -> None:
        """Have this process given every page, but for the arrays named, while there is time."""
        for name, array in zip(State._fields, self.state, strict=True):
            if name not in but:
                data = array.view(np.uint8).reshape(-1)
                np.concatenate([data[:: mmap.PAGESIZE], data[-1:]]).max(initial=0)

    def _views(self, manifest: Manifest) -> list[NDArray[Any]]:
        views = []
        for (offset, *_), (dtype, shape) in zip(
            self.table.tolist(), manifest.values(), strict=True
        ):
            size = int(np.prod(shape)) * dtype.itemsize
            views.append(self.memory[offset : offset + size].view(dtype).reshape(shape))
        return views
