"""From files to samples: instruments made ready for an engine, scores rendered offline."""

from rtsynth.render.drawing import Drawer, drawer_for
from rtsynth.render.load import instrument_beside, load_score, save_score
from rtsynth.render.offline import advance, render_score, run_engine, score_seconds
from rtsynth.render.rate import at_rate
from rtsynth.render.renderer import RENDERERS, grains_wanted, look_ahead, worker_for

__all__ = [
    "RENDERERS",
    "Drawer",
    "advance",
    "at_rate",
    "drawer_for",
    "grains_wanted",
    "instrument_beside",
    "load_score",
    "look_ahead",
    "render_score",
    "run_engine",
    "save_score",
    "score_seconds",
    "worker_for",
]
