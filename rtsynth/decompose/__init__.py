"""From a recording to events: onsets, modes, a shared bank, the joint fit. Thread: worker."""

from rtsynth.decompose.picture import draw
from rtsynth.decompose.pipeline import Decomposition, decompose, decompose_array, decompose_file
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording, read_audio, recording_from_array
from rtsynth.decompose.report import count_values
from rtsynth.decompose.synthesis import event_signal, render_score

__all__ = [
    "Decomposition",
    "Recipe",
    "Recording",
    "count_values",
    "decompose",
    "decompose_array",
    "decompose_file",
    "draw",
    "event_signal",
    "read_audio",
    "recording_from_array",
    "render_score",
]
