"""Reading a recording: any rate, width and channels in, clean float64 out. Thread: main."""

import dataclasses
import os

import numpy as np
import soundfile
import soxr
from numpy.typing import ArrayLike, NDArray

from rtsynth.errors import AudioFileError

__all__ = ["Recording", "read_audio", "recording_from_array"]

MAX_SECONDS = 3_600.0
MIN_RATE, MAX_RATE = 1_000, 768_000
ANALYSIS_RATE = 48_000  # above it nothing audible is added, only cost
LEGAL_FORMATS = "WAV, FLAC, OGG, AIFF, MP3"


@dataclasses.dataclass(frozen=True)
class Recording:
    """Sound ready to be taken apart.

    Attributes:
        frames: [frames, channels], float64, 1 or 2 channels, finite, without its mean.
        sample_rate: of `frames`, Hz, at most 48 000.
        source_rate: of the file, Hz.
        source: file name, for people; empty for an array.
        notes: one line for everything that was changed on the way in.
    """

    frames: NDArray[np.float64]
    sample_rate: int
    source_rate: int
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.frames) / self.sample_rate

    @property
    def channels(self) -> int:
        """1 or 2."""
        return int(self.frames.shape[1])


def read_audio(path: str | os.PathLike[str]) -> Recording:
    """Read a sound file.

    Raises:
        AudioFileError: missing, empty, no sound file, too long, or holding NaN or infinity.
    """
    name = os.fspath(path)
    if not os.path.exists(name):
        raise AudioFileError(f"{name}: no such file; give the path of a {LEGAL_FORMATS} file")
    if os.path.isdir(name):
        raise AudioFileError(f"{name}: is a folder; give the path of a {LEGAL_FORMATS} file")
    if os.path.getsize(name) == 0:
        raise AudioFileError(f"{name}: the file is empty; record or export it again")
    try:
        with soundfile.SoundFile(name) as file:
            _check_length(name, file.frames / file.samplerate)
            frames, rate = file.read(dtype="float64", always_2d=True), int(file.samplerate)
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise AudioFileError(
            f"{name}: cannot be read as sound ({reason}); legal: {LEGAL_FORMATS}"
        ) from None
    return _prepare(frames, rate, name)


def recording_from_array(samples: ArrayLike, sample_rate: int, source: str = "array") -> Recording:
    """A recording from samples already in memory.

    Args:
        samples: [frames] or [frames, channels]; integers are scaled by their type's full scale.
        sample_rate: Hz, 1000 … 768 000.
        source: what to call it in messages and in the score.

    Raises:
        AudioFileError: wrong shape or rate, too long, or NaN or infinity in it.
    """
    array = np.asarray(samples)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        raise AudioFileError(
            f"{source}: shape {array.shape} of {array.dtype}; legal: real [frames, channels]"
        )
    if array.dtype.kind in "iu":
        middle = 2.0 ** (8 * array.dtype.itemsize - 1)
        array = (array.astype(np.float64) - (middle if array.dtype.kind == "u" else 0.0)) / middle
    return _prepare(array.astype(np.float64), int(sample_rate), source)


def _prepare(frames: NDArray[np.float64], rate: int, name: str) -> Recording:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioFileError(
            f"{name}: sample rate {rate} Hz; legal: {MIN_RATE} … {MAX_RATE} Hz; resample it"
        )
    if frames.shape[1] == 0:
        raise AudioFileError(f"{name}: no channels; legal: 1 or more")
    _check_length(name, len(frames) / rate)
    if not np.isfinite(frames).all():
        first = int(np.argmin(np.isfinite(frames).all(axis=1)))
        raise AudioFileError(
            f"{name}: NaN or infinity at frame {first}; legal: finite samples; export it again"
        )
    notes: list[str] = []
    if frames.shape[1] > 2:
        notes.append(f"{frames.shape[1]} channels were mixed to one")
        frames = frames.mean(axis=1, keepdims=True)
    analysis_rate = min(rate, ANALYSIS_RATE)
    if analysis_rate != rate and len(frames):
        notes.append(f"resampled from {rate} to {analysis_rate} Hz")
        frames = soxr.resample(frames, rate, analysis_rate, "VHQ")
    if len(frames):
        peak = float(np.abs(frames).max())
        if peak > 1e3:
            notes.append(f"peak {peak:.3g} scaled to 1")
            frames = frames / peak
        if peak > 0 and np.mean(np.abs(frames) >= 0.999 * np.abs(frames).max()) > 1e-3:
            notes.append("the recording seems clipped")
        frames = frames - frames.mean(axis=0)
    source = os.path.basename(name)
    return Recording(np.ascontiguousarray(frames), analysis_rate, rate, source, tuple(notes))


def _check_length(name: str, seconds: float) -> None:
    if seconds > MAX_SECONDS:
        raise AudioFileError(
            f"{name}: {seconds:.0f} s long; legal: at most {MAX_SECONDS:.0f} s; cut it into parts"
        )
