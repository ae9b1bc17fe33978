"""The device that is always there: no sound, the right pace."""

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtsynth.audio.device import Device, EngineLike
from rtsynth.errors import DeviceError, ValueRangeError

__all__ = ["NullDevice"]

DEFAULT_BLOCK_SIZE = 256
CATCH_UP_S = 0.25  # blocks later than this are left out, so that a woken laptop does not race
STOP_TIMEOUT_S = 1.5

Tap = Callable[[NDArray[np.float32]], None]
Source = Callable[[NDArray[np.float32]], None]


class NullDevice(Device):
    """Calls the engine on the grid of real time from a thread of its own.

    Block n is due at n block periods after the start; nothing drifts. A block begun more than a
    period late is an xrun and is made up for at once; what is more than a quarter of a second late
    is dropped from the grid, each block an xrun.

    Args:
        engine: what to call.
        block_size: frames per call; 0 for 256.
        tap: is shown every block on the device's thread; the array is used again, so copy it.
        source: fills what comes in with a block, `[block_size, inputs]`; silence if None.
        reason: why it stands in for another device.

    Attributes:
        xruns: blocks late or dropped.
        error: what ended the thread, if anything did.
    """

    name = "null"

    def __init__(
        self,
        engine: EngineLike,
        block_size: int = 0,
        *,
        tap: Tap | None = None,
        source: Source | None = None,
        reason: str = "",
    ) -> None:
        if block_size < 0:
            raise ValueRangeError(f"block_size = {block_size}; legal: ≥ 0", field="block_size")
        self.engine = engine
        self.block_size = block_size or DEFAULT_BLOCK_SIZE
        self.sample_rate = engine.sample_rate
        self.latency_frames = self.block_size
        self.reason = reason
        self.xruns = 0
        self.error: Exception | None = None
        self._tap, self._source = tap, source
        self._heard = np.zeros((self.block_size, engine.inputs), np.float32)
        self.input_name = "null" if engine.inputs else ""
        self._block = np.zeros((self.block_size, engine.channels), np.float32)
        self._quit = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Started and not stopped since."""
        return self._thread is not None

    @property
    def lost(self) -> bool:
        """The thread has ended by itself; `error` says why."""
        return self._thread is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Begin; block 0 is due now."""
        if self._thread is not None:
            return
        self.error = None
        self._quit.clear()
        self._thread = threading.Thread(target=self._run, name="rtsynth-null", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the block in hand."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._quit.set()
        thread.join(STOP_TIMEOUT_S)
        if thread.is_alive():
            raise DeviceError(f"the engine has not come back from a block in {STOP_TIMEOUT_S} s")

    def _run(self) -> None:
        try:
            self._pace()
        except Exception as error:
            self.error = error

    def _pace(self) -> None:
        grid = _Grid(self.block_size, self.sample_rate)
        while not self._quit.is_set():
            wait_s = grid.wait_s()
            if wait_s > 0:
                time.sleep(wait_s)
                continue
            self.xruns += grid.account()
            if self._source is not None:
                self._source(self._heard)
            self.engine.process(self._block, self._heard if self.engine.inputs else None)
            if self._tap is not None:
                self._tap(self._block)


class _Grid:
    """When each block is due, counted from the start so that rounding never adds up."""

    def __init__(self, block_size: int, sample_rate: int) -> None:
        self.period_ns = block_size * 1_000_000_000 / sample_rate
        self.begin_ns = time.monotonic_ns()
        self.blocks = 0

    def wait_s(self) -> float:
        """Seconds until the next block is due; negative if it is late. At most a block."""
        due_ns = self.begin_ns + self.blocks * self.period_ns
        return min(due_ns - time.monotonic_ns(), self.period_ns) * 1e-9

    def account(self) -> int:
        """Take the next block, and return the xruns that its lateness means."""
        late = -self.wait_s() * 1e9 / self.period_ns
        dropped = int(late) if late * self.period_ns > CATCH_UP_S * 1e9 else 0
        self.blocks += 1 + dropped
        return dropped + (late - dropped >= 1)
