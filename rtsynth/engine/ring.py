"""Rings of fixed records between one writer and one reader, as kernels see them.

Thread: audio. Python's end of them stands in `rtsynth.engine.ends`.

`at` holds the counts written and read, on cache lines of their own; both only grow, the slot is the
count modulo the ring's size (a power of two). A full ring is the writer's error, never a wait.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import load_acquire, store_release

__all__ = [
    "READ",
    "WRITTEN",
    "free_space",
    "publish_read",
    "publish_write",
    "readable",
    "write_frames",
]

WRITTEN = 0
READ = 8  # the other cache line


@kernel("int64(int64[::1], int64)")
def free_space(at: NDArray[np.int64], capacity: int) -> int:
    """Records the writer may still write."""
    return capacity - (at[WRITTEN] - load_acquire(at, READ))


@kernel("int64(int64[::1])")
def readable(at: NDArray[np.int64]) -> int:
    """Records the reader may read."""
    return load_acquire(at, WRITTEN) - at[READ]


@kernel("void(int64[::1], int64)")
def publish_write(at: NDArray[np.int64], count: int) -> None:
    """Make `count` more written records visible to the reader."""
    store_release(at, WRITTEN, at[WRITTEN] + count)


@kernel("void(int64[::1], int64)")
def publish_read(at: NDArray[np.int64], count: int) -> None:
    """Give `count` read records back to the writer."""
    store_release(at, READ, at[READ] + count)


@kernel("boolean(float32[:,::1], int64[::1], float32[:,::1])")
def write_frames(ring: Any, at: NDArray[np.int64], block: Any) -> bool:
    """Write a block, [channels, n], as n frames of a ring, [frames, channels]; false if full."""
    count = block.shape[1]
    if free_space(at, ring.shape[0]) < count:
        return False
    for n in range(count):
        for c in range(block.shape[0]):
            ring[(at[WRITTEN] + n) & (ring.shape[0] - 1), c] = block[c, n]
    publish_write(at, count)
    return True
