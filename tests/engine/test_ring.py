"""A ring between two threads loses nothing, repeats nothing and never waits."""

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.dsp.compile import kernel
from rtsynth.engine.ends import drain, give_back, publish, push, space, waiting
from rtsynth.engine.ring import (
    READ,
    WRITTEN,
    free_space,
    publish_read,
    publish_write,
    readable,
)

ITEMS = 1_000_000
RECORD = np.dtype([("number", "<i8"), ("check", "<i8")])


@kernel("int64(int64[:,::1], int64[::1], int64)")
def _write_all(ring: NDArray[np.int64], at: NDArray[np.int64], count: int) -> int:
    """Write the numbers 0 … count − 1 and their squares, spinning where the ring is full."""
    full, done = 0, 0
    while done < count:
        space = free_space(at, ring.shape[0])
        if space == 0:
            full += 1
        space = min(space, count - done)
        for i in range(space):
            slot = (at[WRITTEN] + i) & (ring.shape[0] - 1)
            ring[slot, 0] = done + i
            ring[slot, 1] = (done + i) * (done + i)
        publish_write(at, space)
        done += space
    return full


@kernel("int64(int64[:,::1], int64[::1], int64)")
def _read_all(ring: NDArray[np.int64], at: NDArray[np.int64], count: int) -> int:
    """Read `count` records; how many were not the next number with its square."""
    errors, done = 0, 0
    while done < count:
        ready = readable(at)
        if ready > ring.shape[0]:
            errors += 1
        for i in range(ready):
            slot = (at[READ] + i) & (ring.shape[0] - 1)
            number = done + i
            if ring[slot, 0] != number or ring[slot, 1] != number * number:
                errors += 1
            ring[slot, 0] = -1
            ring[slot, 1] = -1
        publish_read(at, ready)
        done += ready
    return errors


@pytest.mark.parametrize(("capacity", "count"), [(2, 10_000), (64, 100_000), (4096, ITEMS)])
def test_two_threads_pass_a_million_items_without_an_error(capacity: int, count: int) -> None:
    ring, at = np.full((capacity, 2), -1, np.int64), np.zeros(16, np.int64)
    errors: list[int] = []
    reader = threading.Thread(target=lambda: errors.append(_read_all(ring, at, count)))
    reader.start()
    _write_all(ring, at, count)
    reader.join()
    assert errors == [0]
    assert at[WRITTEN] == at[READ] == count


def test_a_full_ring_refuses_and_keeps_what_it_holds() -> None:
    ring, at = np.zeros(4, RECORD), np.zeros(16, np.int64)
    assert [push(ring, at, (i, i * i)) for i in range(6)] == [True] * 4 + [False] * 2
    assert free_space(at, 4) == 0
    assert drain(ring, at)["number"].tolist() == [0, 1, 2, 3]
    assert free_space(at, 4) == 4
    assert len(drain(ring, at)) == 0


def test_records_come_out_in_order_across_the_seam() -> None:
    ring, at = np.zeros(4, RECORD), np.zeros(16, np.int64)
    sent, found = 0, []
    for count in (3, 2, 4, 1, 3, 4) * 20:
        for _ in range(count):
            assert push(ring, at, (sent, -sent))
            sent += 1
        assert readable(at) == count
        found += drain(ring, at).tolist()
    assert found == [(i, -i) for i in range(sent)]


def test_what_was_drained_is_a_copy() -> None:
    ring, at = np.zeros(2, RECORD), np.zeros(16, np.int64)
    push(ring, at, (1, 1))
    records = drain(ring, at)
    push(ring, at, (2, 2))
    push(ring, at, (3, 3))
    assert records["number"].tolist() == [1]


@pytest.mark.parametrize("kernel_", [space, waiting, publish, give_back])
def test_pythons_end_keeps_the_interpreters_lock(kernel_: Any) -> None:
    """Who lets go of it beside a thread that computes waits a switch interval to get it back."""
    assert not kernel_.targetoptions["nogil"]
    assert free_space.targetoptions["nogil"]
