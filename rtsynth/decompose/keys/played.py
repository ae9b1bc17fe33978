"""Notes of a segment, said or found, as onsets and the keys struck at each. Thread: any."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.keys.note import Note

__all__ = ["TOGETHER_S", "Played", "played_notes"]

TOGETHER_S = 0.03  # of a chord; a note later than that after its first is another onset


@dataclasses.dataclass(frozen=True)
class Played:
    """What is struck when.

    Attributes:
        struck: per onset, {key: frame at which it is struck}.
        doubtful: keys whose strikes may be out of step with each other.
    """

    struck: list[dict[int, int]]
    doubtful: frozenset[int] = frozenset()

    @property
    def onsets(self) -> NDArray[np.int64]:
        """[onsets] frames, ascending; of the first note of each."""
        return np.array([min(keys.values()) for keys in self.struck], np.int64)


def played_notes(
    notes: Iterable[Note],
    sample_rate: float,
    begin: int,
    end: int,
    doubtful: frozenset[int] = frozenset(),
) -> Played:
    """The notes between two frames, counted from the first of these.

    Args:
        notes: in any order.
        sample_rate: Hz.
        begin: first frame.
        end: one past the last.
        doubtful: keys whose strikes may be out of step with each other.
    """
    together = round(TOGETHER_S * sample_rate)
    struck: list[dict[int, int]] = []
    first = 0
    for note in sorted(notes):
        frame = note.frame(sample_rate)
        if not begin <= frame < end:
            continue
        frame -= begin
        if not struck or frame - first >= together or note.key in struck[-1]:
            struck.append({})
            first = frame
        struck[-1][note.key] = frame
    return Played(struck, doubtful)
