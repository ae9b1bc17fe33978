"""Where a line sounds between its notes: consonants, breath, the last of a room. Thread: worker."""

import dataclasses
import itertools

import numpy as np
from scipy.ndimage import binary_closing

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.units import LN1000

__all__ = ["breaths_between", "without_gaps"]

HEARD_DB = 50.0  # below the line's loudest moment
SHORTEST_S = 0.04
RELEASE_S = 0.01


def without_gaps(notes: list[MeasuredNote], sample_rate: float) -> list[MeasuredNote]:
    """The notes, each that the next follows too soon for a breath held on until then, dying away.

    Args:
        notes: in order of onset.
        sample_rate: Hz.
    """
    closed = []
    for note, after in itertools.zip_longest(notes, notes[1:]):
        gap_s = (after.onset - note.onset) / sample_rate - note.duration_s if after else 0.0
        more = round(gap_s / STEP_S)
        if 0.0 < gap_s < SHORTEST_S + 2.0 * STEP_S and more:  # a breath's ends are on points
            age_s = STEP_S * np.arange(1, more + 1)
            tail = note.level[:, -1:] * np.exp(-LN1000 * age_s / note.release_t60_s)
            note = dataclasses.replace(
                note,
                duration_s=note.duration_s + more * STEP_S,
                bend=np.concatenate([note.bend, np.repeat(note.bend[-1:], more)]),
                level=np.concatenate([note.level, tail], axis=1),
            )
        closed.append(note)
    return closed


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
        _breath(round(first * STEP_S * sample_rate), int(last - first))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
        if (last - first) * STEP_S >= SHORTEST_S
    ]


def _breath(onset: int, points: int) -> MeasuredNote:
    return MeasuredNote(
        onset, points * STEP_S, RELEASE_S, 0.0, np.zeros(points), np.zeros(0), np.zeros((0, points))
    )
