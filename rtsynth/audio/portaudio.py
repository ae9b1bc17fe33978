"""The sound card, or JACK, through PortAudio; the driver calls the engine's compiled callback.

The only file that imports sounddevice, and only when a device is asked for, so that a machine
without the PortAudio library is told so in one line. Found with a killed JACK server, and the
reason for the precautions below: `Pa_AbortStream` never returns, and `Pa_Terminate`, which
sounddevice calls when the interpreter exits, ends the process by a failed assertion.
"""

import atexit
import ctypes
import functools
import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

from rtsynth.audio.device import Device, DeviceInfo, EngineLike
from rtsynth.audio.watch import Watch
from rtsynth.errors import DeviceError

__all__ = ["PortAudioDevice", "choose", "choose_input", "inputs", "outputs", "rescan"]

CLOSE_TIMEOUT_S = 1.5
USUAL_BLOCK_SIZE = 1024  # no driver asks for more where it may choose
JACK = "JACK"
JACK_NO_START_SERVER = 0x01  # from its types.h

log = logging.getLogger(__name__)
_open: "weakref.WeakSet[PortAudioDevice]" = weakref.WeakSet()
_lost: set[str] = set()  # devices whose driver once went away: it must not be asked to leave
_stuck: list[object] = []  # streams that never closed, with all that they may still call


def outputs() -> list[DeviceInfo]:
    """Everything that can play, in PortAudio's order.

    Raises:
        DeviceError: there is no PortAudio library, or it is stuck in a dead driver. Thread: main.
    """
    return _listed("output", _library()._lib.Pa_GetDefaultOutputDevice())


def inputs() -> list[DeviceInfo]:
    """Everything that can be heard, likewise."""
    return _listed("input", _library()._lib.Pa_GetDefaultInputDevice())


def _listed(side: str, default: int) -> list[DeviceInfo]:
    library = _library()
    hosts = [host["name"] for host in library.query_hostapis()]
    found = [d for d in library.query_devices() if d[f"max_{side}_channels"] > 0]
    if found and default not in {d["index"] for d in found}:
        default = found[0]["index"]
    return [
        DeviceInfo(
            name=d["name"],
            index=d["index"],
            host=hosts[d["hostapi"]],
            channels=d["max_output_channels"],
            sample_rate=round(d["default_samplerate"]),
            latency_s=d[f"default_low_{side}_latency"],
            default=d["index"] == default,
            inputs=d["max_input_channels"],
        )
        for d in found
    ]


def rescan() -> bool:
    """Look again for devices that came or went; returns whether that was possible.

    It is not while a stream is open, nor once PortAudio is a JACK client: leaving a JACK server
    that is gone would end the process, so a new process is needed then. Thread: main.
    """
    library = _library()
    if _open or any(JACK in host["name"] for host in library.query_hostapis()):
        return False
    library._terminate()
    library._initialize()
    return True


