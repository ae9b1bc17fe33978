"""From a recording to events: onsets, modes, groups, joint fit, floor. Thread: worker."""

import contextlib
import dataclasses
import os
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from rtsynth.decompose.analysis import analyse, analyse_until
from rtsynth.decompose.bake import bake
from rtsynth.decompose.closer import may_be_held
from rtsynth.decompose.disk import Samples
from rtsynth.decompose.draft import Draft
from rtsynth.decompose.joint.step import LONGEST_S as LONGEST_JOINT_S
from rtsynth.decompose.joint.step import check_joint, refine_jointly
from rtsynth.decompose.keys.note import Note
from rtsynth.decompose.keys.placing import place_notes, refuse_notes
from rtsynth.decompose.progress import Bar, Progress, Silent
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording, read_audio, recording_from_array
from rtsynth.decompose.report import make_report
from rtsynth.decompose.steps import STEPS, State, Task
from rtsynth.decompose.synthesis import render_score
from rtsynth.decompose.texture.moving import may_be_noise
from rtsynth.decompose.whole import (
    Attempt,
    as_a_whole,
    rather_held,
    rather_noise,
    refuse_no_steps,
)
from rtsynth.decompose.work import Work, fingerprint
from rtsynth.errors import AudioFileError, UnknownNameError
from rtsynth.events import Score
from rtsynth.instrument import Instrument

__all__ = ["Decomposition", "decompose", "decompose_array", "decompose_file", "decompose_until"]

WORKERS = min(2, os.cpu_count() or 1)
SHORTEST_S = 0.05
SILENCE = 1e-6  # peak amplitude, −120 dBFS
JOINT_COST = 0.01  # processor s of a step per s of sound: 0.004 for one key, 0.017 for many


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
    resynthesis: Samples


def decompose_file(
    path: str | os.PathLike[str],
    *,
    recipe: Recipe | None = None,
    progress: bool = False,
    work: str | os.PathLike[str] | None = None,
    workers: int = WORKERS,
    notes: Iterable[Note] | None = None,
) -> Decomposition:
    """Take a sound file apart.

    Args:
        path: WAV, FLAC, OGG, AIFF or MP3, any rate and channel count, at most an hour.
        recipe: settings; the default ones if None.
        progress: show a progress bar on stderr.
        work: folder that keeps the result of every step; an interrupted run goes on from there.
        workers: threads that may work at once; the events do not depend on it.
        notes: all keys that are struck, within some 10 ms; sought in the sound if None.

    Raises:
        AudioFileError: no usable sound file; the message says why.
        FileFormatError: `work` belongs to another recording, recipe or other notes, or is damaged.
        UsageError: there are notes, and the recipe says that there is nothing struck.
        ValueRangeError: a note of no key, or all of them beyond the recording's end.
    """
    found = read_audio(path)
    return decompose(
        found, recipe=recipe, progress=progress, work=work, workers=workers, notes=notes
    )


def decompose_array(
    samples: ArrayLike, sample_rate: int, *, recipe: Recipe | None = None, progress: bool = False
) -> Decomposition:
    """Take samples apart: [frames] or [frames, channels], as `decompose_file`."""
    return decompose(recording_from_array(samples, sample_rate), recipe=recipe, progress=progress)


def decompose(
    recording: Recording,
    *,
    recipe: Recipe | None = None,
    progress: bool = False,
    work: str | os.PathLike[str] | None = None,
    workers: int = WORKERS,
    notes: Iterable[Note] | None = None,
) -> Decomposition:
    """Take a recording apart; the same recording, recipe and notes give the same events.

    Args:
        recording: what to take apart.
        recipe: settings; the default ones if None.
        progress: show a progress bar on stderr.
        work: folder that keeps the result of every step; an interrupted run goes on from there.
        workers: threads that may work at once; the events do not depend on it.
        notes: all keys that are struck, within some 10 ms; sought in the sound if None.

    Raises:
        FileFormatError: `work` belongs to another recording, recipe or other notes, or is damaged.
        UsageError: there are notes, and the recipe says that there is nothing struck.
        ValueRangeError: a note of no key, or all of them beyond the recording's end.
    """
    # its matrices are small: a second BLAS thread only waits, and waits badly on a busy machine
    with (
        threadpool_limits(limits=1, user_api="blas"),
        contextlib.closing(Bar(recording.source) if progress else Silent()) as told,
    ):
        struck = None if notes is None else sorted(notes)
        return _decompose(recording, recipe or Recipe(), told, work, workers, struck)


