"""What every audio device is, and what a device needs of an engine.

The engine owns no thread and no clock; a device calls it, either through `process` or, where the
audio driver is C, through the address of its compiled callback. Devices of equal rank:

    PortAudioDevice   sound card, JACK                      portaudio.py
    NullDevice        no sound, paced in real time          null.py
    FileDevice        a WAV file, as fast as it goes        file.py
    HandDevice        turned by hand, for tests             hand.py
"""

import dataclasses
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Device", "DeviceInfo", "EngineLike"]


class EngineLike(Protocol):
    """What a device calls. It keeps the engine alive for as long as it may call it."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def channels(self) -> int:
        """Channels of every block."""

    @property
    def inputs(self) -> int:
        """Channels of what comes in with every block; 0 for none."""

    @property
    def frame(self) -> int:
        """Frames rendered so far. Thread: any."""

    @property
    def callback_address(self) -> int:
        """C address of a function with PortAudio's `PaStreamCallback` signature."""

    @property
    def userdata_address(self) -> int:
        """Pointer that function is given as its user data."""

    def process(self, out: NDArray[np.float32], heard: NDArray[np.float32] | None = None) -> None:
        """Fill `out`, float32 `[frames, channels]`, any frame count. Thread: audio.

        `heard`, `[frames, inputs]`, is what came in; silence if None.
        """


class Device(Protocol):
    """Calls an engine at its own pace, from `start` to `stop`; also a context manager.

    Attributes:
        name: what it is, for people.
        sample_rate: Hz.
        block_size: frames per call; 0 if the driver may ask for any number.
        latency_frames: from the engine's block to the output; constant while running.
        input_latency_frames: from the input to the engine's block; likewise.
        input_name: what is heard, for people; empty if nothing is.
        reason: why this device stands in for another; empty if it is what was asked for.
    """

    name: str
    sample_rate: int
    block_size: int
    latency_frames: int
    reason: str
    input_latency_frames: int = 0
    input_name: str = ""

    @property
    def running(self) -> bool:
        """Started and not stopped since. Thread: any."""

    @property
    def lost(self) -> bool:
        """Running, but the engine is no longer called. Thread: any."""

    def start(self) -> None:
        """Begin to call the engine. Thread: main."""

    def stop(self) -> None:
        """End it, within two seconds whatever happens; twice is as good as once. Thread: main."""

    def active(self) -> bool:
        """Running and not lost. Thread: any."""
        return self.running and not self.lost

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@dataclasses.dataclass(frozen=True, slots=True)
class DeviceInfo:
    """One line of the list of devices.

    Attributes:
        name: what `open_device` takes; part of it is enough if it is unambiguous.
        index: what `open_device` takes as well; −1 for the null device.
        host: the driver's family: JACK, ALSA, Core Audio.
        channels: outputs it has at most; 0 for any number.
        inputs: likewise.
        sample_rate: its default, Hz; 0 for any.
        latency_s: the lowest output latency it announces, seconds.
        default: whether it is opened when none is named.
    """

    name: str
    index: int
    host: str
    channels: int
    sample_rate: int
    latency_s: float
    default: bool
    inputs: int = 0
