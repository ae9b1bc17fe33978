"""Sound into a float WAV file: the writer, and the device that renders as fast as it goes."""

import itertools
import os
import threading
from collections.abc import Iterable

import numpy as np
import soundfile
from numpy.typing import NDArray

from rtsynth.audio.device import Device, EngineLike
from rtsynth.errors import AudioFileError, DeviceError, ValueRangeError

__all__ = ["FileDevice", "WavWriter", "read_input", "read_wav"]

# libsndfile's commands, from its sndfile.h; soundfile has no names for them
SFC_UPDATE_HEADER_NOW = 0x1060
SFC_RF64_AUTO_DOWNGRADE = 0x1210  # an ordinary WAV header unless the data outgrow 4 GiB
HEADER_BYTES = 4096
STOP_TIMEOUT_S = 1.5


class WavWriter:
    """A float32 WAV file being written; RF64 when it outgrows 4 GiB. Thread: worker.

    Args:
        path: where; an existing file is overwritten.
        sample_rate: Hz.
        channels: ≥ 1.

    Raises:
        AudioFileError: it cannot be created or, later, written.
    """

    def __init__(self, path: str | os.PathLike[str], sample_rate: int, channels: int) -> None:
        self.path = os.fspath(path)
        try:
            self._file = soundfile.SoundFile(
                self.path, "w", sample_rate, channels, subtype="FLOAT", format="RF64"
            )
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            raise AudioFileError(f"cannot write {self.path}: {error}") from error
        self._command(SFC_RF64_AUTO_DOWNGRADE, 1)

    def write(self, block: NDArray[np.float32]) -> None:
        """Append `block`, `[frames, channels]`."""
        try:
            self._file.write(block)
        except (OSError, RuntimeError) as error:
            raise AudioFileError(f"cannot write {self.path}: {error}") from error

    def sync(self) -> None:
        """Make what was written so far a valid file, should nothing follow."""
        self._command(SFC_UPDATE_HEADER_NOW, 0)
        self._file.flush()

    def close(self) -> None:
        """Finish the file; twice is as good as once."""
        if self._file.closed:
            return
        try:
            self._file.close()
            _forget_time(self.path)
        except (OSError, RuntimeError) as error:
            raise AudioFileError(f"cannot finish {self.path}: {error}") from error

    def _command(self, command: int, size: int) -> None:
        library = soundfile._snd
        library.sf_command(self._file._file, command, soundfile._ffi.NULL, size)


def _forget_time(path: str) -> None:
    """Zero the time of day in the PEAK chunk, so that the same sound is the same file.

    libsndfile's command to leave the chunk out acts as a toggle in 1.2.2, so it is of no use.
    """
    with open(path, "rb+") as file:
        header = file.read(HEADER_BYTES)
        peak = header.find(b"PEAK", 0, header.find(b"data"))
        if peak >= 0:
            file.seek(peak + 12)  # id, size, version
            file.write(bytes(4))


def read_wav(path: str | os.PathLike[str]) -> tuple[NDArray[np.float32], int]:
    """The very samples of a sound file: float32 `[frames, channels]`, and its rate in Hz.

    Raises:
        AudioFileError: it cannot be read.
    """
    try:
        samples, rate = soundfile.read(os.fspath(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise AudioFileError(f"cannot read {os.fspath(path)}: {error}") from error
    return samples, int(rate)


def read_input(
    path: str | os.PathLike[str], engine: EngineLike, num_frames: int
) -> NDArray[np.float32]:
    """What an engine is to hear from a sound file, `[num_frames, inputs]`, silence after its end.

    Raises:
        AudioFileError: it cannot be read, or is of another rate or number of channels.
    """
    samples, rate = read_wav(path)
    if rate != engine.sample_rate or samples.shape[1] != engine.inputs:
        raise AudioFileError(
            f"{os.fspath(path)} has {samples.shape[1]} channels at {rate} Hz; the engine hears "
            f"{engine.inputs} at {engine.sample_rate} Hz"
        )
    heard = np.zeros((num_frames, engine.inputs), np.float32)
    heard[: len(samples)] = samples[:num_frames]
    return heard


class FileDevice(Device):
    """Renders `num_frames` into a WAV file, in blocks of any sizes, without waiting.

    Args:
        engine: what to call.
        path: the file; it is there, complete, after `run` or after `stop`.
        num_frames: length.
        block_sizes: frames per call, used in turn and over again.
        source: a sound file that comes in, of the engine's rate and inputs; silence after its end.

    Attributes:
        error: what ended the rendering early, if anything did.
    """

    latency_frames = 0
    block_size = 0
    reason = ""

    def __init__(
        self,
        engine: EngineLike,
        path: str | os.PathLike[str],
        num_frames: int,
        block_sizes: Iterable[int] = (1024,),
        *,
        source: str | os.PathLike[str] | None = None,
    ) -> None:
        self.block_sizes = tuple(block_sizes)
        if not self.block_sizes or min(self.block_sizes) < 1:
            raise ValueRangeError(
                f"block_sizes = {self.block_sizes}; legal: one or more, each ≥ 1",
                field="block_sizes",
            )
        if num_frames < 0:
            raise ValueRangeError(f"num_frames = {num_frames}; legal: ≥ 0", field="num_frames")
        self.engine = engine
        self.path = os.fspath(path)
        self.name = f"file {self.path}"
        self.num_frames = num_frames
        self.sample_rate = engine.sample_rate
        self.error: Exception | None = None
        self._heard = None if source is None else read_input(source, engine, num_frames)
        self.input_name = "" if source is None else f"file {os.fspath(source)}"
        self._quit = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Started and not stopped since, whether or not the file is complete."""
        return self._thread is not None

    @property
    def lost(self) -> bool:
        """Ended before its time; `error` says why."""
        return self._thread is not None and self.error is not None

    def run(self) -> None:
        """Render it all, in the calling thread.

        Raises:
            AudioFileError: the file cannot be written.
        """
        writer = WavWriter(self.path, self.sample_rate, self.engine.channels)
        try:
            at = 0
            for block in self._blocks():
                heard = None if self._heard is None else self._heard[at : at + len(block)]
                self.engine.process(block, heard)
                writer.write(block)
                at += len(block)
        finally:
            writer.close()

    def start(self) -> None:
        """Render in a thread; `wait` for it."""
        if self._thread is None:
            self.error = None
            self._quit.clear()
            self._thread = threading.Thread(target=self._run, name="rtsynth-file", daemon=True)
            self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the file; returns whether it was reached. Thread: main."""
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return False
        return self.error is None

    def stop(self) -> None:
        """End the file where it is."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._quit.set()
        thread.join(STOP_TIMEOUT_S)
        if thread.is_alive():
            raise DeviceError(f"the engine has not come back from a block in {STOP_TIMEOUT_S} s")

    def _run(self) -> None:
        try:
            self.run()
        except Exception as error:
            self.error = error

    def _blocks(self) -> Iterable[NDArray[np.float32]]:
        buffer = np.zeros((max(self.block_sizes), self.engine.channels), np.float32)
        left = self.num_frames
        for size in itertools.cycle(self.block_sizes):
            if left <= 0 or self._quit.is_set():
                return
            yield buffer[: min(size, left)]
            left -= min(size, left)
