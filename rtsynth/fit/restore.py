"""From a checkpoint to the files that are played, without the recordings. Thread: worker."""

import os

import numpy as np
import torch

from rtsynth.decompose import Recording
from rtsynth.errors import FileFormatError
from rtsynth.events import Score
from rtsynth.fit.bake import bake
from rtsynth.fit.checkpoint import Checkpoint, unpack_files
from rtsynth.fit.experiment import Experiment, FieldSize
from rtsynth.fit.macro import rotate
from rtsynth.fit.material import SHORTEST, prepare
from rtsynth.fit.model import Model
from rtsynth.instrument import Instrument

__all__ = ["bake_checkpoint"]


def bake_checkpoint(path: str | os.PathLike[str]) -> tuple[list[Score], Instrument]:
    """The best state of a checkpoint as scores and their instrument.

    Raises:
        FileFormatError: damaged, or no checkpoint.
    """
    found = Checkpoint.load(path)
    scores, instrument = unpack_files(found.arrays)
    try:
        rate = int(found.facts["sample_rate"])
        size = found.facts["field"]
        experiment = Experiment(
            field=None if size is None else FieldSize(**size),
            choice=str(found.facts["choice"]),
            candidates=int(found.facts["candidates"]),
        )
        pairs = [(_silence(score, rate), score) for score in scores]
        material = prepare(pairs, instrument)
        model = Model(material, experiment)
        best = found.tensors("best.")
        with torch.no_grad():
            model.events.resonance.copy_(best.pop("resonance"))
            model.load_state_dict(best)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise FileFormatError(f"{path}: damaged checkpoint ({error}); fit again") from None
    made, better = bake(model, material)
    made, better, _ = rotate(made, better)
    return made, better


def _silence(score: Score, sample_rate: int) -> Recording:
    frames = max(round(score.seconds * sample_rate), SHORTEST)
    silence = np.zeros((frames, score.channels))
    return Recording(silence, sample_rate, score.sample_rate, score.source)
