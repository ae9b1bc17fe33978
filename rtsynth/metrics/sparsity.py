"""What a score costs: numbers and bits per second, and bits per event by two ways of writing it.

An event is written as when, what, how: `bits = log2 C(T, k) + k·(log2 R + parameter bits)`, the
first term saying at which of T grid points the k events begin, `log2 R` which resonance each plays.
The parameters are a gain, and either the vector's coordinates, rounded to a step, or one code of a
codebook. An ideal coder is assumed that knows the ranges and no statistics, so that a real one with
statistics may do better; ranges, codebook and bank are not counted. Deformations are not either.
Thread: any.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["BITS_PER_VALUE", "EventBits", "event_bits", "onset_bits", "rates", "vector_bits"]

BITS_PER_VALUE = 16
GRID_HZ = 1000.0
STEP_DB = 1.0
GAIN_LEVELS = 64


@dataclasses.dataclass(frozen=True)
class EventBits:
    """Bits per event, written both ways.

    Attributes:
        onset: its share of `log2 C(T, k)`.
        resonance: `log2 R`.
        gain: `log2` of the gain's levels.
        vector: coordinates rounded to the step.
        code: `log2` of the codebook's entries.
    """

    onset: float
    resonance: float
    gain: float
    vector: float
    code: float

    @property
    def continuous(self) -> float:
        """Bits per event with its vector's coordinates."""
        return self.onset + self.resonance + self.gain + self.vector

    @property
    def snapped(self) -> float:
        """Bits per event with a code instead."""
        return self.onset + self.resonance + self.gain + self.code


def event_bits(
    seconds: float,
    resonances: int,
    vectors: ArrayLike,
    *,
    entries: int = 256,
    grid_hz: float = GRID_HZ,
    step: float = STEP_DB,
    gain_levels: int = GAIN_LEVELS,
) -> EventBits | None:
    """Bits per event of a score; None without events.

    Args:
        seconds: length of the recording.
        resonances: R in the bank.
        vectors: [events, coordinates], one of each event.
        entries: size of the codebook; its own bits belong to the bank, not to the score.
        grid_hz: onsets are rounded to this grid; 1000 Hz, 1 ms.
        step: coordinates are rounded to multiples of it; 1, as they are about decibels.
        gain_levels: of the gain; 64, 1.5 dB apart over 96 dB.
    """
    rows = np.asarray(vectors, float)
    count = len(rows)
    if count == 0:
        return None
    return EventBits(
        onset=onset_bits(math.ceil(seconds * grid_hz), count) / count,
        resonance=math.log2(max(resonances, 1)),
        gain=math.log2(max(gain_levels, 1)),
        vector=vector_bits(rows, step),
        code=math.log2(max(entries, 1)),
    )


def onset_bits(points: int, events: int) -> float:
    """`log2 C(points, events)`: bits that say which grid points are onsets.

    Args:
        points: of the grid.
        events: one at most per point; if there are more, they are counted as a multiset,
            C(points + events − 1, events).
    """
    if points <= 0 or events <= 0:
        return 0.0
    total = points if events <= points else points + events - 1
    nats = math.lgamma(total + 1) - math.lgamma(events + 1) - math.lgamma(total - events + 1)
    return nats / math.log(2.0)


def vector_bits(vectors: ArrayLike, step: float = STEP_DB) -> float:
    """Bits per vector: Σ log2 of how many multiples of `step` lie in each coordinate's range.

    A coordinate that never changes costs nothing. The ranges themselves belong to the bank.

    Args:
        vectors: [events, coordinates].
        step: of the rounding.
    """
    levels = np.rint(np.asarray(vectors, float) / step)
    if levels.size == 0:
        return 0.0
    return float(np.sum(np.log2(levels.max(axis=0) - levels.min(axis=0) + 1.0)))


def rates(events: int, values: int, seconds: float) -> dict[str, float | None]:
    """Events, values and bits per second; None for an empty recording.

    Args:
        events: count.
        values: numbers they carry, the bank apart.
        seconds: length of the recording.
    """
    if seconds <= 0.0:
        return {"events_per_s": None, "values_per_s": None, "bits_per_s": None}
    return {
        "events_per_s": events / seconds,
        "values_per_s": values / seconds,
        "bits_per_s": BITS_PER_VALUE * values / seconds,
    }
