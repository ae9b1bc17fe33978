"""The facts about a decomposition, as plain numbers for a JSON file. Thread: any."""

from typing import Any

import numpy as np

from rtsynth.decompose.disk import Samples
from rtsynth.decompose.recording import Recording
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import compare

__all__ = ["count_values", "make_report"]

DEFAULT_FIELDS = {"transpose": 0.0, "damp": 1.0, "bright": 0.0, "inharm": 0.0, "pan": 0.0}
EXCERPTS, EXCERPT_S = 4, 15.0  # the spectra of a minute take half a gigabyte
ALWAYS = 3  # onset, gain, resonance


def make_report(
    score: Score,
    instrument: Instrument,
    recording: Recording,
    resynthesis: Samples,
    notes: list[str],
    seconds_taken: float,
) -> dict[str, Any]:
    """Everything worth telling about a decomposition; every number is finite or None."""
    seconds = max(recording.seconds, 1e-9)
    used = sorted({int(r) for r in score.table.rows["resonance"]}) if len(score.table) else []
    return {
        "source": recording.source,
        "seconds": recording.seconds,
        "sample_rate": recording.source_rate,
        "channels": recording.channels,
        "events": len(score.table),
        "textures": int(np.sum(score.table.rows["kind"] == Kind.TEXTURE)),
        "resonances": len(used),
        "modes": int(np.count_nonzero(instrument.freq_hz)),
        "events_per_s": len(score.table) / seconds,
        "values_per_s": count_values(score) / seconds,
        "seconds_taken": seconds_taken,
        "metrics": compare(*_excerpts(recording, resynthesis), recording.sample_rate),
        "notes": list(notes),
    }


def _excerpts(recording: Recording, resynthesis: Samples) -> tuple[Samples, Samples]:
    """Both sounds, or of long ones `EXCERPTS` stretches spread evenly, one after the other."""
    frames, part = recording.frames, round(EXCERPT_S * recording.sample_rate)
    if len(frames) <= EXCERPTS * part:
        return frames, resynthesis
    starts = np.linspace(0, len(frames) - part, EXCERPTS).astype(int)
    first, second = (
        np.concatenate([sound[start : start + part] for start in starts]).astype(float)
        for sound in (frames, resynthesis)
    )
    return first, second


def count_values(score: Score) -> int:
    """Numbers the events carry beyond their defaults; the bank is not counted."""
    rows = score.table.rows
    total = ALWAYS * len(rows) + int(np.count_nonzero(rows["vector"]))
    total += int(np.sum(np.isfinite(rows["duration_s"]))) * 2  # with its release
    for name, default in DEFAULT_FIELDS.items():
        total += int(np.sum(rows[name] != np.float32(default)))
    return total
