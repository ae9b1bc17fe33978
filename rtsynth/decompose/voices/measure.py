"""The notes of several voices as measured: each one's pitch, partials and release.

Thread: worker.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Complex, Float
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.decompose.voices.letting_go import fit_letting_go
from rtsynth.decompose.voices.note import VoiceNote
from rtsynth.decompose.voices.shares import shared_levels
from rtsynth.decompose.voices.together import (
    Cells,
    Followed,
    follow_notes,
    partial_amplitudes,
    partial_sound,
)

__all__ = ["measure_voices", "share_that_swells"]

SMOOTHING_S = 0.008
EARLY_S = 0.1
SILENT = 1e-6


def measure_voices(
    signal: Float, sample_rate: float, notes: list[VoiceNote], modes: int = 32
) -> tuple[list[MeasuredNote], Float]:
    """The notes as measured, and what they leave of the signal.

    Args:
        signal: [samples].
        sample_rate: Hz.
        notes: in order of onset, at least one.
        modes: at most so many partials each.

    Returns:
        those notes that are heard, and [samples] the signal without them.
    """
    followed = follow_notes(signal, sample_rate, notes)
    cells = partial_amplitudes(signal, sample_rate, followed, modes)
    levels = shared_levels(cells, np.array([note.pitch_hz for note in notes]))
    left = signal.copy()
    found = []
    for index, (note, own) in enumerate(zip(notes, followed, strict=True)):
        frames, level, amplitude = _laid_out(cells, index, levels)
        measured = _measured(note, own, frames * cells.hop, level, sample_rate)
        if measured is not None:
            left[own.first : own.last] -= partial_sound(own, frames, amplitude, cells.hop)
            found.append(measured)
    return found, left


def share_that_swells(notes: list[MeasuredNote]) -> float:
    """Share of the notes' time in those louder later than in their first tenth of a second, 0 … 1.

    Notes of a fifth of a second and less say nothing.

    Args:
        notes: as measured.
    """
    early = round(EARLY_S / STEP_S)
    swells = total = 0
    for note in notes:
        level = np.linalg.norm(note.level, axis=0)
        if len(level) > 2 * early:
            total += len(level)
            swells += len(level) * bool(level[early:].max() > level[:early].max())
    return swells / total if total else 0.0


def _laid_out(cells: Cells, index: int, levels: Float) -> tuple[NDArray[np.intp], Float, Complex]:
    """[frames] indices, [partials, frames] levels and complex amplitudes of one note."""
    own = np.flatnonzero(cells.note == index)
    number, frame = cells.number[own], cells.frame[own]
    frames = np.arange(frame.min(), frame.max() + 1)
    level = np.zeros((number.max(), len(frames)))
    amplitude = np.zeros(level.shape, complex)
    level[number - 1, frame - frames[0]] = levels[own]
    amplitude[number - 1, frame - frames[0]] = cells.amplitude[own]
    return frames, level, amplitude


def _measured(
    note: VoiceNote, own: Followed, at: NDArray[np.intp], level: Float, sample_rate: float
) -> MeasuredNote | None:
    """A note on points of `STEP_S` from its onset on; None if it is not heard."""
    points = int((own.last - note.onset) / sample_rate / STEP_S)
    place = note.onset + STEP_S * sample_rate * np.arange(points)
    level = np.stack([np.interp(place, at, partial) for partial in level])
    level = gaussian_filter1d(level, SMOOTHING_S / STEP_S, axis=1)
    held = max(2, int((note.end - note.onset) / sample_rate / STEP_S))
    if points < held or float(level[:, :held].max()) < SILENT:
        return None
    count, t60_s = fit_letting_go(np.linalg.norm(level, axis=0), held)
    level, pitch = level[:, :count], own.at(place[:count])
    weight = np.sum(level**2, axis=0) + SILENT**2
    mean = float(np.exp2(np.average(np.log2(pitch), weights=weight)))
    ratio = np.arange(1.0, len(level) + 1.0)
    bend = 12.0 * np.log2(pitch / mean)
    return MeasuredNote(note.onset, count * STEP_S, t60_s, mean, bend, ratio, level)
