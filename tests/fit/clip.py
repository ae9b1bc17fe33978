"""Short real sounds with their scores, cut from the shipped ones."""

import dataclasses

import numpy as np

from rtsynth.decompose import Recording, read_audio
from rtsynth.events import EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.presets import find_shipped
from rtsynth.render import load_score


def a_clip(name: str = "tabla", seconds: float = 1.5) -> tuple[Recording, Score, Instrument]:
    """The beginning of a shipped recording, the events in it, their instrument."""
    score, instrument = load_score(find_shipped(f"{name}.score.safetensors"))
    recording = read_audio(find_shipped(f"audio/{name}.flac"))
    frames = recording.frames[: round(seconds * recording.sample_rate)]
    events = [e for e in score.table if e.onset_s < seconds - 0.05]
    score = dataclasses.replace(score, table=EventTable(events), seconds=seconds)
    return dataclasses.replace(recording, frames=np.ascontiguousarray(frames)), score, instrument
