"""What the field has drawn for events, as the render worker fills it. Thread: worker.

A cache holds the curves of one event in segments of half a second, in any order (its beginning
always lies at place 0), and its attack. The audio thread reads a cache from the moment a
command names it until its record says that no voice does any more (`kept` is 0). Records also say
what a cache was drawn from, so that another worker can go on where one was killed.

The worker has a ring of commands of its own. A ring without locks has one writer, and a lock that
two processes share could die with its holder; two rings need neither, and the audio thread orders
what comes out of both by frame. So a worker that draws much never takes the room that a musician's
commands need, either.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.bend import STRETCH
from rtsynth.dsp.draw import CURVE_RATE, SEGMENT_POINTS
from rtsynth.engine.ends import push
from rtsynth.engine.layout import Sizes, State
from rtsynth.engine.ops import ASAP, Op
from rtsynth.engine.record import NOTHING, NUMBERS
from rtsynth.engine.voice import FREE
from rtsynth.events import Kind
from rtsynth.instrument import MEMBERS

__all__ = ["Cache", "Caches", "Sounding"]


@dataclasses.dataclass(frozen=True, slots=True)
class Cache:
    """One cache's memory.

    Attributes:
        segments: [places] number of the segment that lies at each, −1 for none.
        curves: [places, SEGMENT_POINTS + 1, C, K], as many as the field draws.
        attack: [K, frames].
        record: CACHE_DTYPE.
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
        self._curves = sizes.curves

    @property
    def free(self) -> list[int]:
        """Caches that nobody reads."""
        found: list[int] = np.flatnonzero(self._state.caches["kept"][: self.count] == 0).tolist()
        return found

    def claim(self) -> int | None:
        """A cache nobody reads, emptied; None if there is none."""
        free = self.free
        if not free:
            return None
        cache = self[free[0]]
        cache.record["drawn"] = NOTHING
        cache.record["kept"] = 1
        cache.record["attack_frames"] = 0
        cache.segments[:] = -1
        return free[0]

    def post(self, op: Op, target: int, event: int = -1, value: float = 0.0) -> bool:
        """Tell the audio thread at once; False if the worker's ring is full.

        Args:
            op: CACHE, RETIRE or PROTOTYPE.
            target: slot, cache or resonance.
            event: id of the event that a slot has to have still.
            value: the cache.
        """
        numbers = (value, *(0.0,) * (NUMBERS - 2), float(event))
        record = (int(op), target, ASAP, 0, 0, numbers)
        return push(self._state.drawing, self._state.drawing_at, record)

    def slots_of(self, index: int) -> list[int]:
        """Slots that play what lies in a cache."""
        slots = self._state.slots
        found: list[int] = np.flatnonzero((slots["used"] != 0) & (slots["cache"] == index)).tolist()
        return found

    def is_prototype(self, index: int) -> bool:
        """Whether a resonance's events play it until they are drawn."""
        return bool((self._state.prototypes == index).any())

    def __getitem__(self, index: int) -> Cache:
        state, places, members = self._state, self._places, len(MEMBERS)
        curves = state.curves[index * places : (index + 1) * places]
        return Cache(
            state.segments[index],
            curves.reshape(places, SEGMENT_POINTS + 1, self._curves, members),
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
