"""Training an instrument on recordings with their scores. Thread: worker."""

from rtsynth.fit.experiment import Experiment, FieldSize, LossTerm, Rates, Weights
from rtsynth.fit.macro import rotate
from rtsynth.fit.recipe import load_experiment
from rtsynth.fit.restore import bake_checkpoint
from rtsynth.fit.run import FitResult, fit

__all__ = [
    "Experiment",
    "FieldSize",
    "FitResult",
    "LossTerm",
    "Rates",
    "Weights",
    "bake_checkpoint",
    "fit",
    "load_experiment",
    "rotate",
]
