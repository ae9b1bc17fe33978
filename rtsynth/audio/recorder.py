"""Writes what the engine plays or hears into a WAV file, from a thread that may wait for a disk."""

import logging
import os
import threading
import time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtsynth.audio.file import WavWriter
from rtsynth.errors import DeviceError, RtsynthError, ValueRangeError

__all__ = ["InputSide", "Recorder", "RecordingEngine"]

CHUNK_FRAMES = 16_384
POLL_S = 0.02
SYNC_S = 1.0  # what a killed process loses at most
STOP_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class RecordingEngine(Protocol):
    """What a recorder needs of an engine."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def channels(self) -> int:
        """Channels of the recording."""

    def record(self, on: bool) -> None:
        """Begin or cease to keep what is played."""

    def read_recording(self, into: NDArray[np.float32]) -> int:
        """Move the oldest frames kept into `into`, `[n, channels]`; returns how many."""


class HearingEngine(Protocol):
    """What the recorder of an input needs of an engine."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    @property
    def inputs(self) -> int:
        """Channels that come in."""

    def listen(self, on: bool) -> None:
        """Begin or cease to keep what comes in."""

    def read_input(self, into: NDArray[np.float32]) -> int:
        """Move the oldest frames kept into `into`, `[n, inputs]`; returns how many."""


class InputSide:
    """What an engine hears, to be recorded like what it plays."""

    def __init__(self, engine: HearingEngine) -> None:
        self.sample_rate, self.channels = engine.sample_rate, engine.inputs
        self.record, self.read_recording = engine.listen, engine.read_input


class Recorder:
    """Records from `start` to `stop`; also a context manager.

    A disk that fails ends the file, not the sound: `error` holds what happened, it is logged once,
    and the engine's ring is still emptied.

    Args:
        engine: what to record.
        path: a float32 WAV file; an existing one is overwritten.
        skip: frames at the beginning to leave out, such as the latency.

    Attributes:
        frames: written so far. Thread: any.
        error: why writing ended early, or None. Thread: any.
    """

    def __init__(
        self, engine: RecordingEngine, path: str | os.PathLike[str], *, skip: int = 0
    ) -> None:
        if skip < 0:
            raise ValueRangeError(f"skip = {skip}; legal: ≥ 0", field="skip")
        self.path = os.fspath(path)
        self.frames = 0
        self.error: RtsynthError | None = None
        self._engine = engine
        self._skip = skip
        self._chunk = np.zeros((CHUNK_FRAMES, engine.channels), np.float32)
        self._quit = threading.Event()
        self._writer: WavWriter | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Started and not stopped since. Thread: any."""
        return self._thread is not None

    def start(self) -> None:
        """Create the file and begin. Thread: main.

        Raises:
            AudioFileError: the file cannot be created; nothing was begun.
        """
        if self._thread is not None:
            return
        self._writer = WavWriter(self.path, self._engine.sample_rate, self._engine.channels)
        self._drop_old()
        self.frames, self.error = 0, None
        self._quit.clear()
        self._thread = threading.Thread(target=self._run, name="rtsynth-recorder", daemon=True)
        self._engine.record(True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and finish the file; twice is as good as once. Thread: main.

        Raises:
            DeviceError: the disk has not answered for five seconds.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._engine.record(False)
        self._quit.set()
        thread.join(STOP_TIMEOUT_S)
        if thread.is_alive():
            raise DeviceError(f"{self.path} is still being written after {STOP_TIMEOUT_S} s")

    def __enter__(self) -> "Recorder":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        left, synced = self._skip, time.monotonic()
        while True:
            ending = self._quit.is_set()  # asked first: what is read afterwards is the rest
            count = self._engine.read_recording(self._chunk)
            skipped = min(left, count)
            left -= skipped
            self._write(self._chunk[skipped:count])
            if time.monotonic() - synced > SYNC_S:
                self._sync()
                synced = time.monotonic()
            if count == 0:
                if ending:
                    break
                self._quit.wait(POLL_S)
        self._finish()

    def _write(self, block: NDArray[np.float32]) -> None:
        if self._writer is None or not len(block):
            return
        try:
            self._writer.write(block)
            self.frames += len(block)
        except RtsynthError as error:
            self._give_up(error)

    def _sync(self) -> None:
        if self._writer is not None:
            self._writer.sync()

    def _finish(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        except RtsynthError as error:
            self._report(error)

    def _give_up(self, error: RtsynthError) -> None:
        self._report(error)
        self._finish()

    def _report(self, error: RtsynthError) -> None:
        if self.error is None:
            self.error = error
            log.error("recording ended after %d frames: %s", self.frames, error)

    def _drop_old(self) -> None:
        """Empty the ring of what an earlier recording left."""
        while self._engine.read_recording(self._chunk):
            pass
