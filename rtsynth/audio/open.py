"""One door to every device a service can play on."""

import logging
from collections.abc import Callable

from rtsynth.audio.device import Device, DeviceInfo, EngineLike
from rtsynth.audio.null import NullDevice, Tap
from rtsynth.audio.portaudio import PortAudioDevice, choose, choose_input, outputs
from rtsynth.errors import DeviceError

__all__ = ["NULL", "input_channels", "list_devices", "open_device", "preferred_rate"]

NULL = "null"

log = logging.getLogger(__name__)


def list_devices() -> list[DeviceInfo]:
    """All that `open_device` can open; the null device is the last and always there. Thread: main.

    Without a PortAudio library the list holds the null device alone, and the log says why.
    """
    try:
        found = outputs()
    except DeviceError as error:
        log.warning("%s", error)
        found = []
    return [*found, DeviceInfo(NULL, -1, "rtsynth", 0, 0, 0.0, default=not found)]


def preferred_rate(name: str | int | None = None) -> int:
    """The rate in Hz that a device runs at by itself; 0 where any will do, or there is none.

    A JACK server runs at one rate only, and a sound card at others only through a converter.
    Thread: main.
    """
    if name in (NULL, -1):
        return 0
    try:
        return choose(name).sample_rate
    except DeviceError:
        return 0


def input_channels(name: str | int) -> int:
    """How many channels of an input an engine can hear: 1 or 2.

    Raises:
        DeviceError: no such input. Thread: main.
    """
    return 1 if name in (NULL, -1) else min(choose_input(name).inputs, 2)


def open_device(
    engine: EngineLike,
    name: str | int | None = None,
    *,
    block_size: int = 0,
    latency: float | str = "low",
    fallback: bool = False,
    on_change: Callable[[bool], None] | None = None,
    tap: Tap | None = None,
    input_name: str | int | None = None,
) -> Device:
    """A device, not yet started. Where it stands in for another, `reason` says why.

    Args:
        engine: what it will call.
        name: a device's name, part of it or its index; "null"; None for the sound card if there
            is one and the null device otherwise.
        block_size: frames per call; 0 leaves it to the device.
        latency: seconds, "low" or "high"; for PortAudio.
        fallback: take the null device too when the one named cannot be opened.
        on_change: told True when the device is lost, False if it comes back. Thread: watch.
        tap: is shown every block of the null device.
        input_name: of what the engine hears if it has inputs; None for the default one. The null
            device hears silence whatever it is called.

    Raises:
        DeviceError: the device named does not exist or cannot be opened. Thread: main.
    """
    if name in (NULL, -1):
        return NullDevice(engine, block_size, tap=tap)
    try:
        return PortAudioDevice(
            engine,
            name,
            block_size=block_size,
            latency=latency,
            on_change=on_change,
            input_name=input_name,
        )
    except DeviceError as error:
        if name is not None and not fallback:
            raise
        log.warning("playing on the null device, without sound: %s", error)
        return NullDevice(engine, block_size, tap=tap, reason=str(error))