class PortAudioDevice(Device):
    """A stream from an engine's callback to one output of PortAudio, and from one input to it.

    Args:
        engine: what to call; kept until the stream is closed.
        name: a device's name, part of it, or its index; None for the default.
        block_size: frames per call; 0 lets the driver choose, which is the most robust.
        latency: seconds, or "low" or "high" for the driver's own figure.
        on_change: told True when the device is lost, False if it comes back. Thread: watch.
        input_name: of the input, likewise; only if the engine has inputs.

    Raises:
        DeviceError: no such device, or it cannot be opened so.
    """

    reason = ""

    def __init__(
        self,
        engine: EngineLike,
        name: str | int | None = None,
        *,
        block_size: int = 0,
        latency: float | str = "low",
        on_change: Callable[[bool], None] | None = None,
        input_name: str | int | None = None,
    ) -> None:
        self.engine = engine
        self.block_size = block_size
        self.sample_rate = engine.sample_rate
        self.info = choose(name)
        self.name = f"{self.info.name} ({self.info.host})"
        self._input = choose_input(input_name) if engine.inputs else None
        if self._input is not None:
            self.input_name = f"{self._input.name} ({self._input.host})"
        self._latency = latency
        self._on_change = on_change
        self._watch: Watch | None = None
        self._stream: Any = self._opened()
        before, after = self._latencies_s()
        self.latency_frames = round(after * self.sample_rate)
        self.input_latency_frames = round(before * self.sample_rate)

    @property
    def running(self) -> bool:
        """Started and not stopped since."""
        return self._watch is not None

    @property
    def lost(self) -> bool:
        """The driver has not called the engine for a fifth of a second."""
        return self._watch is not None and self._watch.lost

    def start(self) -> None:
        """Let the driver call the engine; opens the stream again after a `stop`."""
        if self._watch is not None:
            return
        if self._stream is None:
            self._stream = self._opened()
        try:
            self._stream.start()
        except _library().PortAudioError as error:
            self._close()
            raise DeviceError(f"cannot start {self.name}: {error}") from error
        block_s = (self.block_size or USUAL_BLOCK_SIZE) / self.sample_rate
        self._watch = Watch(self.engine, block_s, self._tell)
        self._watch.start()

    def stop(self) -> None:
        """Close the stream; a driver that does not answer is left behind after 1.5 s."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()
        self._close()

    def _latencies_s(self) -> tuple[float, float]:
        """What the driver says of the way in and of the way out, seconds."""
        if self._input is None:
            return 0.0, float(self._stream.latency)
        before, after = self._stream.latency
        return float(before), float(after)

    def _opened(self) -> Any:
        library = _library()
        device: Any = self.info.index
        channels: Any = self.engine.channels
        if self._input is not None:
            device, channels = (self._input.index, device), (self.engine.inputs, channels)
        try:
            stream = library._StreamBase(
                kind="output" if self._input is None else "duplex",
                samplerate=self.engine.sample_rate,
                blocksize=self.block_size,
                device=device,
                channels=channels,
                dtype="float32",
                latency=self._latency,
                clip_off=True,  # the engine's safety chain ends in a clip already
                callback=library._ffi.cast("PaStreamCallback*", self.engine.callback_address),
                userdata=library._ffi.cast("void*", self.engine.userdata_address),
            )
        except (library.PortAudioError, ValueError) as error:
            raise DeviceError(
                f"cannot open {self.name} with {self.engine.channels} channels at "
                f"{self.sample_rate} Hz: {error}; it has {self.info.channels} channels and "
                f"runs at {self.info.sample_rate} Hz by default"
            ) from error
        _open.add(self)
        return stream

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        closed = threading.Event()
        closer = threading.Thread(
            target=_abort_and_close, args=(stream, closed), name="rtsynth-close", daemon=True
        )
        closer.start()
        if not closed.wait(CLOSE_TIMEOUT_S):
            _stuck.append((stream, self.engine))
            log.error("%s does not answer; start rtsynth anew to use PortAudio again", self.name)
        _open.discard(self)

    def _tell(self, lost: bool) -> None:
        if lost:
            _lost.add(self.name)
            log.warning("%s is lost: it does not ask for sound any more", self.name)
        else:
            log.warning("%s is back", self.name)
        if self._on_change is not None:
            self._on_change(lost)


def _abort_and_close(stream: Any, closed: threading.Event) -> None:
    stream.abort()
    stream.close()
    closed.set()


def choose(name: str | int | None) -> DeviceInfo:
    """The output meant by a name, part of one or an index; the default one for None.

    Raises:
        DeviceError: there is none, or several.
    """
    return _chosen(name, outputs(), "output")


def choose_input(name: str | int | None) -> DeviceInfo:
    """The input meant, likewise.

    Raises:
        DeviceError: there is none, or several.
    """
    return _chosen(name, inputs(), "input")


def _chosen(name: str | int | None, found: list[DeviceInfo], side: str) -> DeviceInfo:
    if name is None:
        chosen = [d for d in found if d.default]
    elif isinstance(name, int) or name.strip().isdecimal():
        chosen = [d for d in found if d.index == int(name)]
    else:
        chosen = _called(name.casefold(), found)
    if len(chosen) == 1:
        return chosen[0]
    there = "; ".join(f"{d.index} {d.name} ({d.host})" for d in chosen or found) or "none"
    if chosen:
        raise DeviceError(f"{name!r} means more than one device: {there}", field="device")
    wanted = "default device" if name is None else f"device {name!r}"
    raise DeviceError(f"no {wanted} for {side}; there are: {there}", field="device")


def _called(name: str, found: list[DeviceInfo]) -> list[DeviceInfo]:
    """Those called so, or else those with it as a part of `name (host)`."""
    whole = [d for d in found if f"{d.name} ({d.host})".casefold() == name]
    exact = whole[:1] or [d for d in found if d.name.casefold() == name]
    return exact or [d for d in found if name in f"{d.name} ({d.host})".casefold()]


@functools.cache
def _imported() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"no sound card can be used: {error}; install PortAudio "
            "(Debian: apt install libportaudio2, macOS: brew install portaudio)"
        ) from error
    except Exception as error:  # PortAudioError: the library is there and cannot start
        raise DeviceError(f"PortAudio cannot start: {error}") from error
    ours, theirs = ctypes.sizeof(ctypes.c_ulong), sounddevice._ffi.sizeof("unsigned long")
    if ours != theirs:
        raise DeviceError(f"unsigned long has {theirs} bytes in PortAudio and {ours} here")
    atexit.unregister(sounddevice._exit_handler)  # Pa_Terminate; see the module's docstring
    atexit.register(_stop_all)
    return sounddevice


def _library() -> Any:
    library = _imported()
    if _stuck:
        raise DeviceError("PortAudio is stuck in a dead driver; start rtsynth anew")
    return library


def _stop_all() -> None:
    """Close what is still open before the callback's code is taken down with the interpreter."""
    for device in list(_open):
        try:
            device.stop()
        except RuntimeError:  # too late to start a thread: the end of the process closes it
            log.debug("left %s open", device.name)
    library = _imported()
    on_jack = any(JACK in host["name"] for host in library.query_hostapis())
    if not _stuck and not _lost and not (on_jack and not _jack_answers()):
        library._terminate()  # a JACK client left alive crashes in libjack's own clean-up


def _jack_answers() -> bool:
    """Whether a JACK server is there: leaving one that is gone ends the process."""
    try:
        jack = ctypes.CDLL("libjack.so.0" if os.name == "posix" else "libjack64")
    except OSError:
        return False
    jack.jack_client_open.restype = ctypes.c_void_p
    client = jack.jack_client_open(b"rtsynth-leaving", JACK_NO_START_SERVER, None)
    if not client:
        return False
    jack.jack_client_close(ctypes.c_void_p(client))
    return True
