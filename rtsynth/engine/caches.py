"""What the field has drawn for events, as the render worker fills it. Thread: worker.

A cache holds the curves of one event in segments of half a second, in any order (its beginning
always lies at place 0), and its attack. The audio thread reads a cache from the moment a
command names it until a notice says that no voice does any more.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.bend import STRETCH
from rtsynth.dsp.draw import CURVE_RATE, SEGMENT_POINTS
from rtsynth.engine.layout import Sizes, State
from rtsynth.engine.voice import FREE
from rtsynth.events import Kind
from rtsynth.instrument import CONTROLS, MEMBERS

__all__ = ["Cache", "Caches", "Sounding"]


@dataclasses.dataclass(frozen=True, slots=True)
class Cache:
    """One cache's memory.

    Attributes:
        segments: [places] number of the segment that lies at each, −1 for none.
        curves: [places, SEGMENT_POINTS + 1, K, 22].
        attack: [K, frames].
        record: with `attack_frames`, how much of the attack may be played.
    """

    segments: NDArray[np.int64]
    curves: NDArray[np.float32]
    attack: NDArray[np.float32]
    record: Any

    def holds(self, number: int) -> bool:
        """Whether a segment lies here."""
        return bool((self.segments == number).any())

    def place(self, number: int, needed: set[int]) -> int | None:
        """Where a segment may be drawn, over one that is not needed; None if all are."""
        if number == 0:
            return 0
        for place, lying in enumerate(self.segments[1:].tolist(), start=1):
            if lying not in needed:
                return place
        return None

    def ages_s(self, number: int) -> NDArray[np.float64]:
        """[SEGMENT_POINTS + 1] ages of a segment's points, s."""
        return (number * SEGMENT_POINTS + np.arange(SEGMENT_POINTS + 1)) / CURVE_RATE


@dataclasses.dataclass(frozen=True, slots=True)
class Sounding:
    """A voice that reads curves.

    Attributes:
        slot: of its event.
        cache: that it reads, −1 for none.
        age_s: of the event's own time, s.
        backwards: whether that time runs backwards.
    """

    slot: int
    cache: int
    age_s: float
    backwards: bool


class Caches:
    """The worker's side of an engine's caches."""

    def __init__(self, state: State, sizes: Sizes, sample_rate: float) -> None:
        self._state, self._sample_rate = state, sample_rate
        self.count = sizes.caches
        self._places, self._attack = sizes.segments, sizes.drawn_attack
        self.free = list(range(sizes.caches - 1, -1, -1))

    def claim(self) -> int | None:
        """A cache nobody reads, emptied; None if there is none."""
        if not self.free:
            return None
        index = self.free.pop()
        cache = self[index]
        cache.segments[:] = -1
        cache.record["attack_frames"] = 0
        return index

    def __getitem__(self, index: int) -> Cache:
        state, places, members = self._state, self._places, len(MEMBERS)
        curves = state.curves[index * places : (index + 1) * places]
        return Cache(
            state.segments[index],
            curves.reshape(places, SEGMENT_POINTS + 1, members, len(CONTROLS)),
            state.drawn_attack[index * members : (index + 1) * members, : self._attack],
            state.caches[index],
        )

    def versions(self) -> NDArray[np.int32]:
        """[slots] a number that changes with every edit of the event; −1 where nothing is drawn."""
        slots = self._state.slots
        drawn = (slots["used"] != 0) & (slots["kind"] == Kind.MODAL)
        versions: NDArray[np.int32] = np.where(drawn, slots["version"], -1).astype(np.int32)
        return versions

    def event_id(self, slot: int) -> int:
        """Id of the event in a slot."""
        return int(self._state.slots[slot]["id"])

    def event(self, slot: int) -> tuple[int, NDArray[np.float32], float]:
        """Resonance, vector [32] and duration in s of the event in a slot."""
        record = self._state.slots[slot]
        duration_s = float(record["duration"]) / self._sample_rate
        return int(record["resonance"]), self._state.vectors[slot].copy(), duration_s

    def onsets(self, slots: NDArray[np.intp]) -> NDArray[np.float64]:
        """Frames from the transport's position to each event's onset; negative for the past."""
        position = float(self._state.core[0]["position"])
        onsets: NDArray[np.float64] = self._state.slots["onset"][slots] - position
        return onsets

    def sounding(self) -> list[Sounding]:
        """The modal voices that sound now."""
        voices = self._state.voices
        found = []
        for v in np.flatnonzero((voices["state"] != FREE) & (voices["kind"] == Kind.MODAL)):
            voice = voices[v]
            stretch = float(self._state.controls[v, STRETCH])
            age_s = max(float(voice["age"]), 0.0) / self._sample_rate
            found.append(Sounding(int(voice["slot"]), int(voice["cache"]), age_s, stretch < 0.0))
        return found
