"""A thread that sleeps until another has changed a number, and is woken without a lock.

Linux has a call for it, which looks at the number once more before it sleeps (`futex`); elsewhere
the sleeper looks again every millisecond. Thread: audio wakes and yields, helpers sleep.
"""

import platform
import sys
from typing import Any

import numpy as np
from numba import types

from rtsynth.dsp.atomic import address_of
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import array_at, load_acquire, stack_pair

__all__ = ["WAKES", "sleep_while", "wake_all", "yield_thread"]

_FUTEX = {"x86_64": 202, "amd64": 202, "aarch64": 98, "arm64": 98}.get(
    platform.machine().lower(), -1
)
WAKES = sys.platform == "linux" and _FUTEX > 0 and sys.byteorder == "little"
"""Whether the system wakes who sleeps; else sleepers look again every millisecond."""

NAP_US = 1_000

if WAKES:
    _syscall = types.ExternalFunction(
        "syscall",
        types.int64(
            types.int64, types.int64, types.int64, types.int64, types.int64, types.int64,
            types.int64,
        ),
    )  # fmt: skip
    WAIT_HERE, WAKE_HERE = 0 | 128, 1 | 128  # of this process
    EVERYONE = 0x7FFFFFFF

    @kernel("void(int64[::1], int64, int64, int64)")
    def sleep_while(array: Any, index: int, value: int, longest_ns: int) -> None:
        """Sleep while `array[index]`'s lower half is that of `value`; may wake for no reason."""
        address = stack_pair()
        span = array_at(address, (2,), np.int64)
        span[0] = longest_ns // 1_000_000_000
        span[1] = longest_ns % 1_000_000_000
        low = value & 0xFFFFFFFF
        _syscall(_FUTEX, address_of(array, index), WAIT_HERE, low, address, 0, 0)

    @kernel("void(int64[::1], int64)")
    def wake_all(array: Any, index: int) -> None:
        """Wake every thread that sleeps on `array[index]`, which has been changed before."""
        _syscall(_FUTEX, address_of(array, index), WAKE_HERE, EVERYONE, 0, 0, 0)

elif sys.platform == "win32":
    _sleep = types.ExternalFunction("Sleep", types.void(types.uint32))

    @kernel("void(int64[::1], int64, int64, int64)")
    def sleep_while(array: Any, index: int, value: int, longest_ns: int) -> None:
        """Sleep a little, unless `array[index]` is no longer `value`."""
        if load_acquire(array, index) == value:
            _sleep(types.uint32(min(longest_ns // 1_000_000, NAP_US // 1_000)))

    @kernel("void(int64[::1], int64)")
    def wake_all(array: Any, index: int) -> None:
        """Nothing: who sleeps looks again by itself."""

else:
    _usleep = types.ExternalFunction("usleep", types.int32(types.uint32))

    @kernel("void(int64[::1], int64, int64, int64)")
    def sleep_while(array: Any, index: int, value: int, longest_ns: int) -> None:
        """Sleep a little, unless `array[index]` is no longer `value`."""
        if load_acquire(array, index) == value:
            _usleep(types.uint32(min(longest_ns // 1_000, NAP_US)))

    @kernel("void(int64[::1], int64)")
    def wake_all(array: Any, index: int) -> None:
        """Nothing: who sleeps looks again by itself."""


if sys.platform == "win32":
    _yield = types.ExternalFunction("SwitchToThread", types.int32())
else:
    _yield = types.ExternalFunction("sched_yield", types.int32())


@kernel("void()")
def yield_thread() -> None:
    """Let another thread that waits for this processor have it."""
    _yield()
