"""Notes laid on a recording: shifted as a whole if they must be, then put in step.

Thread: worker.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.keys.in_step import put_in_step
from rtsynth.decompose.keys.note import HIGHEST, LOWEST, Note
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.panning import mid_weights
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.errors import UsageError, ValueRangeError

__all__ = ["place_notes", "refuse_notes"]

LOOKED_AT_S = 60.0  # from the first note on
SHIFT_S, STEP_S, SHIFTED_S = 0.5, 0.005, 0.015
BETTER, MORE = 0.2, 4  # a share, and so many more, of the notes have to lie on onsets to be shifted
NEAR_S, FEW = 0.05, 0.5


def refuse_notes(recipe: Recipe) -> None:
    """Say that notes are of struck keys, where a recipe says that there are none.

    Raises:
        UsageError: it is for one texture or one sustained note.
    """
    if recipe.only_texture or recipe.sustained:
        way = "one texture" if recipe.only_texture else "one sustained note"
        raise UsageError(
            f"notes are struck keys, and {way} has none; leave out the one or the other"
        )


def place_notes(recording: Recording, notes: Sequence[Note], remarks: list[str]) -> list[Note]:
    """The notes where the recording has them.

    Args:
        recording: not silent.
        notes: onsets within some 10 ms, but for a delay of all by half a second at most.
        remarks: what is odd about them is added.

    Returns:
        those within the recording, by onset; what begins twice at one frame is one.

    Raises:
        ValueRangeError: a key or an onset that is none, or all of them lie beyond the end.
    """
    for note in notes:
        whole = note.key == int(note.key)
        if not (whole and LOWEST <= note.key <= HIGHEST and 0.0 <= note.onset_s < math.inf):
            raise ValueRangeError(
                f"note {note.key} at {note.onset_s} s; "
                f"legal: whole keys {LOWEST} … {HIGHEST} (A0 … C8), from 0 s on",
                field="notes",
            )
    notes, rate, length = sorted(notes), recording.sample_rate, len(recording.frames)
    if notes and notes[0].frame(rate) >= length + SHIFT_S * rate:
        raise ValueRangeError(
            f"the first note begins at {notes[0].onset_s:.2f} s, the recording ends at "
            f"{recording.seconds:.2f} s; legal: notes of this very recording",
            field="notes",
        )
    if notes:
        remarks.append(f"{len(notes)} notes given: one event each")
        onsets_s = _heard(recording, notes[0].onset_s)
        late_s = _shift(notes, onsets_s)
        if late_s:
            remarks.append(f"the notes were shifted by {1e3 * late_s:+.0f} ms, to where they sound")
            notes = [dataclasses.replace(n, onset_s=max(0.0, n.onset_s + late_s)) for n in notes]
        share = _share(_told(notes, onsets_s), onsets_s, NEAR_S)
        if share < FEW:
            remarks.append(
                f"no more than {share:.0%} of the notes begin where something is heard to begin: "
                "are they of this very recording, from its beginning on?"
            )
    within = [note for note in notes if note.frame(rate) < length]
    once = {(note.frame(rate), note.key): note for note in within}
    if len(within) < len(notes):
        remarks.append(
            f"{len(notes) - len(within)} of {len(notes)} notes lie beyond the recording's end"
        )
    weights = mid_weights(recording.frames)
    return put_in_step(recording.frames, weights, rate, once.values()).notes


def _heard(recording: Recording, first_s: float) -> Float:
    """[onsets] seconds at which something begins, around the first notes."""
    rate = recording.sample_rate
    begin = max(0, round((first_s - SHIFT_S) * rate))
    frames = recording.frames[begin : begin + round(LOOKED_AT_S * rate)]
    if not len(frames):
        return np.zeros(0)
    found = find_onsets(frames.astype(float) @ mid_weights(frames), rate)
    seconds: Float = (found + begin) / rate
    return seconds


def _told(notes: Sequence[Note], onsets_s: Float) -> Float:
    """[notes] onsets of those that begin where onsets were looked for."""
    last = float(onsets_s.max(initial=0.0)) + NEAR_S
    return np.unique([note.onset_s for note in notes if note.onset_s <= last])


def _share(told_s: Float, onsets_s: Float, near_s: float) -> float:
    """0 … 1: of the notes that begin near an onset."""
    if not len(told_s) or not len(onsets_s):
        return 0.0
    return float(np.mean(np.abs(_away(told_s, onsets_s)) <= near_s))


def _away(told_s: Float, onsets_s: Float) -> Float:
    """[notes] seconds by which the nearest onset is later."""
    later = np.clip(np.searchsorted(onsets_s, told_s), 1, max(len(onsets_s) - 1, 1))
    sides = [onsets_s[np.minimum(later - k, len(onsets_s) - 1)] - told_s for k in (1, 0)]
    return np.where(np.abs(sides[0]) <= np.abs(sides[1]), sides[0], sides[1])


def _shift(notes: Sequence[Note], onsets_s: Float) -> float:
    """Seconds by which all notes are early, if that is plain; else 0."""
    told = _told(notes, onsets_s)
    if not len(told) or not len(onsets_s):
        return 0.0
    shifts = np.arange(-round(SHIFT_S / STEP_S), round(SHIFT_S / STEP_S) + 1) * STEP_S
    shares = np.array([_share(told + shift, onsets_s, SHIFTED_S) for shift in shifts])
    best = float(shifts[int(np.argmax(shares - 1e-3 * np.abs(shifts)))])
    better = float(shares.max() - shares[np.abs(shifts).argmin()])
    if better < max(BETTER, MORE / len(told)):
        return 0.0
    away = _away(told + best, onsets_s)
    return best + float(np.median(away[np.abs(away) <= SHIFTED_S]))
