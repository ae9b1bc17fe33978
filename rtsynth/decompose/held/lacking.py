"""What the modes of a line lack of the recording, band by band: the noise of its notes and breaths.

So notes and noise together have the recording's level in every band, whatever the notes could not
follow: consonants, bow and breath, what lies above the highest partial. Thread: worker.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.breath import breaths_between
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.sustained.blowing import band_power, curves_of
from rtsynth.decompose.sustained.pitch import STEP_S

__all__ = ["NoiseCurves", "line_noise"]

SMALL = 1e-12

NoiseCurves = tuple[Float, Float, Float]
"""[16] RMS amplitudes, [points, 16] log2 gains, [points] log2 of the common gain."""


def line_noise(
    left: Float, sample_rate: float, notes: list[MeasuredNote]
) -> tuple[list[MeasuredNote], list[NoiseCurves]]:
    """What lies between a line's notes, and the noise of each note, then of what lies between.

    Where notes overlap each has its share of it by its level.

    Args:
        left: [samples] the signal without its notes' partials.
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
    noise = [curves_of(lack[p] * s[:, None]) for p, s in zip(places, shares, strict=True)]
    return breaths, noise
