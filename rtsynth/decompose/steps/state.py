"""What is known of a recording, or a segment of one, after some of the steps. Thread: any."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, Strike
from rtsynth.decompose.grouping import Grouping, Take
from rtsynth.decompose.keys.played import Played
from rtsynth.instrument import NOISE_BANDS

__all__ = ["State"]


@dataclasses.dataclass
class State:
    """The pipeline's state; every step fills in or changes a part of it.

    Attributes:
        sample_rate: Hz.
        length: frames of the segment.
        done: name of the last step that it has been through, empty if none.
        onsets: [onsets] frames, ascending.
        takes: what each onset brought.
        groups: templates, and which of them each take is made of.
        played: the notes in step, if they were said, or if all onsets are of keys.
        known: for each template, the resonance of the bank it is; −1 for a new one.
        drums: whether the recording is one of hits, which have no keys and no key-offs.
        draft: strikes and resonances.
        floor: [32] RMS amplitude per band of the noise that is always there.
    """

    sample_rate: float
    length: int
    done: str = ""
    onsets: NDArray[np.int64] = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))
    takes: list[Take] = dataclasses.field(default_factory=list)
    groups: Grouping = dataclasses.field(default_factory=lambda: Grouping([], [], []))
    played: Played | None = None
    known: list[int] = dataclasses.field(default_factory=list)
    drums: bool = False
    draft: Draft = dataclasses.field(default_factory=lambda: Draft(0.0, 0, [], []))
    floor: Float = dataclasses.field(default_factory=lambda: np.zeros(NOISE_BANDS))

    def show(self, strikes: Iterable[Strike]) -> None:
        """Tell the groups that strikes' resonances are members of the takes nearest to them."""
        onsets = np.array([take.onset for take in self.takes])
        for strike in strikes:
            nearest = int(np.argmin(np.abs(onsets - strike.onset)))
            self.groups.members[nearest][strike.resonance] = strike.gain
