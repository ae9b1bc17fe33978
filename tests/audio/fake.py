"""The smallest engine there is: it plays the number of the frame, compiled like the real one."""

import numba
import numpy as np
from numba import carray, types
from numpy.typing import NDArray

ULONG = types.ulong
SIGNATURE = types.intc(types.voidptr, types.voidptr, ULONG, types.voidptr, ULONG, types.voidptr)
CHANNELS = 2
PERIOD = 4096  # frames after which the numbers start over; exact in float32


def _play(counts, out):  # type: ignore[no-untyped-def]
    for row in range(out.shape[0]):
        for channel in range(out.shape[1]):
            out[row, channel] = ((counts[0] + row) % PERIOD + channel * 0.5) / PERIOD
    counts[0] += out.shape[0]
    counts[1] += 1
    counts[3] = max(counts[3], out.shape[0])


_kernel = numba.njit("void(int64[::1], float32[:,::1])", nogil=True)(_play)


def _callback(input_, output, frames, info, flags, user):  # type: ignore[no-untyped-def]
    counts = carray(user, (4,), np.int64)
    if flags:
        counts[2] += 1
    _kernel(counts, carray(output, (frames, CHANNELS), np.float32))
    return 0


callback = numba.cfunc(SIGNATURE, error_model="numpy")(_callback)


class FakeEngine:
    """An `EngineLike`: counts are frames, blocks, calls with flags, the largest block."""

    channels = CHANNELS
    inputs = 0

    def __init__(self, sample_rate: int = 48_000) -> None:
        self.sample_rate = sample_rate
        self.counts = np.zeros(4, np.int64)
        self.callback_address: int = callback.address
        self.userdata_address: int = self.counts.ctypes.data

    @property
    def frame(self) -> int:
        return int(self.counts[0])

    def process(self, out: NDArray[np.float32], heard: NDArray[np.float32] | None = None) -> None:
        _kernel(self.counts, out)


def expected(num_frames: int) -> NDArray[np.float32]:
    """What a `FakeEngine` plays first."""
    frames = (np.arange(num_frames)[:, None] % PERIOD).astype(np.float64)
    sound: NDArray[np.float32] = ((frames + np.array([0.0, 0.5])) / PERIOD).astype(np.float32)
    return sound
