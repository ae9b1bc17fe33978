"""A recording of a sustained line as one event per note. Thread: worker."""

import numpy as np
from threadpoolctl import threadpool_limits

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.bake import bake_line, line_of
from rtsynth.decompose.held.breath import without_gaps
from rtsynth.decompose.held.legato import notes_along, split_path
from rtsynth.decompose.held.levelled import levelled
from rtsynth.decompose.held.line import CODE, HeldLine
from rtsynth.decompose.held.measure import measure_notes
from rtsynth.decompose.held.or_struck import is_held
from rtsynth.decompose.held.voicing import PitchPath, pitch_path
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.recipe import Recipe
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.events import Score
from rtsynth.instrument import Instrument
from rtsynth.instrument.field import FieldWeights

__all__ = ["LONGEST_S", "draw_line", "find_line", "measured_line"]

LONGEST_S = 120.0  # a field learns so much at once
TAUGHT_S, MOST_LESSONS = 12.0, 2.0  # of notes a recipe's steps are for; times as many for more
FREQUENCIES, HIDDEN = 32, 128  # of the field; half as many lose 0.3 MOS on singing
LONG_NOISE_S = 20.0  # a minute of noise loses 0.3 MOS to a field so small, 0.1 to one twice as wide


def measured_line(
    signal: Float,
    path: PitchPath,
    pieces: list[tuple[int, int]],
    sample_rate: float,
    modes: int,
) -> HeldLine | None:
    """The notes along a pitch path and their curves, before a field has learned them.

    Args:
        signal: [samples].
        path: its pitch.
        pieces: points of the path that each note takes.
        sample_rate: Hz.
        modes: at most so many partials of a note.

    Returns:
        None where no note shows partials.
    """
    found = notes_along(signal, sample_rate, path, pieces).notes
    notes, left = measure_notes(signal, sample_rate, found, modes)
    if not notes:
        return None
    closed = without_gaps(notes, sample_rate)
    return levelled(line_of(signal, left, sample_rate, closed), signal, sample_rate)


def draw_line(line: HeldLine, recording: Recording, recipe: Recipe) -> tuple[Score, Instrument]:
    """Score and instrument of a line, its curves learned by a field.

    Without torch each event keeps its mean bow and pitch.
    """
    field, code = _learned(line, recipe)
    modes = recipe.few_modes if line.pitched else 1
    score, instrument = bake_line(line, recording, code, modes)
    instrument.field = field
    score.instrument = instrument.fingerprint()
    return score, instrument


def find_line(recording: Recording) -> tuple[Float, PitchPath, list[tuple[int, int]]] | None:
    """Its one channel, its pitch path and the path's notes, if a recording surely is a line."""
    if recording.seconds > LONGEST_S:
        return None
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    path = pitch_path(signal, rate)
    pieces = split_path(path)
    return (signal, path, pieces) if is_held(signal, rate, path, pieces) else None


def _learned(line: HeldLine, recipe: Recipe) -> tuple[FieldWeights | None, Float]:
    try:
        from rtsynth.nn.regress_line import draw_line_curves
    except ImportError:
        return None, np.zeros((len(line.notes), CODE))
    seconds = STEP_S * sum(len(own) for own in line.controls)
    longer = float(np.clip(seconds / TAUGHT_S, 1.0, MOST_LESSONS))
    wider = 2 if not line.pitched and seconds > LONG_NOISE_S else 1
    with threadpool_limits(1):  # small matrices: a second thread waits, badly on a busy machine
        return draw_line_curves(
            line.controls,
            line.weight,
            STEP_S,
            np.array([note.duration_s for note in line.notes]),
            line.resonance,
            line.offset_db,
            CODE,
            steps=round(longer * recipe.curve_steps),
            frequencies=wider * FREQUENCIES,
            hidden=wider * HIDDEN,
            seed=recipe.seed,
        )
