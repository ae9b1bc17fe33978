"""Where a line sounds between its notes: consonants, breath, the last of a room. Thread: worker."""

import dataclasses
import itertools

import numpy as np
from scipy.ndimage import binary_closing

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.units import LN1000

__all__ = ["breaths_between", "ringing_on", "unpitched_note", "without_gaps"]

HEARD_DB = 50.0  # below the line's loudest moment
SHORTEST_S = 0.04
RELEASE_S = 0.01
LONGER = 2.0  # times the modes' T60: with 1.2 a violin's notes come out worse, others the same
TAIL_DB = 40.0


def without_gaps(notes: list[MeasuredNote], sample_rate: float) -> list[MeasuredNote]:
    """The notes, each that the next follows too soon for a breath held on until then, dying away.

    Args:
        notes: in order of onset.
        sample_rate: Hz.
    """
    closed = []
    for note, after in itertools.zip_longest(notes, notes[1:]):
        gap_s = (after.onset - note.onset) / sample_rate - note.duration_s if after else 0.0
        if 0.0 < gap_s < SHORTEST_S + 2.0 * STEP_S:  # a breath's ends are on points
            note = _dying(note, round(gap_s / STEP_S))
        closed.append(note)
    return closed


def ringing_on(
    notes: list[MeasuredNote], t60_s: float, sample_rate: float, *, alone: bool = True
) -> list[MeasuredNote]:
    """The notes, each that rings longer than its modes can held on, dying away.

    Args:
        notes: in order of onset.
        t60_s: of all modes.
        sample_rate: Hz.
        alone: one at a time: up to the next at most.
    """
    rung = []
    for note, after in itertools.zip_longest(notes, notes[1:] if alone else []):
        if note.release_t60_s > LONGER * t60_s:
            tail_s = note.release_t60_s * TAIL_DB / 60.0
            gap_s = (after.onset - note.onset) / sample_rate - note.duration_s if after else tail_s
            note = _dying(note, round(min(gap_s, tail_s) / STEP_S))
        rung.append(note)
    return rung


def _dying(note: MeasuredNote, points: int) -> MeasuredNote:
    """The note held on for some points at its last pitch, falling as it does once it is let go."""
    if points <= 0:
        return note
    age_s = STEP_S * np.arange(1, points + 1)
    tail = note.level[:, -1:] * np.exp(-LN1000 * age_s / note.release_t60_s)
    return dataclasses.replace(
        note,
        duration_s=note.duration_s + points * STEP_S,
        bend=np.concatenate([note.bend, np.repeat(note.bend[-1:], points)]),
        level=np.concatenate([note.level, tail], axis=1),
    )


def breaths_between(
    lack: Float, loudest: float, sample_rate: float, notes: list[MeasuredNote]
) -> list[MeasuredNote]:
    """The stretches without a note that are heard, as notes without partials, in time.

    Args:
        lack: [points] power that the notes lack, every `STEP_S`.
        loudest: greatest sum of the squared amplitudes of a note's partials.
        sample_rate: Hz.
        notes: of the line.
    """
    free = lack > loudest * 10.0 ** (-HEARD_DB / 10.0)
    near = round(SHORTEST_S / STEP_S) + 1
    free = binary_closing(np.pad(free, near), np.ones(near))[near:-near]
    for note in notes:
        first = note.onset / sample_rate
        free[int(first / STEP_S) : int((first + note.duration_s) / STEP_S) + 1] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(np.int8), [0]])))
    return [
        unpitched_note(round(first * STEP_S * sample_rate), int(last - first))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
        if (last - first) * STEP_S >= SHORTEST_S
    ]


def unpitched_note(onset: int, points: int) -> MeasuredNote:
    """A note without partials.

    Args:
        onset: sample.
        points: of `STEP_S`.
    """
    return MeasuredNote(
        onset, points * STEP_S, RELEASE_S, 0.0, np.zeros(points), np.zeros(0), np.zeros((0, points))
    )
