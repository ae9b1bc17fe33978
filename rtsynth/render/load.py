"""A score together with the instrument it was made with. Thread: main."""

import os
from pathlib import Path

from rtsynth.errors import FileFormatError
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument

__all__ = ["instrument_beside", "load_score", "save_score"]

SCORE_SUFFIX = ".score.safetensors"
INSTRUMENT_SUFFIX = ".instrument.safetensors"


def instrument_beside(score_path: str | os.PathLike[str]) -> Path:
    """Where the instrument of a score is written: beside it, under the same name."""
    path = Path(score_path)
    return path.with_name(path.name.removesuffix(SCORE_SUFFIX) + INSTRUMENT_SUFFIX)


def save_score(score: Score, instrument: Instrument, path: str | os.PathLike[str]) -> Path:
    """Write a score and, beside it, its instrument; returns the instrument's path.

    The instrument goes first: a score never stands without it.
    """
    beside = instrument_beside(path)
    try:
        instrument.save(beside)
        score.instrument = instrument.fingerprint()
        score.instrument_path = beside.name
        score.save(path)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written ({error.strerror})") from None
    return beside


def load_score(path: str | os.PathLike[str]) -> tuple[Score, Instrument]:
    """Read a score and its instrument, and check that they belong together.

    Raises:
        FileFormatError: either is missing or damaged, or the instrument is another one.
    """
    score = Score.load(path)
    beside = Path(path).with_name(score.instrument_path or instrument_beside(path).name)
    instrument = Instrument.load(beside)
    if score.instrument and not instrument.is_that_of(score.instrument):
        raise FileFormatError(
            f"{beside}: is not the instrument {path} was made with; decompose the recording again "
            "or put the right file beside the score"
        )
    score.instrument = score.instrument and instrument.fingerprint()
    rows = score.table.rows
    if len(rows) and int(rows["resonance"].max()) >= instrument.resonances:
        raise FileFormatError(
            f"{path}: an event names resonance {int(rows['resonance'].max())}, the instrument has "
            f"{instrument.resonances}"
        )
    textures = rows["resonance"][rows["kind"] == Kind.TEXTURE]
    if not instrument.texture_gain[textures].any(axis=1).all():
        raise FileFormatError(f"{path}: a texture event names a resonance without a texture")
    return score, instrument
