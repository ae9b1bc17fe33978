"""How well found onsets match true ones, one to one. Thread: any.

Conventions: times in seconds, any order. A match pairs one found with one true onset at most
`window_s` apart; for points on a line a greedy sweep in time finds a largest matching.
"""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

__all__ = [
    "OnsetScores",
    "events_per_note",
    "match_onsets",
    "merge_onsets",
    "onset_scores",
    "scores_of",
]

CHORD_S = 0.03


@dataclasses.dataclass(frozen=True)
class OnsetScores:
    """Agreement of found and true onsets.

    Attributes:
        precision, recall, f1: 0 … 1; 1 where there was nothing to find and nothing was found.
        median_offset_s: found minus true, of the matched; None without matches.
    """

    precision: float
    recall: float
    f1: float
    median_offset_s: float | None


def match_onsets(
    true_s: ArrayLike, found_s: ArrayLike, window_s: float = 0.05
) -> list[tuple[float, float]]:
    """(true, found) pairs of a largest one-to-one matching."""
    truth = np.sort(np.asarray(true_s, float))
    found = np.sort(np.asarray(found_s, float))
    pairs: list[tuple[float, float]] = []
    i = j = 0
    while i < len(truth) and j < len(found):
        if abs(found[j] - truth[i]) <= window_s:
            pairs.append((float(truth[i]), float(found[j])))
            i, j = i + 1, j + 1
        elif found[j] < truth[i]:
            j += 1
        else:
            i += 1
    return pairs


def onset_scores(true_s: ArrayLike, found_s: ArrayLike, window_s: float = 0.05) -> OnsetScores:
    """Precision, recall and F1 of found onsets.

    Args:
        true_s: [onsets] seconds.
        found_s: [onsets] seconds.
        window_s: how far apart a pair may lie, seconds.
    """
    offsets = [f - t for t, f in match_onsets(true_s, found_s, window_s)]
    return scores_of(offsets, np.size(true_s), np.size(found_s))


def scores_of(offsets_s: list[float], true: int, found: int) -> OnsetScores:
    """The scores of a matching.

    Args:
        offsets_s: [pairs] found minus true, seconds.
        true: how many there were to find.
        found: how many were found.
    """
    precision = len(offsets_s) / found if found else float(true == 0)
    recall = len(offsets_s) / true if true else float(found == 0)
    total = precision + recall
    f1 = 2 * precision * recall / total if total else 0.0
    return OnsetScores(precision, recall, f1, float(np.median(offsets_s)) if offsets_s else None)


def merge_onsets(onsets_s: ArrayLike, gap_s: float = CHORD_S) -> list[float]:
    """Sorted onsets of which a chord's count once: none within `gap_s` after one that counts.

    Args:
        onsets_s: [onsets] seconds, any order.
        gap_s: seconds.
    """
    kept: list[float] = []
    for onset in np.sort(np.asarray(onsets_s, float)).tolist():
        if not kept or onset - kept[-1] > gap_s:
            kept.append(onset)
    return kept


def events_per_note(found: int, true_notes: int) -> float | None:
    """Found events per true note, 1 being perfect; None without notes."""
    return found / true_notes if true_notes else None
