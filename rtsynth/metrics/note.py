"""How well found notes match true ones, by onset and pitch, one to one. Thread: any.

Conventions as in mir_eval.transcription without offsets: a pair may lie at most 50 ms and 50 cents
apart, and a largest matching counts. Pitches are MIDI numbers, fractions allowed.
"""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from rtsynth.metrics.onset import OnsetScores, scores_of

__all__ = ["match_notes", "note_number", "note_scores"]

WINDOW_S = 0.05
CENTS = 50.0
ROUNDED = 4  # decimals of a distance in seconds, so that 50 ms are 50 ms whatever float64 says
NAME = re.compile(r"([A-G])(#?)(-?\d+)(?![\d.])")
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

Float = NDArray[np.float64]
Pairs = list[tuple[int, int]]


def note_number(name: str) -> float | None:
    """MIDI number of a name that begins with a note, as C4, F#3 or A-1; None for any other."""
    found = NAME.match(name)
    if not found:
        return None
    return 12.0 * (int(found[3]) + 1) + STEPS[found[1]] + len(found[2])


def note_scores(
    true_s: ArrayLike,
    true_pitch: ArrayLike,
    found_s: ArrayLike,
    found_pitch: ArrayLike,
    window_s: float = WINDOW_S,
    cents: float = CENTS,
) -> OnsetScores:
    """Precision, recall and F1 of found notes; arguments as of `match_notes`."""
    pairs = match_notes(true_s, true_pitch, found_s, found_pitch, window_s, cents)
    truth, found = np.asarray(true_s, float), np.asarray(found_s, float)
    offsets = [float(found[j] - truth[i]) for i, j in pairs]
    return scores_of(offsets, len(truth), len(found))


def match_notes(
    true_s: ArrayLike,
    true_pitch: ArrayLike,
    found_s: ArrayLike,
    found_pitch: ArrayLike,
    window_s: float = WINDOW_S,
    cents: float = CENTS,
) -> Pairs:
    """The largest matching of notes, and of those the one with the smallest offsets.

    Args:
        true_s: [notes] onsets, seconds, any order.
        true_pitch: [notes] MIDI numbers; NaN matches any pitch.
        found_s: [events] onsets, seconds.
        found_pitch: [events] MIDI numbers; NaN matches any pitch.
        window_s: how far apart onsets may lie, seconds.
        cents: how far apart pitches may lie.

    Returns:
        (index of a true note, index of a found one), by true note.
    """
    t, tp, f, fp = (np.asarray(v, float) for v in (true_s, true_pitch, found_s, found_pitch))
    pairs: Pairs = []
    for truth, found in _neighbourhoods(t, f, window_s):
        apart = np.round(np.abs(t[truth][:, None] - f[found]), ROUNDED)
        off = 100.0 * np.abs(tp[truth][:, None] - fp[found])
        legal = (apart <= window_s) & ~(off > cents)
        # one more pair is worth more than any sum of offsets
        cost = np.where(legal, apart / window_s / (min(legal.shape) + 1.0) - 1.0, 0.0)
        for i, j in zip(*linear_sum_assignment(cost), strict=True):
            if legal[i, j]:
                pairs.append((int(truth[i]), int(found[j])))
    return sorted(pairs)


def _neighbourhoods(
    true_s: Float, found_s: Float, window_s: float
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Indices of true and found times between gaps wider than the window."""
    times = np.concatenate([true_s, found_s])
    order = np.argsort(times, kind="stable")
    gaps = np.flatnonzero(np.diff(times[order]) > window_s + 10.0**-ROUNDED) + 1
    for members in np.split(order, gaps):
        truth = members[members < len(true_s)]
        found = members[members >= len(true_s)] - len(true_s)
        if len(truth) and len(found):
            yield truth, found
