"""What is one machine instruction does what its name says."""

import itertools
import sys
import threading
import time

import numpy as np
import pytest

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import (
    ARM,
    X86,
    array_at,
    flush_denormals,
    load_acquire,
    now_ns,
    store_release,
)


@kernel("void(int64[::1], int64, int64)")
def _store(array: np.ndarray, index: int, value: int) -> None:
    store_release(array, index, value)


@kernel("int64(int64[::1], int64)")
def _load(array: np.ndarray, index: int) -> int:
    return int(load_acquire(array, index))


@kernel("void(int64, int64, int64, float32[:,::1])")
def _copy_from(address: int, rows: int, columns: int, out: np.ndarray) -> None:
    array = array_at(address, (rows, columns), np.float32)
    for i in range(array.shape[0]):
        for k in range(array.shape[1]):
            out[i, k] = array[i, k]


@kernel("float64(float64, int64)")
def _halved_after_flush(number: float, flush: int) -> float:
    if flush != 0:
        flush_denormals()
    return number * 0.5


def test_the_clock_never_goes_back() -> None:
    times = [now_ns() for _ in range(10_000)]
    assert all(a <= b for a, b in itertools.pairwise(times))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="its clock is another one there")
def test_the_clock_is_that_of_monotonic_ns() -> None:
    for _ in range(100):
        before, told, after = time.monotonic_ns(), now_ns(), time.monotonic_ns()
        assert before <= told <= after


def test_what_is_stored_is_loaded_and_nothing_beside_it() -> None:
    array = np.arange(16, dtype=np.int64)
    _store(array, 8, -(2**62))
    assert _load(array, 8) == array[8] == -(2**62)
    assert np.array_equal(np.delete(array, 8), np.delete(np.arange(16), 8))


def test_an_array_by_its_address_is_that_array() -> None:
    array = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
    out = np.zeros((5, 7), np.float32)
    _copy_from(array.ctypes.data, 5, 7, out)
    assert np.array_equal(out, array)


@pytest.mark.skipif(not (X86 or ARM), reason="denormals are kept on other processors")
def test_denormals_are_flushed_once_asked() -> None:
    smallest = sys.float_info.min
    found: list[float] = []

    def work() -> None:  # the mode is the thread's, and dies with it
        found.append(_halved_after_flush(smallest, 0))
        found.append(_halved_after_flush(smallest, 1))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [smallest / 2.0, 0.0]
    assert _halved_after_flush(smallest, 0) == smallest / 2.0
