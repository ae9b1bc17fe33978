"""What the drawing worker knows of the caches, and how another one finds it out. Thread: worker."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from rtsynth.engine import NOTHING, WHOLE, Caches
from rtsynth.events import VECTOR_DIM

__all__ = ["PROTOTYPE", "Drawn", "Key", "adopt", "key_of"]

Key = tuple[int, bytes, float]

PROTOTYPE = np.zeros(VECTOR_DIM, np.float32)
"""The vector at which a resonance's prototype is drawn; its duration is infinite."""


def key_of(resonance: int, vector: NDArray[np.float32], duration_s: float) -> Key:
    """What events must have in common to be drawn alike."""
    return resonance, vector.tobytes(), duration_s


@dataclasses.dataclass
class Drawn:
    """What has been drawn for some events that are alike.

    Attributes:
        cache: where.
        resonance, vector, duration_s: of the events.
        slots: that play it.
        whole: whether the attack is there too.
        prototype: whether it is what a resonance's events play until they are drawn.
    """

    cache: int
    resonance: int
    vector: NDArray[np.float32]
    duration_s: float
    slots: set[int]
    whole: bool = False
    prototype: bool = False

    @property
    def key(self) -> Key:
        """What the events have in common."""
        return key_of(self.resonance, self.vector, self.duration_s)


def adopt(caches: Caches) -> tuple[dict[Key, Drawn], list[Drawn]]:
    """What a worker before this one drew, from the caches' records.

    Returns:
        everything by its key, and what is there a second time: one was taking the other's place.
    """
    found: dict[Key, Drawn] = {}
    spare = []
    for index in range(caches.count):
        record = caches[index].record
        if not record["kept"] or record["drawn"] == NOTHING:
            continue
        drawn = Drawn(
            index,
            int(record["resonance"]),
            record["vector"].copy(),
            float(record["duration_s"]),
            set(caches.slots_of(index)),
            whole=bool(record["drawn"] == WHOLE),
        )
        drawn.prototype = drawn.duration_s == math.inf and caches.is_prototype(index)
        before = found.get(drawn.key)
        if before is not None:
            before, drawn = sorted((before, drawn), key=lambda d: (d.prototype, d.whole))
            drawn.slots |= before.slots
            spare.append(before)
        found[drawn.key] = drawn
    return found, spare
