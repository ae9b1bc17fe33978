"""Snapping the events' vectors to a learned set, and what either way of writing them costs.

Thread: worker.
"""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from rtsynth.events import EventTable, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics.sparsity import event_bits
from rtsynth.nn.codebook import Codebook

__all__ = ["bits_per_event", "snap"]


def _vectors(scores: list[Score]) -> NDArray[np.float32]:
    """[events, 32] of all modal events."""
    rows = [score.table.rows for score in scores]
    vectors: NDArray[np.float32] = np.concatenate(
        [r["vector"][r["kind"] == Kind.MODAL] for r in rows]
    )
    return vectors


def snap(scores: list[Score], entries: int) -> tuple[list[Score], float, int]:
    """Every modal event's vector replaced by the nearest of at most `entries`.

    Returns:
        New scores; the root mean square distance per coordinate, dB; the entries in use.
    """
    vectors = _vectors(scores)
    if len(vectors) == 0:
        return scores, 0.0, 0
    book = Codebook.learn(torch.from_numpy(vectors.astype(float)), entries)
    made = []
    for score in scores:
        rows = score.table.rows.copy()
        modal = rows["kind"] == Kind.MODAL
        rows["vector"][modal] = book.snap(torch.from_numpy(rows["vector"][modal]))[1].numpy()
        names, meta = score.table.labels()
        table = EventTable.from_rows(rows, list(score.table.group_names), names, meta)
        made.append(dataclasses.replace(score, table=table))
    off_db = float(np.sqrt(np.mean((_vectors(made) - vectors) ** 2)))
    return made, off_db, len(book.entries)


def bits_per_event(
    scores: list[Score], instrument: Instrument, entries: int = 256
) -> dict[str, float]:
    """Bits per event with the vector's coordinates, and with a code of `entries` instead."""
    seconds = sum(score.seconds for score in scores)
    found = event_bits(seconds, instrument.resonances, _vectors(scores), entries=max(entries, 1))
    if found is None:
        return {"bits_per_event_continuous": 0.0, "bits_per_event_snapped": 0.0}
    return {
        "bits_per_event_continuous": found.continuous,
        "bits_per_event_snapped": found.snapped,
    }
