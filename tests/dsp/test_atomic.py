"""Counting, exchanging and sleeping without a lock."""

import platform
import sys
import threading
import time
from typing import Any

import numpy as np

from rtsynth.dsp.atomic import address_of, exchange, fetch_add
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.sleep import WAKES, sleep_while, wake_all, yield_thread

LONGEST_S = 60.0


@kernel("int64(int64[::1], int64, int64)")
def count(at: Any, index: int, times: int) -> int:
    """Add 1 so many times; the sum of what was there before."""
    total = 0
    for _ in range(times):
        total += fetch_add(at, index, 1)
    return total


@kernel("int64(int64[::1], int64, int64)")
def put(at: Any, index: int, value: int) -> int:
    return int(exchange(at, index, value))


@kernel("int64(int64[::1], int64)")
def place(at: Any, index: int) -> int:
    return int(address_of(at, index))


def test_what_three_threads_count_adds_up_and_nobody_sees_a_number_twice() -> None:
    at, times, seen = np.zeros(9, np.int64), 200_000, []
    threads = [threading.Thread(target=lambda: seen.append(count(at, 8, times))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = 3 * times
    assert at[8] == total
    assert sum(seen) == total * (total - 1) // 2
    assert not at[:8].any()


def test_an_exchange_gives_what_was_there() -> None:
    at = np.array([1, 2, 3], np.int64)
    assert put(at, 1, -7) == 2
    assert at.tolist() == [1, -7, 3]


def test_the_address_is_that_of_the_number() -> None:
    at = np.zeros(4, np.int64)
    assert place(at, 3) == at.ctypes.data + 24


def test_nobody_sleeps_on_a_number_that_has_changed() -> None:
    at = np.array([0, 5], np.int64)
    began = time.monotonic()
    for _ in range(3):
        sleep_while(at, 1, 4, int(LONGEST_S * 1e9))
    assert time.monotonic() - began < LONGEST_S


def test_who_sleeps_wakes_when_called_or_when_the_time_is_up() -> None:
    at, woken = np.zeros(1, np.int64), []

    def sleep() -> None:
        while at[0] == 0:
            sleep_while(at, 0, 0, int(2 * LONGEST_S * 1e9))
        woken.append(True)

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    time.sleep(0.05)
    at[0] = 1
    wake_all(at, 0)
    sleeper.join(LONGEST_S)
    assert woken == [True]
    sleep_while(at, 0, 1, 1_000_000)  # comes back by itself
    yield_thread()


def test_linux_wakes() -> None:
    known = platform.machine().lower() in ("x86_64", "aarch64")
    assert WAKES == (sys.platform == "linux" and known)
