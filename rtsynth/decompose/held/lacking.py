"""What a line's partials lack of the recording, band by band: the noise of its notes and breaths.

Consonants, bow and breath, and what lies above the highest partial. It is what all notes together
leave, so that nothing between two of them is forgotten or counted twice. Thread: worker.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.breath import breaths_between
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.sustained.blowing import band_power, curves_of, floor_between
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.instrument import BLOW_BANDS, BLOW_EDGES_HZ

__all__ = ["NoiseCurves", "line_noise"]

SMALL = 1e-12
MISFIT = 4.0  # times the power of partials in a band may be their own misfit

NoiseCurves = tuple[Float, Float, Float]
"""[16] RMS amplitudes, [points, 16] log2 gains, [points] log2 of the common gain."""


def line_noise(
    signal: Float, left: Float, sample_rate: float, notes: list[MeasuredNote]
) -> tuple[list[MeasuredNote], list[NoiseCurves]]:
    """What lies between a line's notes, and the noise of each note, then of what lies between.

    Where notes overlap each has its share of it by its level.

    Args:
        signal: [samples].
        left: [samples] the same without its notes' partials.
        sample_rate: Hz.
        notes: of the line, at least one.

    Returns:
        stretches as notes without partials, and curves for all.
    """
    count = int(len(left) / (STEP_S * sample_rate)) + 1
    lack = band_power(left, sample_rate, 0, count)
    power = [np.sum(note.level**2, axis=0) + SMALL for note in notes]
    loudest = max(float(own.max()) for own in power)
    breaths = breaths_between(lack.sum(axis=1), loudest, sample_rate, notes)
    power += [np.full(len(breath.bend), SMALL) for breath in breaths]
    places = [
        np.minimum(round(note.onset / sample_rate / STEP_S) + np.arange(len(own)), count - 1)
        for note, own in zip([*notes, *breaths], power, strict=True)
    ]
    total = np.zeros(count)
    for place, own in zip(places, power, strict=True):
        np.add.at(total, place, own)
    shares = [own / total[place] for place, own in zip(places, power, strict=True)]
    power = [lack[p] * s[:, None] for p, s in zip(places, shares, strict=True)]
    for note, own in zip(notes, power, strict=False):  # breaths have no partials
        np.minimum(own, _believed(own, note, signal[note.onset :], sample_rate), out=own)
    return breaths, [curves_of(own) for own in power]


def _believed(power: Float, note: MeasuredNote, signal: Float, sample_rate: float) -> Float:
    """[points, 16] how much of what a note leaves is noise and no misfit of its partials.

    As much as lies between them, and more where it is louder than they are; everything where a note
    is too short, or a band too narrow, to tell (below 0.34 s, and 110 Hz).
    """
    floor = floor_between(signal, sample_rate, len(power)) ** 2
    freq_hz = note.pitch_hz * np.outer(note.ratio, np.exp2(note.bend / 12.0))
    band = np.clip(np.searchsorted(BLOW_EDGES_HZ, freq_hz) - 1, 0, BLOW_BANDS - 1)
    partials = np.zeros_like(power)
    for own, level in zip(band, note.level, strict=True):
        np.add.at(partials, (np.arange(len(power)), own), 0.5 * level**2)
    believed: Float = np.maximum(floor, power - MISFIT * partials)
    return believed
