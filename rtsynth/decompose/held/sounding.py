"""What the measured curves of a line sound like, its partials apart from its noise.

The levels of `rtsynth.decompose.drawn`, quick enough to listen while the curves are still being
moved: partials start at phase 0, their levels are straight from point to point, and one that ever
comes too near half the sample rate is left out. Thread: worker.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import RING_LEVELS
from rtsynth.decompose.drawn import even_noise, held_gain, tone_between
from rtsynth.decompose.held.line import HeldLine, bowed_partials
from rtsynth.decompose.sustained.pitch import STEP_S, phase_of
from rtsynth.dsp.texture import HOP, band_weights
from rtsynth.instrument import NOISE_BANDS, NOISE_EDGES_HZ
from rtsynth.instrument.field import TONE
from rtsynth.units import LN1000

__all__ = ["line_sound", "toned_partials"]

UNHEARD = 1e-6
HIGHEST = 0.49  # of the sample rate, as the formula has it


def line_sound(line: HeldLine, sample_rate: float, length: int) -> tuple[Float, Float]:
    """[length] the partials of all notes, and [length] the noise of all notes and breaths.

    Args:
        line: with its curves.
        sample_rate: Hz.
        length: samples.
    """
    partials, noise = np.zeros(length), np.zeros(length)
    weights = band_weights(NOISE_EDGES_HZ, sample_rate).astype(float)
    for index, note in enumerate(line.notes):
        room = length - note.onset
        for sound, of_note in (
            (partials, _partials(line, index, sample_rate, room)),
            (noise, _noise(line, index, sample_rate, room, weights)),
        ):
            sound[note.onset : note.onset + len(of_note)] += of_note
    return partials, noise


def toned_partials(line: HeldLine, index: int) -> tuple[Float, Float]:
    """[partials, points] Hz and amplitude of a note's partials under all its curves."""
    drawn = line.controls[index]
    pitch_hz = line.notes[index].pitch_hz
    freq_hz, level = bowed_partials(pitch_hz, line.sizes(index), drawn, line.t60_s)
    toned = tone_between(drawn[:, TONE:], freq_hz.T).T
    return freq_hz, level * np.exp2(toned)


def _partials(line: HeldLine, index: int, sample_rate: float, room: int) -> Float:
    note = line.notes[index]
    if not len(note.ratio):
        return np.zeros(0)
    freq_hz, level = toned_partials(line, index)
    held = round(len(note.bend) * STEP_S * sample_rate)
    dying_t60_s = 1.0 / (1.0 / line.t60_s + 1.0 / line.release_s(index))
    length = min(room, held + round(RING_LEVELS * dying_t60_s * sample_rate))
    phase = phase_of(freq_hz[0], length, sample_rate)
    place = np.arange(length) / (STEP_S * sample_rate)
    sound = np.zeros(length)
    for number, (hz, own) in enumerate(zip(freq_hz, level, strict=True), start=1):
        if own.max() > UNHEARD and hz.max() < HIGHEST * sample_rate:
            sound += np.interp(place, np.arange(len(own)), own) * np.cos(number * phase)
    age_s = np.maximum(np.arange(length) - held, 0) / sample_rate
    dying: Float = sound * np.exp(-LN1000 * age_s / dying_t60_s)
    return dying


def _noise(line: HeldLine, index: int, sample_rate: float, room: int, weights: Float) -> Float:
    note, drawn = line.notes[index], line.controls[index][:, :NOISE_BANDS]
    held = np.ceil(note.duration_s * sample_rate)
    length = min(room, int(held) + HOP)
    centre = np.arange(length // HOP + 2) * HOP / (STEP_S * sample_rate)
    bands = np.stack([np.interp(centre, np.arange(len(c)), c) for c in drawn.T], axis=1)
    gain = line.blow_gain[line.resonance[index]] * line.gain[index]
    seed = index + 1  # as `bake_line` gives it to the event
    power = (gain * np.exp2(bands)) ** 2 @ weights
    power[0] = 0.0  # it fades in with the grain that begins at the onset
    noise = even_noise(seed, power, length)
    quiet: Float = noise * held_gain(length, held, sample_rate)
    return quiet
