"""Whether a recording is surely a line of sustained notes, not struck or plucked. Thread: any.

What is struck only falls after its onset; what is bowed, blown or sung is held, and swells as often
as it fades. And a line has one pitch at a time, nearly periodic. So a recording is surely held if
most of its energy is clearly periodic along one path, and its level falls after onsets less than
always. Of the others some are lines, too: `rtsynth.decompose.closer`.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.voicing import PATH_STEP_S, PitchPath
from rtsynth.decompose.onset import find_onsets

__all__ = ["falling_after_onsets", "falling_share", "is_held", "later_louder"]

VOICED, PERIODIC, CLEAR = 0.85, 0.6, 0.9
FALLING = 0.85  # measured: 0.9 … 1.0 of nearly all struck and plucked sounds, 0 … 0.8 of most held
FALL_DB_S = 2.0
SETTLED_S, BEFORE_NEXT_S, LONGEST_S, SHORTEST_S = 0.03, 0.02, 0.4, 0.06
HEARD_DB = 30.0
EARLY_S, LATER_LOUDER = 0.06, 0.5  # share of the time in notes that grow after their beginning
THRESHOLD = 0.033


def is_held(
    signal: Float, sample_rate: float, path: PitchPath, pieces: list[tuple[int, int]]
) -> bool:
    """Whether the recording is surely a line of sustained notes.

    Args:
        signal: [samples].
        sample_rate: Hz.
        path: its pitch path.
        pieces: points of the path that each note takes.
    """
    power = 10.0 ** (path.level_db / 10.0)
    total = float(power.sum()) + 1e-12
    voiced = float(power[np.isfinite(path.semitones)].sum()) / total
    clear = float(power[path.periodicity > CLEAR].sum()) / total
    if not pieces or voiced < VOICED or clear < PERIODIC:
        return False
    if later_louder(path.level_db, pieces) < LATER_LOUDER:
        return False
    return falling_after_onsets(signal, sample_rate, path.level_db) < FALLING


def falling_after_onsets(signal: Float, sample_rate: float, level_db: Float) -> float:
    """`falling_share` of a signal's level after its onsets.

    Args:
        signal: [samples].
        sample_rate: Hz.
        level_db: [points] of the signal.
    """
    onsets = find_onsets(signal, int(sample_rate), THRESHOLD) / sample_rate
    return falling_share(level_db, onsets)


def falling_share(level_db: Float, onsets_s: Float) -> float:
    """Share of the time after onsets in which the level falls, by a line through each stretch.

    Args:
        level_db: [points] every `PATH_STEP_S`.
        onsets_s: ascending.

    Returns:
        0 without onsets, since nothing is struck, and 1 where all are too short or faint to tell.
    """
    if not len(onsets_s):
        return 0.0
    ends = np.append(onsets_s[1:], len(level_db) * PATH_STEP_S)
    falling = total = 0
    for onset, end in zip(onsets_s, ends, strict=True):
        last = min(end - BEFORE_NEXT_S, onset + LONGEST_S)
        begin, stop = (max(0, round(t / PATH_STEP_S)) for t in (onset + SETTLED_S, last))
        part = level_db[begin:stop]
        if len(part) < SHORTEST_S / PATH_STEP_S or part.max() < level_db.max() - HEARD_DB:
            continue
        slope = np.polyfit(PATH_STEP_S * np.arange(len(part)), part, 1)[0]
        total += len(part)
        falling += len(part) * (slope < -FALL_DB_S)
    return falling / total if total else 1.0


def later_louder(level_db: Float, pieces: list[tuple[int, int]]) -> float:
    """Share of the notes' time in those louder later than in their first moments, 0 … 1.

    Args:
        level_db: [points] every `PATH_STEP_S`.
        pieces: points that each note takes.
    """
    early = round(EARLY_S / PATH_STEP_S)
    louder = total = 0
    for first, last in pieces:
        part = level_db[first:last]
        if len(part) > early + 4:
            total += len(part)
            louder += len(part) * bool(part[early:].max() > part[:early].max())
    return louder / total if total else 0.0
