"""A struck note's partials as modes: each one, or two that beat. Thread: worker.

A string ends in a bridge that moves: its two polarisations, or the strings of one key, are near
each other in frequency and differ in decay, so a partial falls fast at first and slowly later, and
beats (Weinreich 1977). ESPRIT on the partial's slow complex amplitude finds both.
"""

import numpy as np

from rtsynth.decompose.damped import Complex, Float
from rtsynth.decompose.mode import esprit
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.units import LN1000

__all__ = ["strike_modes"]

EVERY = 4  # points: what beats is slow
SKIP_S = 0.03  # the blow itself
HEARD_DB = 55.0  # below the loudest partial a level says nothing
T60_S = (0.05, 20.0)
WIDEST_HZ = 8.0  # of a beat
FEWEST = 24  # points
RIDGE = 1e-6
WORTH = 0.5  # a second mode must halve what the first leaves
FLOOR_DB = -70.0


def strike_modes(turned: Complex, freq_hz: Float, count: int) -> tuple[Float, Float, Complex]:
    """The modes that begin at the onset, strongest first.

    Args:
        turned: [partials, points] amplitudes from the onset to the release, every `STEP_S`.
        freq_hz: [partials] what they were turned down by.
        count: at most so many.

    Returns:
        [modes] Hz, [modes] T60 in seconds, [modes] complex amplitude at the onset.
    """
    floor = float(np.abs(turned).max()) * 10.0 ** (-HEARD_DB / 20.0)
    parts = [_modes(own, float(hz), floor) for own, hz in zip(turned, freq_hz, strict=True)]
    freq, t60_s, amplitude = (np.concatenate(column) for column in zip(*parts, strict=True))
    energy = np.abs(amplitude) ** 2 * t60_s
    order = np.argsort(-energy, kind="stable")[:count]
    order = order[energy[order] > energy.max() * 10.0 ** (FLOOR_DB / 10.0)]
    return freq[order], t60_s[order], amplitude[order]


def _modes(turned: Complex, freq_hz: float, floor: float) -> tuple[Float, Float, Complex]:
    first = round(SKIP_S / STEP_S)
    heard = np.flatnonzero(np.abs(turned) > floor)
    last = int(heard[-1]) + 1 if len(heard) else 0
    points = turned[first:last:EVERY]
    if len(points) < FEWEST:
        return np.zeros(0), np.zeros(0), np.zeros(0, complex)
    age = STEP_S * (first + EVERY * np.arange(len(points), dtype=np.float64))
    s, amplitude, left = _fit(points, age, 1)
    two = _fit(points, age, 2)
    if two[2] < WORTH * left:
        s, amplitude, _ = two
    return freq_hz + s.imag / (2 * np.pi), -LN1000 / s.real, amplitude


def _fit(points: Complex, age: Float, order: int) -> tuple[Complex, Complex, float]:
    """[order] exponents per second, their amplitudes, and the energy they leave."""
    found = np.log(esprit(points, order)) / (EVERY * STEP_S)
    decay = np.clip(-found.real, LN1000 / T60_S[1], LN1000 / T60_S[0])
    beat = np.clip(found.imag / (2 * np.pi), -WIDEST_HZ, WIDEST_HZ)
    s = -decay + 2j * np.pi * beat
    design = np.exp(np.outer(age, s))
    gram = design.conj().T @ design
    gram += RIDGE * np.trace(gram).real * np.eye(len(s))
    amplitude = np.asarray(np.linalg.solve(gram, design.conj().T @ points), complex)
    return s, amplitude, float(np.sum(np.abs(points - design @ amplitude) ** 2))
