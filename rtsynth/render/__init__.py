"""From files to samples: instruments made ready for an engine, scores rendered offline."""

from rtsynth.render.load import instrument_beside, load_score, save_score
from rtsynth.render.offline import render_score, run_engine, score_seconds
from rtsynth.render.rate import at_rate

__all__ = [
    "at_rate",
    "instrument_beside",
    "load_score",
    "render_score",
    "run_engine",
    "save_score",
    "score_seconds",
]
