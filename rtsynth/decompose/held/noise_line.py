"""A recording as noise alone: its stretches, and curves of their 32 bands. Thread: worker."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.drawn import RELEASE_FADE_S
from rtsynth.decompose.held.breath import unpitched_note
from rtsynth.decompose.held.levelled import levelled
from rtsynth.decompose.held.line import OFFSETS, HeldLine
from rtsynth.decompose.held.noise_curves import noise_curves
from rtsynth.decompose.sustained.blowing import band_power
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.decompose.texture.changes import find_changes
from rtsynth.decompose.texture.stretches import find_stretches
from rtsynth.dsp.texture import HOP
from rtsynth.instrument import CONTROL_LIMITS, CONTROLS, NOISE_BANDS

__all__ = ["noise_line"]

T60_S = 0.1  # of modes, of which noise has none


def noise_line(signal: Float, sample_rate: int) -> HeldLine | None:
    """The stretches of noise and their curves, before a field has learned them; None for silence.

    Stretches share a resonance between two changes of the texture.

    Args:
        signal: [samples].
        sample_rate: Hz.
    """
    count = int(len(signal) / (STEP_S * sample_rate)) + 1
    power = band_power(signal, sample_rate, 0, count)
    cuts = [round(cut / sample_rate / STEP_S) for cut in find_changes(signal, sample_rate)]
    stretches = find_stretches(power.sum(axis=1), STEP_S, cuts)
    if not stretches:
        return None
    middles = [(first + last) / 2 for first, last in stretches]
    _, resonance = np.unique(np.searchsorted(cuts, middles), return_inverse=True)
    resonances, gain = int(resonance.max()) + 1, np.ones(len(stretches))
    stretches = _held_on(stretches, sample_rate)
    noise = [np.sqrt(power[first:last]) for first, last in stretches]
    blow_gain, curves = noise_curves(noise, resonance, gain, resonances)
    controls = [_controls(own) for own in curves]
    line = HeldLine(
        notes=[
            unpitched_note(min(round(first * STEP_S * sample_rate), len(signal) - 1), last - first)
            for first, last in stretches
        ],
        resonance=resonance,
        pitch_hz=np.zeros(resonances),
        t60_s=T60_S,
        gain=gain,
        offset_db=np.zeros((len(stretches), OFFSETS)),
        controls=controls,
        weight=[np.ones(len(own)) for own in controls],
        amplitude=[np.zeros(0)] * resonances,
        blow_gain=blow_gain,
    )
    return levelled(line, signal, sample_rate)


def _held_on(stretches: list[tuple[int, int]], sample_rate: float) -> list[tuple[int, int]]:
    """Each that another follows at once held until that has faded in: within a hop, maybe long."""
    more = max(0, math.floor((HOP / sample_rate - RELEASE_FADE_S) / STEP_S + 0.5))
    held = [
        (first, last + (more if last == after[0] else 0))
        for (first, last), after in itertools.pairwise(stretches)
    ]
    return [*held, stretches[-1]]


def _controls(curves: NDArray[np.float64]) -> Float:
    """[points, 54] of which the first are [points, 32] log2 gains."""
    padded = np.pad(curves, ((0, 0), (0, len(CONTROLS) - NOISE_BANDS)))
    controls: Float = np.clip(padded, CONTROL_LIMITS[:, 0], CONTROL_LIMITS[:, 1])
    return controls
