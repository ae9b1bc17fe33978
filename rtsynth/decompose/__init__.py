"""From a recording to events: onsets, modes, a shared bank, the joint fit. Thread: worker."""

from rtsynth.decompose.importance import Ranking, keep_events, rank_events
from rtsynth.decompose.keys.note import Note, read_notes
from rtsynth.decompose.picture import draw
from rtsynth.decompose.pipeline import (
    Decomposition,
    decompose,
    decompose_array,
    decompose_file,
    decompose_until,
)
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recipe_file import load_recipe
from rtsynth.decompose.recording import Recording, read_audio, recording_from_array
from rtsynth.decompose.report import count_values
from rtsynth.decompose.step_picture import draw_step
from rtsynth.decompose.synthesis import event_signal, render_score
from rtsynth.decompose.texture.fit import TextureFit, fit_texture, render_texture
from rtsynth.decompose.texture.statistics import texture_statistics, texture_w1

__all__ = [
    "Decomposition",
    "Note",
    "Ranking",
    "Recipe",
    "Recording",
    "TextureFit",
    "count_values",
    "decompose",
    "decompose_array",
    "decompose_file",
    "decompose_until",
    "draw",
    "draw_step",
    "event_signal",
    "fit_texture",
    "keep_events",
    "load_recipe",
    "rank_events",
    "read_audio",
    "read_notes",
    "recording_from_array",
    "render_score",
    "render_texture",
    "texture_statistics",
    "texture_w1",
]
