"""Long sounds in an unnamed file instead of memory. Thread: main, worker."""

import mmap
import tempfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Samples", "blank_frames", "let_go"]

IN_MEMORY_VALUES = 20_000_000  # 160 MB; what is longer lies on disk, in half the width

Samples = NDArray[Any]
"""[frames, channels] float64, or float32 where they lie on disk."""


def blank_frames(frames: int, channels: int) -> Samples:
    """[frames, channels] zeros, float64 in memory, or float32 in a file that goes with the array.

    Args:
        frames: how many.
        channels: of each.
    """
    if frames * channels <= IN_MEMORY_VALUES:
        return np.zeros((frames, channels))
    with tempfile.TemporaryFile(prefix="rtsynth-") as file:
        file.truncate(frames * channels * 4)
        return np.memmap(file, np.float32, "r+", shape=(frames, channels))


def let_go(frames: Samples) -> None:
    """Give back the memory through which frames on disk were looked at; they stay what they are."""
    mapped = getattr(frames, "_mmap", None)
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
