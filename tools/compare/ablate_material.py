"""The clips that the ablations learn from: recordings with scores, and a mix of two of them.

A clip without a score among the presets is decomposed once and kept in the work folder.
"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose import Recipe, Recording, decompose_file, read_audio
from rtsynth.events import Kind, Score
from rtsynth.fit.sound import sound_of
from rtsynth.instrument import Instrument
from rtsynth.render import at_rate, load_score, save_score
from rtsynth.units import LN1000, seconds_to_frames

__all__ = ["Clip", "Pair", "clip_of", "mixed", "pair_of"]

PRESETS = Path(__file__).parents[2] / "presets"
SUSTAINED = ("bowed",)
MODES = 32  # of a resonance: what the tables of docs/ablations.md were made with
Float = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Pair:
    """A recording, its score and its instrument."""

    name: str
    recording: Recording
    score: Score
    instrument: Instrument


@dataclasses.dataclass(frozen=True)
class Clip:
    """What the choice is learned from: struck events, and everything that is not theirs to explain.

    Attributes:
        name: of the clip.
        rate: Hz.
        target: [frames] one channel.
        rest: [frames] attacks, noise and textures as decomposed; added to every method's modes.
        onset: [E] frames.
        held: [E] frames, inf allowed.
        release: [E] nepers per frame once the duration is over.
        freq_hz, t60_s: [R, M], frequency 0 where absent.
        amplitude: [R, M] complex, as struck with gain 1.
        given: [E] the decomposition's own choice.
        owner: [E] which truth each event belongs to.
        truths: [S, frames] the recordings that were mixed; the recording itself if only one.
        rests: [S, frames] `rest` of each.
    """

    name: str
    rate: int
    target: Float
    rest: Float
    onset: NDArray[np.int64]
    held: Float
    release: Float
    freq_hz: Float
    t60_s: Float
    amplitude: NDArray[np.complex128]
    given: NDArray[np.int64]
    owner: NDArray[np.int64]
    truths: Float
    rests: Float

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.target) / self.rate


def pair_of(name: str, work: Path) -> Pair:
    """A clip of the presets, decomposed if no score is shipped with it."""
    audio = PRESETS / "audio" / f"{name}.flac"
    path = PRESETS / f"{name}.score.safetensors"
    if not path.exists():
        path = work / f"{name}.score.safetensors"
    if not path.exists():
        found = decompose_file(audio, recipe=Recipe(modes=MODES, sustained=name in SUSTAINED))
        save_score(found.score, found.instrument, path)
    score, instrument = load_score(path)
    return Pair(name, read_audio(audio), score, instrument)


def clip_of(pair: Pair) -> Clip:
    """The struck events of a pair."""
    rate = pair.recording.sample_rate
    target = pair.recording.frames.mean(axis=1)
    instrument = at_rate(pair.instrument, rate)
    rows = pair.score.table.rows
    rows = rows[(rows["kind"] == Kind.MODAL) & (rows["muted"] == 0)]
    silent = dataclasses.replace(
        pair.instrument, mode_gain=np.zeros_like(pair.instrument.mode_gain), impulse=np.zeros_like(
            pair.instrument.impulse
        )
    )  # fmt: skip
    rest = sound_of(pair.score, silent, rate, len(target)).mean(axis=1)
    gain = instrument.mode_gain.astype(float)
    struck = (gain[..., 0] + 1j * gain[..., 1]) * instrument.impulse[:, None]
    return Clip(
        pair.name, rate, target, rest,
        onset=np.array([seconds_to_frames(s, rate) for s in rows["onset_s"]], np.int64),
        held=np.ceil(rows["duration_s"].astype(float) * rate),
        release=LN1000 / (rows["release_s"].astype(float) * rate),
        freq_hz=instrument.freq_hz.astype(float), t60_s=instrument.t60_s.astype(float),
        amplitude=struck, given=rows["resonance"].astype(np.int64),
        owner=np.zeros(len(rows), np.int64), truths=target[None], rests=rest[None],
    )  # fmt: skip


def mixed(first: Clip, second: Clip) -> Clip:
    """Two recordings on top of each other, as long as the shorter: the stems' truth is known.

    Raises:
        ValueError: their rates differ.
    """
    if first.rate != second.rate:
        raise ValueError(f"{first.rate} and {second.rate} Hz; legal: equal rates")
    length = min(len(first.target), len(second.target))
    begun = [clip.onset < length for clip in (first, second)]

    def events(name: str) -> NDArray[np.float64]:
        values = [getattr(clip, name)[on] for clip, on in zip((first, second), begun, strict=True)]
        return np.concatenate(values)

    modes = max(first.freq_hz.shape[1], second.freq_hz.shape[1])

    def bank(name: str) -> NDArray[Any]:
        tables = [getattr(clip, name) for clip in (first, second)]
        return np.concatenate(
            [np.pad(table, ((0, 0), (0, modes - table.shape[1]))) for table in tables]
        )

    truths = np.stack([first.target[:length], second.target[:length]])
    rests = np.stack([first.rest[:length], second.rest[:length]])
    later = second.given[begun[1]] + len(first.freq_hz)
    return Clip(
        f"{first.name}+{second.name}", first.rate, truths.sum(0), rests.sum(0),
        onset=events("onset").astype(np.int64), held=events("held"), release=events("release"),
        freq_hz=bank("freq_hz"), t60_s=bank("t60_s"), amplitude=bank("amplitude"),
        given=np.concatenate([first.given[begun[0]], later]),
        owner=np.repeat([0, 1], [int(b.sum()) for b in begun]), truths=truths, rests=rests,
    )  # fmt: skip
