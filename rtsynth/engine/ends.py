"""Python's end of the rings: records in, records and frames out. Thread: the one at that end.

The kernels here keep the interpreter's lock, which beside a thread that computes would take a
switch interval to get back: a message would wait for it on its way to the engine.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.compile import kernel
from rtsynth.engine.ring import (
    READ,
    WRITTEN,
    free_space,
    publish_read,
    publish_write,
    readable,
)

__all__ = [
    "drain",
    "give_back",
    "publish",
    "push",
    "push_all",
    "read_frames",
    "space",
    "waiting",
]


@kernel("int64(int64[::1], int64)", held=True)
def space(at: NDArray[np.int64], capacity: int) -> int:
    """Records the writer may still write."""
    return free_space(at, capacity)


@kernel("int64(int64[::1])", held=True)
def waiting(at: NDArray[np.int64]) -> int:
    """Records the reader may read."""
    return readable(at)


@kernel("void(int64[::1], int64)", held=True)
def publish(at: NDArray[np.int64], count: int) -> None:
    """Make `count` more written records visible to the reader."""
    publish_write(at, count)


@kernel("void(int64[::1], int64)", held=True)
def give_back(at: NDArray[np.int64], count: int) -> None:
    """Give `count` read records back to the writer."""
    publish_read(at, count)


def push(ring: NDArray[Any], at: NDArray[np.int64], record: tuple[Any, ...]) -> bool:
    """Write one record from Python; false if the ring is full. Thread: the ring's one writer."""
    return push_all(ring, at, (record,))


def push_all(ring: NDArray[Any], at: NDArray[np.int64], records: Sequence[tuple[Any, ...]]) -> bool:
    """Write records that the reader sees all at once; false, and none, if they do not fit."""
    if space(at, len(ring)) < len(records):
        return False
    for offset, record in enumerate(records):
        ring[(at[WRITTEN] + offset) % len(ring)] = record
    publish(at, len(records))
    return True


def read_frames(ring: NDArray[np.float32], at: NDArray[np.int64], into: NDArray[np.float32]) -> int:
    """Move the oldest frames of a ring into `into`, [n, channels]; returns how many."""
    count = min(int(waiting(at)), len(into))
    if count:
        into[:count] = ring[(at[READ] + np.arange(count)) % len(ring)]
        give_back(at, count)
    return count


def drain(ring: NDArray[Any], at: NDArray[np.int64]) -> NDArray[Any]:
    """A copy of all readable records, oldest first, now read. Thread: the ring's one reader."""
    count = waiting(at)
    records = ring[(at[READ] + np.arange(count)) % len(ring)]
    give_back(at, count)
    return records
