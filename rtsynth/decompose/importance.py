"""Which events a score can least do without: a nested order, most important first. Thread: any.

An event's powers are taken in bands an ear keeps apart; those of all events add, as what is not in
phase does. What is heard of them is Σ (P + floor)^0.3 − floor^0.3 over bands and time, 10 dB being
twice as loud (Stevens 1957). It grows with every event and by ever less, so that taking next what
adds most is within 1 − 1/e of the best choice of any size (Nemhauser, Wolsey, Fisher 1978), and a
gain once computed is a bound on what is left of it later (Minoux 1978): few are computed twice.
Time and memory are linear in what sounds.
"""

import dataclasses
import heapq

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.band_power import BANDS, Powers, powers_of
from rtsynth.errors import ValueRangeError
from rtsynth.events import EventTable, Score
from rtsynth.instrument import Instrument

__all__ = ["Ranking", "keep_events", "rank_events"]

LOUDNESS_POWER = 0.3  # sones per power
HEARD_DB = 80.0  # what lies further below the loudest band is not heard beside it

Float = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Ranking:
    """Events by importance.

    Attributes:
        ids: most important first; those never heard last, by onset.
        heard: share of the loudness of all that the first n + 1 of them bring, rising to 1.
    """

    ids: tuple[int, ...]
    heard: tuple[float, ...]


def rank_events(score: Score, instrument: Instrument) -> Ranking:
    """The events by what would be missing without them.

    Args:
        score: muted events come last.
        instrument: its bank.
    """
    events = list(score.table)
    heard = powers_of(score, instrument)
    total = np.zeros((max((h.span.stop for h in heard), default=0), BANDS))
    for part in heard:
        total[part.span] += part.power
    floor = 10.0 ** (-HEARD_DB / 10.0) * float(total.max(initial=0.0))
    whole = float(np.sum(_loudness(total, floor)))
    order, shares = _greedy(heard, np.zeros_like(total), floor)
    ids = tuple(events[index].id for index in order)
    return Ranking(ids, tuple(min(1.0, share / whole) if whole else 1.0 for share in shares))


def keep_events(score: Score, ranking: Ranking, count: int) -> Score:
    """The score with its most important events only; a shorter one is part of every longer one.

    Args:
        score: left as it is.
        ranking: of its events.
        count: how many stay, 0 … all.

    Raises:
        ValueRangeError: more than there are, or fewer than none.
    """
    if not 0 <= count <= len(ranking.ids):
        raise ValueRangeError(
            f"{count} events; legal: 0 … {len(ranking.ids)}, as many as the score has",
            field="events",
        )
    kept = frozenset(ranking.ids[:count])
    table = EventTable(event for event in score.table if event.id in kept)
    return dataclasses.replace(score, table=table)


def _greedy(heard: list[Powers], kept: Float, floor: float) -> tuple[list[int], list[float]]:
    """Indices in the order in which each adds most, and the loudness of all up to each."""
    waiting = [(-_added(part, kept, floor), index) for index, part in enumerate(heard)]
    heapq.heapify(waiting)
    order: list[int] = []
    loudness: list[float] = []
    while waiting:
        _, index = heapq.heappop(waiting)
        now = -_added(heard[index], kept, floor), index
        if waiting and now > waiting[0]:
            heapq.heappush(waiting, now)
            continue
        kept[heard[index].span] += heard[index].power
        order.append(index)
        loudness.append((loudness[-1] if loudness else 0.0) - now[0])
    return order, loudness


def _added(part: Powers, kept: Float, floor: float) -> float:
    before = kept[part.span]
    return float(np.sum(_loudness(before + part.power, floor) - _loudness(before, floor)))


def _loudness(power: Float, floor: float) -> Float:
    raised: Float = (power + floor) ** LOUDNESS_POWER - floor**LOUDNESS_POWER
    return raised
