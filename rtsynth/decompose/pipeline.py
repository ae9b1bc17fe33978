"""From a recording to events: onsets, modes, groups, joint fit, floor. Thread: worker."""

import dataclasses
import os
import time
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from rtsynth.decompose.bake import bake
from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.grouping import group
from rtsynth.decompose.held_draft import sustained_draft
from rtsynth.decompose.one_event import sustained_event
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.panning import fit_pans, mid_signal
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording, read_audio, recording_from_array
from rtsynth.decompose.report import make_report
from rtsynth.decompose.synthesis import render_score
from rtsynth.decompose.takes import take_onsets
from rtsynth.decompose.texture import noise_floor
from rtsynth.decompose.texture_only import bake_texture, only_texture
from rtsynth.events import Score
from rtsynth.instrument import Instrument

__all__ = ["Decomposition", "decompose", "decompose_array", "decompose_file"]

SHORTEST_S = 0.05
SILENCE = 1e-6  # peak amplitude, −120 dBFS


@dataclasses.dataclass(frozen=True)
class Decomposition:
    """What a recording was taken apart into.

    Attributes:
        score: its events.
        instrument: the shared bank they choose from.
        report: JSON-able facts: metrics, counts, seconds taken, notes.
        recording: what was analysed, [frames, channels].
        resynthesis: [frames, channels] score and instrument rendered again.
    """

    score: Score
    instrument: Instrument
    report: dict[str, Any]
    recording: Recording
    resynthesis: Float


def decompose_file(
    path: str | os.PathLike[str], *, recipe: Recipe | None = None, progress: bool = False
) -> Decomposition:
    """Take a sound file apart.

    Args:
        path: WAV, FLAC, OGG, AIFF or MP3, any rate and channel count, at most an hour.
        recipe: settings; the default ones if None.
        progress: show a progress bar on stderr.

    Raises:
        AudioFileError: no usable sound file; the message says why.
    """
    return decompose(read_audio(path), recipe=recipe, progress=progress)


def decompose_array(
    samples: ArrayLike, sample_rate: int, *, recipe: Recipe | None = None, progress: bool = False
) -> Decomposition:
    """Take samples apart: [frames] or [frames, channels], as `decompose_file`."""
    return decompose(recording_from_array(samples, sample_rate), recipe=recipe, progress=progress)


def decompose(
    recording: Recording, *, recipe: Recipe | None = None, progress: bool = False
) -> Decomposition:
    """Take a recording apart; the same recording and recipe give the same events."""
    # its matrices are small: a second BLAS thread only waits, and waits badly on a busy machine
    with threadpool_limits(limits=1, user_api="blas"):
        return _decompose(recording, recipe or Recipe(), progress)


def _decompose(recording: Recording, recipe: Recipe, progress: bool) -> Decomposition:
    began = time.perf_counter()
    notes = list(recording.notes)
    reason = _nothing_to_do(recording)
    if recipe.sustained and not reason:
        score, instrument = sustained_event(recording, recipe.modes)
        return _decomposition(score, instrument, recording, notes, began)
    texture, note = (None, "") if reason else only_texture(recording, recipe.only_texture)
    notes += [line for line in (reason, note) if line]
    if texture is not None:
        score, instrument = bake_texture(texture, recording)
        return _decomposition(score, instrument, recording, notes, began)
    held = None if reason else sustained_draft(recording, recipe)
    if held is not None:
        return _decomposition(*held, recording, notes, began)
    if reason:
        draft, floor = Draft(recording.sample_rate, len(recording.frames), [], []), np.zeros(32)
    else:
        with tqdm(desc=recording.source or "decompose", disable=not progress, unit="step") as bar:
            draft, floor = _analyse(recording, recipe, bar)
        if not draft.strikes:
            notes.append("no onset stands out: no events")
    score, instrument = bake(draft, floor, recording, recipe.modes)
    return _decomposition(score, instrument, recording, notes, began)


def _decomposition(
    score: Score, instrument: Instrument, recording: Recording, notes: list[str], began: float
) -> Decomposition:
    resynthesis = render_score(score, instrument, recording.sample_rate)
    resynthesis = _fitted(resynthesis, recording)
    seconds = time.perf_counter() - began
    report = make_report(score, instrument, recording, resynthesis, notes, seconds)
    return Decomposition(score, instrument, report, recording, resynthesis)


def _nothing_to_do(recording: Recording) -> str:
    if recording.seconds < SHORTEST_S:
        return f"{recording.seconds:.3f} s is too short: no events; legal: {SHORTEST_S} s or more"
    if float(np.abs(recording.frames).max()) < SILENCE:
        return "the recording is silent: no events"
    return ""


def _analyse(recording: Recording, recipe: Recipe, bar: "tqdm[Any]") -> tuple[Draft, Float]:
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    onsets = find_onsets(signal, rate, recipe.onset_threshold)
    bar.total = 2 * len(onsets)  # a guess until the bank is known
    takes = take_onsets(signal, rate, onsets, recipe.modes, bar.update)
    groups = group(takes, recipe.resonances)
    strikes = [
        Strike(take.onset, index, gain, seen_gain=gain)
        for take, members in zip(takes, groups.members, strict=True)
        for index, gain in members.items()
    ]
    resonances = [
        Resonance(modes, pitch_hz=pitch)
        for modes, pitch in zip(groups.modes, groups.pitches_hz, strict=True)
    ]
    draft = Draft(rate, len(signal), strikes, resonances)
    fit = Fit(signal, draft, attack=recipe.attack)
    bar.total = len(onsets) + recipe.sweeps * len(resonances)
    for number in range(recipe.sweeps):
        fit.sweep(number, bar.update)
        if number % 2 == 1:
            fit.lift_gains()
            fit.drop_weak(recipe.weakest_db)
    fit.lift_gains()
    if recipe.offsets:
        fit.offsets()
    floor = noise_floor(fit.residual, rate) if recipe.texture else np.zeros(32)
    if recipe.noise:
        fit.noise()
    if recording.channels == 2:
        fit_pans(draft, recording.frames)
    return draft, floor


def _fitted(resynthesis: Float, recording: Recording) -> Float:
    wanted = np.zeros_like(recording.frames)
    count = min(len(wanted), len(resynthesis))
    wanted[:count] = resynthesis[:count]
    return wanted
