"""A line's curves moved until what they sound like has the recording's level in every band.

Partials and noise are measured by themselves, and what they add up to is not quite the recording:
a formant lies between two tone bands, noise under a partial is told badly, neighbours leak. So the
curves are listened to and corrected a few times: partials by their share of a band's power, noise
by its share in amplitude, and where there is too much by all of it. Much of what that gains holds
for other noise than the events' own as well. Thread: worker.
"""

import dataclasses

import numpy as np
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.line import HeldLine
from rtsynth.decompose.held.sounding import line_sound, toned_partials
from rtsynth.decompose.sustained.blowing import band_power
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.instrument import CONTROL_LIMITS, NOISE_BANDS, NOISE_EDGES_HZ
from rtsynth.instrument.field import TONE, TONE_BANDS, TONE_LOW_HZ, tone_place

__all__ = ["levelled", "steps_towards"]

ROUNDS = 3
STEP, LARGEST = 0.8, 1.5  # share of what lacks that a round adds, and log2 of the most it adds
SMOOTHING_POINTS = 1.0
QUIET = 1e-9  # of the loudest: what is below lacks nothing
FAINT = 1e-3  # of the mean: a tone band with so little in it stays where it is


def levelled(line: HeldLine, signal: Float, sample_rate: float) -> HeldLine:
    """The same line with tone and noise bands corrected.

    Args:
        line: as measured.
        signal: [samples] of the recording.
        sample_rate: Hz.
    """
    count = int(len(signal) / (STEP_S * sample_rate)) + 1
    wanted = _level(signal, sample_rate, count)
    for _ in range(ROUNDS):
        partials, noise = line_sound(line, sample_rate, len(signal))
        made = _level(partials + noise, sample_rate, count)
        least = QUIET * float(wanted.max()) + np.finfo(float).tiny
        lacks = 0.5 * np.log2((wanted + least) / (made + least))
        tonal, noisy = (_level(sound, sample_rate, count) for sound in (partials, noise))
        tone_step, noise_step = steps_towards(lacks, tonal / (tonal + noisy + least))
        line = dataclasses.replace(
            line,
            controls=[
                _moved(line, index, tone_step[place], noise_step[place])
                for index, place in enumerate(_places(line, sample_rate, count))
            ],
        )
    return line


def steps_towards(lacks: Float, share: Float) -> tuple[Float, Float]:
    """[points, 32] log2 gains for the partials, and for the noise, of one round.

    Args:
        lacks: [points, 32] log2 of the amplitude wanted over the one there is.
        share: of the partials in the power there is, 0 … 1.
    """
    step = np.clip(STEP * lacks, -LARGEST, LARGEST)
    noise_step = step * np.where(step > 0.0, np.sqrt(1.0 - share), 1.0)
    return step * share, noise_step


def _level(sound: Float, sample_rate: float, count: int) -> Float:
    """[count, 32] power within each band, every `STEP_S`."""
    power = band_power(sound, sample_rate, 0, count)
    smooth: Float = np.maximum(gaussian_filter1d(power, SMOOTHING_POINTS, axis=0), 0.0)
    return smooth


def _places(line: HeldLine, sample_rate: float, count: int) -> list[Float]:
    firsts = [round(note.onset / sample_rate / STEP_S) for note in line.notes]
    return [
        np.minimum(first + np.arange(len(own)), count - 1)
        for first, own in zip(firsts, line.controls, strict=True)
    ]


def _moved(line: HeldLine, index: int, tonal: Float, noisy: Float) -> Float:
    """[points, 54] a note's curves, moved by log2 gains [points, 32] of its two parts."""
    moved = line.controls[index].copy()
    moved[:, :NOISE_BANDS] += noisy
    if len(line.notes[index].ratio):
        moved[:, TONE:] += _per_tone_band(*toned_partials(line, index), tonal)
    clipped: Float = np.clip(moved, CONTROL_LIMITS[:, 0], CONTROL_LIMITS[:, 1])
    return clipped


def _per_tone_band(freq_hz: Float, level: Float, gain: Float) -> Float:
    """[points, 16] mean of the log2 gains [points, 32] of the partials in each tone band.

    Args:
        freq_hz: [partials, points].
        level: [partials, points] amplitudes, which are the weights.
        gain: of the bands of noise that the partials lie in.
    """
    point = np.broadcast_to(np.arange(len(gain)), freq_hz.shape)
    noise_band = np.clip(np.searchsorted(NOISE_EDGES_HZ, freq_hz) - 1, 0, NOISE_BANDS - 1)
    own = gain[point, noise_band]
    place = tone_place(np.log2(freq_hz / TONE_LOW_HZ))
    below = np.minimum(place.astype(int), TONE_BANDS - 2)
    total, weight = np.zeros((len(gain), TONE_BANDS)), np.zeros((len(gain), TONE_BANDS))
    for band, near in ((below, 1.0 - (place - below)), (below + 1, place - below)):
        np.add.at(total, (point, band), near * level * own)
        np.add.at(weight, (point, band), near * level)
    mean: Float = total / (weight + FAINT * weight.mean() + np.finfo(float).tiny)
    return mean
