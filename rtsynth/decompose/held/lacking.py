"""What a line's partials lack of the recording, band by band: the noise of its notes and breaths.

Consonants, bow and breath, and what lies above the highest partial. It is what all notes together
leave, so that nothing between two of them is forgotten or counted twice. Thread: worker.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.breath import breaths_between
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.sustained.blowing import band_power
from rtsynth.decompose.sustained.pitch import STEP_S

__all__ = ["line_noise"]

SMALL = 1e-12
SMOOTHING_S = 0.024
LEAST_SHARE = 0.1  # of what is left: under loud partials what lacks cannot be told


def line_noise(
    signal: Float, left: Float, sample_rate: float, notes: list[MeasuredNote]
) -> tuple[list[MeasuredNote], list[Float]]:
    """What lies between a line's notes, and the noise of each note, then of what lies between.

    Where notes overlap each has its share of it by its level.

    Args:
        signal: [samples].
        left: [samples] the same without its notes' partials.
        sample_rate: Hz.
        notes: of the line, at least one.

    Returns:
        stretches as notes without partials, and for all [points, 32] RMS amplitudes per band.
    """
    count = int(len(left) / (STEP_S * sample_rate)) + 1
    lack = _lacking(signal, left, sample_rate, count)
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
    amplitude = [np.sqrt(lack[p] * s[:, None]) for p, s in zip(places, shares, strict=True)]
    return breaths, amplitude


def _lacking(signal: Float, left: Float, sample_rate: float, count: int) -> Float:
    """[points, 32] power: what is left, as far as it brings the partials to the recording's level.

    A partial that is a little out of phase leaves much and lacks nothing. How partials and noise
    happen to add up at a moment has to be smoothed out before the two are compared.
    """
    whole, own, rest = (
        band_power(sound, sample_rate, 0, count) for sound in (signal, signal - left, left)
    )
    lack, left_over = (
        gaussian_filter1d(power, SMOOTHING_S / STEP_S, axis=0) for power in (whole - own, rest)
    )
    lacking: Float = rest * np.clip(lack / (left_over + SMALL), LEAST_SHARE, 1.0)
    return lacking
