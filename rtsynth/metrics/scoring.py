"""How well a score says what was played: its events against the truth. Thread: any."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics.note import note_number, note_scores
from rtsynth.metrics.onset import events_per_note, merge_onsets, onset_scores
from rtsynth.metrics.truth import Truth

__all__ = ["event_pitches", "score_against", "score_onsets"]

WIDE_S, NARROW_S = 0.05, 0.01


def played(score: Score) -> NDArray[np.void]:
    """Rows of the events somebody plays: neither textures nor muted ones."""
    rows = score.table.rows
    chosen: NDArray[np.void] = rows[(rows["kind"] != Kind.TEXTURE) & (rows["muted"] == 0)]
    return chosen


def event_pitches(score: Score, instrument: Instrument) -> NDArray[np.float64]:
    """[events] MIDI numbers of the played events, by their resonances' names; NaN for no note.

    Args:
        score: its textures and muted events are left out.
        instrument: a resonance that sounds a note has its name.
    """
    rows = played(score)
    numbers = [note_number(name) for name in instrument.names]
    own = np.array([np.nan if number is None else number for number in numbers])
    pitches: NDArray[np.float64] = own[rows["resonance"]] + rows["transpose"].astype(float)
    return pitches


def score_onsets(true_s: ArrayLike, found_s: ArrayLike) -> dict[str, float | None]:
    """F1 at ±50 and ±10 ms and the median offset in ms, chords merged on both sides.

    Args:
        true_s: [onsets] seconds.
        found_s: [onsets] seconds.
    """
    truth, found = merge_onsets(true_s), merge_onsets(found_s)
    wide, narrow = (onset_scores(truth, found, window) for window in (WIDE_S, NARROW_S))
    offset = wide.median_offset_s
    return {
        "onset_f1": wide.f1,
        "onset_f1_10ms": narrow.f1,
        "onset_offset_ms": None if offset is None else 1000.0 * offset,
    }


def score_against(score: Score, instrument: Instrument, truth: Truth) -> dict[str, float | None]:
    """Onsets, notes and economy of a score.

    Args:
        score: what was found.
        instrument: its bank; the names of its resonances give the pitches.
        truth: what there was to find.

    Returns:
        `onset_f1`, `onset_f1_10ms`, `onset_offset_ms`, `note_f1` (None where the truth has no
        notes; events of unpitched resonances neither help nor harm it) and `events_per_note`.
    """
    rows, pitches = played(score), event_pitches(score, instrument)
    notes = truth.notes
    pitched = np.isfinite(pitches)
    found = note_scores(
        [note.onset_s for note in notes],
        [note.pitch for note in notes if note.pitch is not None],
        rows["onset_s"][pitched],
        pitches[pitched],
    )
    return {
        **score_onsets([event.onset_s for event in truth.events], rows["onset_s"]),
        "note_f1": found.f1 if notes else None,
        "events_per_note": events_per_note(len(rows), len(truth.events)),
    }
