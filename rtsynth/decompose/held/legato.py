"""A line of sustained notes: where each begins, by its pitch and its rise, not by energy alone.

The pitch path is cut where it settles on another pitch: the best sequence of levels on a grid, each
change at a fixed price, so that a vibrato (which comes back) makes none. A slide whose steps take
about as long as they last is one note that bends. A note is also cut where the level dips and comes
back. Then each beginning is moved to where its own partials enter. Thread: worker.
"""

import dataclasses
import itertools
import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.entering import entry_over, rise_after
from rtsynth.decompose.held.voicing import PATH_STEP_S, PitchPath, pitch_path

__all__ = ["HeldLineFound", "HeldNote", "find_held_notes", "glides", "notes_along", "split_path"]

GRID = 3  # levels per semitone
MISFIT = 0.5  # semitones off that cost 1 a point
CHANGE = 12.0  # price of another level: 0.1 s one semitone off
SHORTEST_S = 0.05
GLIDING = 0.3  # a step taking this share of what it leads to or from is part of a slide
ON_ITS_WAY, FOR_SHARE = 0.3, 0.3  # of the interval; of the points there
DIP_DB = 9.0  # an amplitude vibrato is less deep
LEVEL_S = 0.012
GAP_S = 0.03
STILL_HEARD_S = 0.25  # a note may ring on so long after the last clear pitch
LONGEST_TOGETHER_S = 0.25
SAME_SEMITONES = 0.4


@dataclasses.dataclass(frozen=True)
class HeldNote:
    """One note of a line.

    Attributes:
        onset: sample at which it enters.
        end: sample at which the next one enters, or the sound has no pitch any more.
        semitones: its median pitch, MIDI number with fraction.
        joined: the note before it still sounds at its onset.
        clear: sample from which on it is in front.
        track: [points] semitones from `clear` to `end`, every `PATH_STEP_S`.
    """

    onset: int
    end: int
    semitones: float
    joined: bool
    clear: int
    track: Float = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class HeldLineFound:
    """A line's notes in order, the path they were found on, and the points of it each takes."""

    notes: list[HeldNote]
    path: PitchPath
    pieces: list[tuple[int, int]]


def find_held_notes(signal: Float, sample_rate: float) -> HeldLineFound:
    """The notes of a line in which at most one pitch is in front at a time, in order of onset.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
    """
    path = pitch_path(signal, sample_rate)
    return notes_along(signal, sample_rate, path, split_path(path))


def notes_along(
    signal: Float, sample_rate: float, path: PitchPath, pieces: list[tuple[int, int]]
) -> HeldLineFound:
    """The notes of a line whose pitch path and its pieces are known, each with its entry.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        path: of the line.
        pieces: as `split_path` gives them.
    """
    notes: list[HeldNote] = []
    for index, (first, last) in enumerate(pieces):
        gap = (first - pieces[index - 1][1]) * PATH_STEP_S if index else np.inf
        pitch = float(np.median(path.semitones[first:last]))
        near = round(first * PATH_STEP_S * sample_rate)
        end = min(len(signal), round(last * PATH_STEP_S * sample_rate))
        before = notes[-1] if notes else None
        onset = _enter(signal, sample_rate, near, pitch, before if gap < STILL_HEARD_S else None)
        if before is not None and gap < GAP_S:
            since = path.semitones[round(onset / sample_rate / PATH_STEP_S) : first]
            if glides(since, before.semitones, pitch):
                onset = near
        earliest = before.onset + round(SHORTEST_S * sample_rate) if before else 0
        onset = min(max(onset, earliest), end - 1)
        joined = before is not None and (gap < GAP_S or onset < before.end)
        if before and joined:
            notes[-1] = dataclasses.replace(before, end=onset)
        notes.append(HeldNote(onset, end, pitch, joined, near, path.semitones[first:last]))
    return HeldLineFound(notes, path, pieces)


def glides(semitones: Float, before: float, here: float) -> bool:
    """Whether the pitch is on its way from note to note, not with the old one while the new enters.

    Args:
        semitones: [points] of the path from where the new note seems to enter on.
        before: of the old note.
        here: of the new one.
    """
    if not len(semitones) or before == here:
        return False
    on_its_way = (semitones - before) / (here - before) > ON_ITS_WAY
    return float(np.mean(on_its_way)) > FOR_SHARE


def _enter(
    signal: Float, sample_rate: float, near: int, pitch: float, before: HeldNote | None
) -> int:
    """Sample of the onset of a note that is in front from `near` on."""
    if before is not None and abs(pitch - before.semitones) > 0.5:
        found = entry_over(signal, sample_rate, near, pitch, before.semitones)
        if found is not None:
            return found
    return rise_after(signal, sample_rate, near)


