"""A device turned by hand: a test is a `for` loop."""

import ctypes

import numpy as np
from numpy.typing import NDArray

from rtsynth.audio.device import Device, EngineLike
from rtsynth.errors import DeviceError

__all__ = ["CALLBACK", "HandDevice"]

CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
    ctypes.c_ulong,
    ctypes.c_void_p,
)
"""PortAudio's `PaStreamCallback`."""


class HandDevice(Device):
    """Calls the engine when told, for as many frames as told.

    Args:
        engine: what to call.
        through_callback: call its C callback, as a driver would, instead of `process`.
    """

    name = "hand"
    block_size = 0
    latency_frames = 0
    reason = ""
    running = False
    lost = False

    def __init__(self, engine: EngineLike, *, through_callback: bool = False) -> None:
        self.engine = engine
        self.sample_rate = engine.sample_rate
        self._callback = CALLBACK(engine.callback_address) if through_callback else None

    def start(self) -> None:
        """Allow turning."""
        self.running = True

    def stop(self) -> None:
        """Forbid it."""
        self.running = False

    def turn(
        self, num_frames: int, flags: int = 0, heard: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Let `num_frames` pass; returns the block, `[num_frames, channels]`.

        Args:
            num_frames: size of the block, ≥ 0.
            flags: PortAudio's, such as 4 for an output underflow; only for the callback.
            heard: what comes in, `[num_frames, inputs]`; silence if None.

        Raises:
            DeviceError: not started, or the callback asked to end the stream.
        """
        if not self.running:
            raise DeviceError("the hand-turned device is stopped; call start() first")
        out = np.zeros((num_frames, self.engine.channels), np.float32)
        if heard is not None and heard.shape != (num_frames, self.engine.inputs):
            raise DeviceError(
                f"an input of shape {heard.shape}; legal: {(num_frames, self.engine.inputs)}"
            )
        into = None if heard is None else np.ascontiguousarray(heard, np.float32)
        if self._callback is None:
            self.engine.process(out, into)
            return out
        user = self.engine.userdata_address
        address = None if into is None else into.ctypes.data
        answer = self._callback(address, out.ctypes.data, num_frames, None, flags, user)
        if answer != 0:
            raise DeviceError(f"the engine's callback answered {answer}; legal: 0 (go on)")
        return out
