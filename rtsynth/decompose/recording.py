"""Reading a recording: any rate, width and channels in, clean samples out. Thread: main."""

import dataclasses
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import ArrayLike, NDArray

from rtsynth.decompose.disk import Samples, blank_frames
from rtsynth.decompose.doubt import missing_bytes, step_at
from rtsynth.errors import AudioFileError

__all__ = ["Recording", "read_audio", "recording_from_array"]

Block = NDArray[np.float64]
MAX_SECONDS = 3_600.0
BLOCK = 1 << 18  # frames at once
SLACK = 64  # frames that a resampler may round up
CLIPS_FROM, FEWEST_CLIPPED = 0.1, 32  # a quiet or a short recording is not clipped
LOUDEST = 1e3  # a peak above this is no level that anybody meant
MIN_RATE, MAX_RATE = 1_000, 768_000
ANALYSIS_RATE = 48_000  # above it nothing audible is added, only cost
LEGAL_FORMATS = "WAV, FLAC, OGG, AIFF, MP3"


@dataclasses.dataclass(frozen=True)
class Recording:
    """Sound ready to be taken apart.

    Attributes:
        frames: [frames, channels], 1 or 2 channels, finite, without its mean; float64, or float32
            on disk for a long one.
        sample_rate: of `frames`, Hz, at most 48 000.
        source_rate: of the file, Hz.
        source: file name, for people; empty for an array.
        notes: one line for everything that was changed on the way in.
    """

    frames: Samples
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
            count = int(file.frames)
            _check(name, int(file.samplerate), int(file.channels), count)
            blocks = file.blocks(BLOCK, dtype="float64", always_2d=True)
            found = _prepare(blocks, int(file.samplerate), count, name)
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise AudioFileError(
            f"{name}: cannot be read as sound ({reason}); legal: {LEGAL_FORMATS}"
        ) from None
    if len(found.frames) == 0:
        there = f"only {count} frames of sound" if count else "a header and no sound (0 frames)"
        raise AudioFileError(f"{name}: {there}; record or export it again")
    missing = missing_bytes(name)
    if not missing:
        return found
    cut = f"the file is cut short: {missing} bytes of sound that its header promises are missing"
    return dataclasses.replace(found, notes=(cut, *found.notes))


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
    _check(source, int(sample_rate), array.shape[1], len(array))
    blocks = (_scaled(array[first : first + BLOCK]) for first in range(0, len(array), BLOCK))
    return _prepare(blocks, int(sample_rate), len(array), source)


def _scaled(block: NDArray[Any]) -> Block:
    if block.dtype.kind not in "iu":
        return block.astype(np.float64)
    middle = 2.0 ** (8 * block.dtype.itemsize - 1)
    return (block.astype(np.float64) - (middle if block.dtype.kind == "u" else 0.0)) / middle


def _check(name: str, rate: int, channels: int, frames: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise AudioFileError(
            f"{name}: sample rate {rate} Hz; legal: {MIN_RATE} … {MAX_RATE} Hz; resample it"
        )
    if channels == 0:
        raise AudioFileError(f"{name}: no channels; legal: 1 or more")
    if frames / rate > MAX_SECONDS:
        raise AudioFileError(
            f"{name}: {frames / rate:.0f} s long; legal: at most {MAX_SECONDS:.0f} s; "
            "cut it into parts"
        )


def _prepare(blocks: Iterable[Block], rate: int, claimed: int, name: str) -> Recording:
    """Mix, resample and centre, a block at a time.

    Args:
        blocks: [frames, channels] each.
        rate: Hz.
        claimed: frames that the blocks will have together, at most.
        name: for messages.
    """
    analysis_rate = min(rate, ANALYSIS_RATE)
    notes: list[str] = []
    frames, count = np.zeros((0, 1)), 0
    for block in _resampled(_mixed(blocks, name, notes), rate, analysis_rate, notes):
        if count == 0:
            limit = round(claimed * analysis_rate / rate) + SLACK
            frames = blank_frames(limit, block.shape[1])
        block = block[: len(frames) - count]
        frames[count : count + len(block)] = block
        count += len(block)
    frames = frames[:count]
    _centre(frames, notes, analysis_rate)
    source = os.path.basename(name)
    return Recording(frames, analysis_rate, rate, source, tuple(notes))


def _mixed(blocks: Iterable[Block], name: str, notes: list[str]) -> Iterator[Block]:
    """The same blocks, known to be finite and of one or two channels."""
    first = 0
    for block in blocks:
        if not np.isfinite(block).all():
            bad = first + int(np.argmin(np.isfinite(block).all(axis=1)))
            raise AudioFileError(
                f"{name}: NaN or infinity at frame {bad}; legal: finite samples; export it again"
            )
        if block.shape[1] > 2 and first == 0:
            notes.append(f"{block.shape[1]} channels were mixed to one")
        first += len(block)
        yield block.mean(axis=1, keepdims=True) if block.shape[1] > 2 else block


def _resampled(
    blocks: Iterator[Block], rate: int, analysis_rate: int, notes: list[str]
) -> Iterator[Block]:
    if rate == analysis_rate:
        yield from blocks
        return
    resampler = None
    for block in blocks:
        if resampler is None:
            notes.append(f"resampled from {rate} to {analysis_rate} Hz")
            channels = block.shape[1]
            resampler = soxr.ResampleStream(
                rate, analysis_rate, channels, dtype="float64", quality="VHQ"
            )
        yield resampler.resample_chunk(block)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros((0, channels)), last=True)


def _centre(frames: Samples, notes: list[str], rate: int) -> None:
    """Take the mean away, in place; scale down what is far too loud, say where the mean steps."""
    if len(frames) == 0:
        return
    peak = float(max(frames.max(), -frames.min()))
    scale = 1.0 / peak if peak > LOUDEST else 1.0
    if peak > LOUDEST:
        notes.append(f"peak {peak:.3g} scaled to 1")
    starts = range(0, len(frames), BLOCK)
    total, clipped = np.zeros(frames.shape[1]), 0
    for first in starts:
        block = frames[first : first + BLOCK]
        clipped += int(np.count_nonzero(np.abs(block) >= 0.999 * peak))
        total += block.sum(axis=0, dtype=float)
    if peak > CLIPS_FROM and clipped > max(1e-3 * frames.size, FEWEST_CLIPPED):
        notes.append("the recording seems clipped")
    step = step_at(frames, rate, peak)
    if step is not None:
        notes.append(f"the mean steps by {step[1]:.2g} at about {step[0]:.1f} s; it stays in there")
    mean = total / len(frames)
    for first in starts:
        block = frames[first : first + BLOCK]
        block[:] = (block - mean) * scale