def _without_multiples(pieces: list[tuple[int, int]], semitones: Float) -> list[tuple[int, int]]:
    """Pieces less those short ones whose period is one that two notes have in common.

    While two notes sound together the period of both is a multiple of each one's; what has it is
    the beginning of the later one.
    """
    kept: list[tuple[int, int]] = []
    first: int | None = None
    for index, (start, stop) in enumerate(pieces):
        start = start if first is None else first
        first = None
        beside = [p for p in pieces[max(0, index - 1) : index + 2] if p != pieces[index]]
        here = float(np.median(semitones[pieces[index][0] : stop]))
        follows = index + 1 < len(pieces) and pieces[index + 1][0] - stop < GAP_S / PATH_STEP_S
        short = stop - pieces[index][0] < LONGEST_TOGETHER_S / PATH_STEP_S
        if (
            follows
            and short
            and all(_divides(here, float(np.median(semitones[a:b]))) for a, b in beside)
        ):
            first = start
            continue
        kept.append((start, stop))
    return kept


def _divides(semitones: float, other: float) -> bool:
    """Whether a pitch is a half, a third … an eighth of another, nearly."""
    ratio = 2.0 ** ((other - semitones) / 12.0)
    number = round(ratio)
    return 2 <= number <= 8 and abs(12.0 * math.log2(ratio / number)) < SAME_SEMITONES


def split_path(path: PitchPath) -> list[tuple[int, int]]:
    """First point and point after the last of each note of a path."""
    level = gaussian_filter1d(path.level_db, LEVEL_S / PATH_STEP_S)
    pieces: list[tuple[int, int]] = []
    for first, last in _runs(np.isfinite(path.semitones)):
        steps = _levels(path.semitones[first:last])
        for start, stop in _without_slides(steps, path.semitones[first:last]):
            pieces += _at_dips(level, first + start, first + stop)
    shortest = SHORTEST_S / PATH_STEP_S
    pieces = [(first, last) for first, last in pieces if last - first >= shortest]
    return _without_multiples(pieces, path.semitones)


def _runs(mask: NDArray[np.bool]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _levels(semitones: Float) -> list[tuple[int, int]]:
    """Runs of the best sequence of grid levels: least misfit, each change at a price."""
    lowest = np.floor(semitones.min()) - 1.0
    grid = lowest + np.arange(int((semitones.max() - lowest + 2) * GRID)) / GRID
    cost = np.abs(semitones[:, None] - grid) / MISFIT
    total = cost[0].copy()
    back = np.empty(cost.shape, np.int32)
    every = np.arange(len(grid), dtype=np.int32)
    for point in range(1, len(cost)):
        cheapest = int(np.argmin(total))
        changed = total[cheapest] + CHANGE < total
        back[point] = np.where(changed, cheapest, every)
        total = np.where(changed, total[cheapest] + CHANGE, total) + cost[point]
    state = np.empty(len(cost), np.int32)
    state[-1] = int(np.argmin(total))
    for point in range(len(cost) - 1, 0, -1):
        state[point - 1] = back[point, state[point]]
    cuts = [0, *(np.flatnonzero(np.diff(state)) + 1).tolist(), len(state)]
    return list(itertools.pairwise(cuts))


def _without_slides(steps: list[tuple[int, int]], semitones: Float) -> list[tuple[int, int]]:
    """Steps of a slide joined: those whose change takes long against what it joins."""
    smooth = median_filter(semitones, 5, mode="nearest")
    joined = [steps[0]]
    for before, here in itertools.pairwise(steps):
        low, high = (float(np.median(smooth[a:b])) for a, b in (before, here))
        share = (smooth[before[0] : here[1]] - low) / (high - low if high != low else 1.0)
        under = np.flatnonzero(share < 0.25)
        over = np.flatnonzero(share > 0.75)
        taken = (int(over[0]) if len(over) else 0) - (int(under[-1]) if len(under) else 0)
        shorter = min(before[1] - before[0], here[1] - here[0])
        if abs(taken) > GLIDING * shorter:
            joined[-1] = (joined[-1][0], here[1])
        else:
            joined.append(here)
    return joined


def _at_dips(level_db: Float, first: int, last: int) -> list[tuple[int, int]]:
    """The note cut where its level dips by `DIP_DB` and comes back."""
    here = level_db[first:last]
    inner = np.flatnonzero((here[1:-1] < here[:-2]) & (here[1:-1] <= here[2:])) + 1
    for dip in sorted(inner.tolist(), key=lambda i: float(here[i])):
        if min(float(here[:dip].max()), float(here[dip:].max())) - here[dip] > DIP_DB:
            middle = first + dip
            return _at_dips(level_db, first, middle) + _at_dips(level_db, middle, last)
    return [(first, last)]
