"""Harmonic series among modes: which pitch they share, and which do not. Thread: any."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float, Modes

__all__ = ["best_series", "series_weight", "split_series"]

MIN_PITCH_HZ, MAX_PITCH_HZ = 27.0, 2_500.0
HARMONICS = 24
TOLERANCE_CENTS = 35.0
STIFFNESS_CENTS = 0.35  # allowance per squared harmonic number: strings are sharp up there
SETTLED_S = 0.2  # modes gone sooner are the strike, not the key
SPLIT_SHARE = 0.12
SPLIT_MEMBERS = 3
PITCHED_SHARE = 0.5


def best_series(modes: Modes) -> tuple[float, NDArray[np.intp]]:
    """The pitch whose harmonics explain most, and the indices of the modes on it.

    Returns:
        pitch in Hz (0 where there are no modes) and the members' indices.
    """
    weight = series_weight(modes)
    best, best_score = 0.0, 0.0
    members = np.zeros(0, np.intp)
    strong = np.argsort(-weight, kind="stable")[:10]
    for mode in strong:
        for harmonic in range(1, 7):
            pitch = float(modes.freq_hz[mode]) / harmonic
            if not MIN_PITCH_HZ <= pitch <= MAX_PITCH_HZ:
                continue
            found = _members(modes.freq_hz, pitch)
            numbers = np.round(modes.freq_hz[found] / pitch)
            present = len(set(numbers[numbers <= 6].tolist()))
            expected = min(6.0, numbers.max(initial=1.0))
            score = float(weight[found].sum()) * (0.3 + 0.7 * present / expected)
            if score > best_score * 1.02:
                best, best_score, members = pitch, score, found
    return best, members


def split_series(modes: Modes) -> list[tuple[Modes, float]]:
    """Modes by harmonic series, (modes, pitch in Hz) each; stray ones stay with the strongest."""
    parts: list[tuple[NDArray[np.intp], float]] = []
    weight = series_weight(modes)
    left = np.arange(len(modes))
    while len(left):
        pitch, members = best_series(modes.take(left))
        share = float(weight[left[members]].sum() / (weight.sum() + 1e-20))
        enough = share > SPLIT_SHARE and len(members) >= SPLIT_MEMBERS
        if not enough or (
            not parts and share < PITCHED_SHARE and not _has_fundamental(modes, pitch)
        ):
            break
        parts.append((left[members], pitch))
        left = np.delete(left, members)
    if not parts:  # no series to speak of: one thing
        return [(modes, 0.0)]
    parts[0] = (np.concatenate([parts[0][0], left]), parts[0][1])
    return [(modes.take(index), pitch) for index, pitch in parts]


def _has_fundamental(modes: Modes, pitch_hz: float) -> bool:
    weight = series_weight(modes)
    near = np.abs(modes.freq_hz / pitch_hz - 1.0) < 0.03
    return bool(weight[near].sum() > 0.1 * weight.sum())


def series_weight(modes: Modes) -> Float:
    """[modes] how much each says about the pitch: amplitude, less for what is soon gone."""
    settled = (modes.t60_s / (modes.t60_s + SETTLED_S)) ** 2
    weight: Float = np.abs(modes.amplitude) * settled * np.sqrt(modes.freq_hz / 200.0)
    return weight


def _members(freq_hz: Float, pitch_hz: float) -> NDArray[np.intp]:
    number = np.maximum(np.round(freq_hz / pitch_hz), 1.0)
    cents = 1200.0 * np.log2(freq_hz / (number * pitch_hz))
    tolerance = TOLERANCE_CENTS + STIFFNESS_CENTS * number**2
    near = (cents > -TOLERANCE_CENTS) & (cents < tolerance) & (number <= HARMONICS)
    # near the top every frequency is near some harmonic: demand better than chance
    near &= tolerance < 0.35 * 1200.0 * np.log2(1.0 + 1.0 / number)
    return np.flatnonzero(near)