def decompose_until(
    path: str | os.PathLike[str],
    until: str,
    *,
    recipe: Recipe | None = None,
    progress: bool = False,
    work: str | os.PathLike[str] | None = None,
    workers: int = WORKERS,
    notes: Iterable[Note] | None = None,
) -> tuple[Task, State]:
    """Take the first segment of a sound file, all of a short one, through some of the steps.

    Args:
        path: as for `decompose_file`.
        until: name of the last step, of `rtsynth.decompose.steps.STEPS`.
        recipe: settings; the default ones if None.
        progress: show a progress bar on stderr.
        work: folder that keeps the result of every step; `decompose` goes on from there.
        workers: threads that may work at once.
        notes: as for `decompose_file`.

    Raises:
        AudioFileError: no usable sound file, or nothing to be heard in it.
        UnknownNameError: no such step.
        UsageError: the recording is a texture or a sustained line, which have no steps, or there
            are notes, and the recipe says that there is nothing struck.
        ValueRangeError: a note of no key, or all of them beyond the recording's end.
        FileFormatError: `work` belongs to another recording, recipe or other notes, or is damaged.
    """
    if until not in STEPS:
        raise UnknownNameError(f"no step {until!r}; legal: {', '.join(STEPS)}", field="until")
    recording, recipe = read_audio(path), recipe or Recipe()
    reason = nothing_to_do(recording)
    if reason:
        raise AudioFileError(f"{os.fspath(path)}: {reason}")
    struck = None if notes is None else sorted(notes)
    if struck is None:
        refuse_no_steps(recording, recipe)
    else:
        refuse_notes(recipe)
    kept = _work(work, recording, recipe, struck)
    with contextlib.closing(Bar(recording.source) if progress else Silent()) as told:
        remarks: list[str] = []
        placed = None if struck is None else place_notes(recording, struck, remarks)
        for line in remarks:
            told.say(line)
        return analyse_until(recording, recipe, until, kept, told, workers, placed)


def _decompose(
    recording: Recording,
    recipe: Recipe,
    progress: Progress,
    folder: str | os.PathLike[str] | None,
    workers: int,
    struck: list[Note] | None,
) -> Decomposition:
    began = time.perf_counter()
    check_joint(recipe)
    notes = list(recording.notes)
    reason = nothing_to_do(recording)
    if reason:
        notes.append(reason)
    elif struck is not None:
        refuse_notes(recipe)
        work = _work(folder, recording, recipe, struck)
        struck = place_notes(recording, struck, notes)
    else:
        work = _work(folder, recording, recipe, None)
        attempt = Attempt(recording, recipe, progress, work, notes)
        whole = as_a_whole(attempt)
        if whole is not None:
            return _decomposition(*whole, recording, notes, began)
    draft, floor = Draft(recording.sample_rate, len(recording.frames), [], []), np.zeros(32)
    if not reason:
        _announce(recording, recipe, progress)
        if work.reached():
            notes.append(work.reached())
            progress.say(notes[-1])
        ledger = analyse(recording, recipe, work, progress, workers, struck)
        draft, floor = ledger.draft(len(recording.frames)), ledger.floor()
    score, instrument = bake(draft, floor, recording, recipe.modes)
    resynthesis = None
    if struck is None and not reason:
        held = recipe.held and bool(draft.strikes) and may_be_held(recording)
        noisy = recipe.follows_noise and may_be_noise(recording)
        if held or noisy:
            resynthesis = render_score(score, instrument, recording.sample_rate)
            whole = rather_held(attempt, resynthesis) if held else None
            whole = rather_noise(attempt, resynthesis) if whole is None and noisy else whole
            if whole is not None:
                return _decomposition(*whole, recording, notes, began)
    if not draft.strikes and not reason:
        reason = "no onset stands out" if struck is None else "no note within the recording"
        notes.append(f"{reason}: no events")
    if recipe.joint_steps > 0 and draft.strikes:
        score, instrument, more = refine_jointly(score, instrument, recording, recipe, progress)
        notes, resynthesis = notes + more, None
    return _decomposition(score, instrument, recording, notes, began, resynthesis)


def _work(
    folder: str | os.PathLike[str] | None,
    recording: Recording,
    recipe: Recipe,
    struck: list[Note] | None,
) -> Work:
    return Work(folder, fingerprint(recording, recipe, struck) if folder is not None else "")


def _announce(recording: Recording, recipe: Recipe, progress: Progress) -> None:
    """Say at once what takes minutes."""
    if 0 < recipe.joint_steps and recording.seconds <= LONGEST_JOINT_S:
        about_s = JOINT_COST * recipe.joint_steps * recording.seconds
        progress.say(
            f"recipe {recipe.name}: {recipe.joint_steps} steps of gradient descent follow the fit, "
            f"about {about_s:.0f} s in all for {recording.seconds:.0f} s of sound"
        )


def _decomposition(
    score: Score,
    instrument: Instrument,
    recording: Recording,
    notes: list[str],
    began: float,
    resynthesis: Samples | None = None,
) -> Decomposition:
    if resynthesis is None:
        resynthesis = render_score(score, instrument, recording.sample_rate)
    resynthesis = _fitted(resynthesis, recording)
    seconds = time.perf_counter() - began
    report = make_report(score, instrument, recording, resynthesis, notes, seconds)
    return Decomposition(score, instrument, report, recording, resynthesis)


def nothing_to_do(recording: Recording) -> str:
    """Why a recording has no events; empty if it may have some."""
    if recording.seconds < SHORTEST_S:
        return f"{recording.seconds:.3f} s is too short: no events; legal: {SHORTEST_S} s or more"
    if float(max(recording.frames.max(), -recording.frames.min())) < SILENCE:
        return "the recording is silent (nothing above −120 dBFS): no events"
    return ""


def _fitted(resynthesis: Samples, recording: Recording) -> Samples:
    """The resynthesis as long as the recording; they differ by the rounding of a frame at most."""
    missing = len(recording.frames) - len(resynthesis)
    if missing <= 0:
        return resynthesis[: len(recording.frames)]
    return np.pad(resynthesis, ((0, missing), (0, 0)))
