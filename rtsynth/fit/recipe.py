"""Reading an experiment from YAML. Thread: main."""

import os

from rtsynth.fit.experiment import Experiment, LossTerm
from rtsynth.losses import make_loss
from rtsynth.yamlfile import load_record

__all__ = ["load_experiment"]


def load_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment.

    Raises:
        FileFormatError: unreadable, no YAML, or an unknown key or illegal value in it.
    """
    return load_record(path, Experiment, _check)


def _check(record: object) -> None:
    """Make a loss term's loss for once: its settings are known only to itself."""
    if isinstance(record, LossTerm):
        make_loss(record.name, record.settings)
