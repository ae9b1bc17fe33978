"""Fitting: recordings with their scores and instrument in, better ones out. Thread: worker."""

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

import torch

from rtsynth.decompose import Recording
from rtsynth.events import Score
from rtsynth.fit.bake import bake
from rtsynth.fit.checkpoint import Checkpoint
from rtsynth.fit.experiment import Experiment
from rtsynth.fit.macro import rotate
from rtsynth.fit.material import prepare
from rtsynth.fit.measure import measure
from rtsynth.fit.trainer import Trainer, validate
from rtsynth.instrument import Instrument

__all__ = ["FitResult", "fit"]

LEAST_GAIN = 1e-4  # share of the distance; less is rounding


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What came out.

    Attributes:
        scores: one per recording, as given if nothing improved.
        instrument: theirs.
        improved: whether the engine plays them closer to the recordings than before.
        report: JSON-able facts: metrics before and after, steps, seconds, macros, notes.
    """

    scores: list[Score]
    instrument: Instrument
    improved: bool
    report: dict[str, Any]


def fit(
    recordings: list[tuple[Recording, Score]],
    instrument: Instrument,
    experiment: Experiment,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    log: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> FitResult:
    """Train bank, events and field on recordings; the result is never worse than what came in.

    Args:
        recordings: each with its score, all on the one instrument.
        instrument: where training begins.
        experiment: the recipe.
        checkpoint: file to write while training.
        resume: checkpoint to go on from; the result is that of an unbroken run.
        log: JSON-lines file, one line per step, appended to.
        progress: show a progress bar on stderr.

    Raises:
        FileFormatError: material or checkpoint do not fit together.
        RtsynthError: the device is missing, or training has no finite gradient any more.
    """
    began = time.perf_counter()
    scores = [score for _, score in recordings]
    prepare(recordings, instrument)  # so that what does not belong together is refused first
    turned, start, notes = rotate(scores, instrument)
    pairs = [(r, s) for (r, _), s in zip(recordings, turned, strict=True)]
    material = prepare(pairs, start)
    trainer = Trainer(material, experiment)
    if resume is not None:
        trainer.resume(Checkpoint.load(resume))
    trainer.run(
        checkpoint=None if checkpoint is None else Path(checkpoint),
        log=None if log is None else Path(log),
        progress=progress,
    )
    trainer.take_best()
    made, better, more = rotate(*bake(trainer.model, material))
    before, after = (validate(material, *pair) for pair in ((scores, instrument), (made, better)))
    improved = after < (1.0 - LEAST_GAIN) * before
    if not improved:
        made, better = scores, instrument
        more = ["nothing improved: score and instrument are as they came in"]
    report = {
        "experiment": experiment.name,
        "device": str(trainer.device),
        "threads": torch.get_num_threads(),
        "steps": trainer.step,
        "improved": improved,
        "before": _measures(recordings, scores, instrument),
        "after": _measures(recordings, made, better),
        "macros": better.macros,
        "notes": list(dict.fromkeys([*notes, *more])),
        "seconds_taken": time.perf_counter() - began,
    }
    return FitResult(made, better, improved, report)


def _measures(
    recordings: list[tuple[Recording, Score]], scores: list[Score], instrument: Instrument
) -> dict[str, float | None]:
    """Mean over recordings of everything measured, weighed by length; None where undefined."""
    found = [
        (len(r.frames), measure(r.frames, score, instrument, r.sample_rate))
        for (r, _), score in zip(recordings, scores, strict=True)
    ]
    total = sum(weight for weight, _ in found)
    means: dict[str, float | None] = {}
    for name in found[0][1]:
        values = [(w, facts[name]) for w, facts in found]
        known = [w * v for w, v in values if v is not None]
        means[name] = sum(known) / total if len(known) == len(values) else None
    return means
