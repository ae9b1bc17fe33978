"""What newly rings at an onset, by matching pursuit with damped exponentials. Thread: any.

The parametric family of `pursuit`, all starting at the onset: the exponential that explains most is
picked from a grid over frequency and decay, its pole is moved to where it fits best, it is taken
away, and every few picks all poles and amplitudes are fitted together. As in `mode`, amplitudes
fitted before the onset tell what merely rang on.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.amplitude import Window, fit_amplitudes
from rtsynth.decompose.damped import Complex, Float, Modes, poles, ring
from rtsynth.decompose.mode import modes_at
from rtsynth.decompose.pursue_grid import TILT, Grid
from rtsynth.decompose.pursue_refine import Fitted, fit_poles, prune_poles, refine_poles
from rtsynth.units import LN1000

__all__ = ["choose_modes", "explained", "pursued_modes", "pursue_poles"]

SKIP_S = 0.004  # the strike itself is no mode
SHORTEST_S = 0.03
TOGETHER = 8  # picks between two joint fits; fewer at first, while all hangs on them
CANDIDATES = 40
STEPS, LAST_STEPS = 3, 10
FLOOR_DB = -60.0
OLD_RIDGE = 1e-3
JUDGED_S = 0.3


def pursued_modes(
    signal: Float, sample_rate: float, onset: int, before: int, after: int, count: int = 32
) -> tuple[Modes, Float]:
    """The modes that start at an onset, strongest first, and the sound without what rang before.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        onset: sample at which they start.
        before: samples before the onset to compare with.
        after: samples after the onset to analyse.
        count: at most so many modes.

    Returns:
        the modes, and [≤ after] samples from the onset on without the older sounds' modes.
    """
    skip = round(SKIP_S * sample_rate)
    fresh = signal[onset : onset + after].copy()
    early = signal[max(0, onset - before) : max(0, onset - skip // 2)]
    if len(fresh) - skip < round(SHORTEST_S * sample_rate):
        return Modes.none(), fresh
    found = pursue_poles(fresh[skip:], sample_rate, max(CANDIDATES, count))
    if len(found.s) == 0:
        return Modes.none(), fresh
    if len(early) > skip:
        fresh -= ring(found.s, _old(found, early, skip), len(fresh))
        found = fit_poles(found.s, fresh[skip:])
    kept = found.s[_strongest(found, count)]
    found = _refined(kept, fresh[skip:], sample_rate, LAST_STEPS)
    modes = _modes(found, skip, sample_rate)
    return modes.take(np.argsort(-_weighted(modes), kind="stable")), fresh


def _old(found: Fitted, early: Float, skip: int) -> Complex:
    """[modes] amplitudes at the onset of what rang before, none above what is there after it."""
    first = fit_amplitudes(found.s, [Window(early, 0, 1.0)], OLD_RIDGE)
    old = first * np.exp(found.s * (len(early) + skip // 2))
    there = np.abs(found.amplitude * np.exp(-found.s * skip))
    shrunk: Complex = old * np.minimum(1.0, there / np.maximum(np.abs(old), 1e-300))
    return shrunk


def pursue_poles(signal: Float, sample_rate: float, count: int) -> Fitted:
    """Up to `count` damped exponentials that all start with the signal.

    Args:
        signal: [samples], at least 0.03 s.
        sample_rate: Hz.
        count: at most so many.
    """
    grid = _grid(len(signal), sample_rate)
    found = Fitted(np.zeros(0, complex), np.zeros(0, complex), 0.0)
    total = float(signal @ signal)
    residual = signal
    while len(found.s) < count and total > 0.0:
        size = min(max(len(found.s), 1), TOGETHER, count - len(found.s))
        new = _batch(grid, residual, sample_rate, size)
        before = found.explained
        found = _refined(np.concatenate([found.s, new]), signal, sample_rate, STEPS)
        if found.explained - before < total * 10.0 ** (FLOOR_DB / 10.0):
            break
        residual = signal - ring(found.s, found.amplitude, len(signal))
    return found


def _refined(s: Complex, signal: Float, sample_rate: float, steps: int) -> Fitted:
    """Poles near these, none that only cancels others."""
    return prune_poles(refine_poles(s, signal, sample_rate, steps), signal)


def _batch(grid: Grid, residual: Float, sample_rate: float, count: int) -> Complex:
    """[count] poles picked one after the other, each moved to where it fits best alone."""
    residual = residual.copy()
    grid.look(residual)
    picked: list[complex] = []
    s = grid.best()
    for _ in range(count):
        one = refine_poles(np.array([s]), residual, sample_rate, 2, 1e-2)
        picked.append(complex(one.s[0]))
        residual -= ring(one.s, one.amplitude, len(residual))
        s = grid.take(picked[-1], complex(one.amplitude[0]))
    return np.array(picked)


@functools.lru_cache(maxsize=4)
def _grid(count: int, sample_rate: float) -> Grid:
    return Grid(count, sample_rate)


def _modes(found: Fitted, skip: int, sample_rate: float) -> Modes:
    freq = found.s.imag * sample_rate / (2 * np.pi)
    t60 = -LN1000 / (found.s.real * sample_rate)
    return Modes(freq, t60, found.amplitude * np.exp(-found.s * skip))


def _weighted(modes: Modes) -> Float:
    weighted: Float = modes.energy() * modes.freq_hz**TILT
    return weighted


def _strongest(found: Fitted, count: int) -> NDArray[np.intp]:
    energy = np.abs(found.amplitude) ** 2 / -found.s.real * found.s.imag**TILT
    order = np.argsort(-energy, kind="stable")[:count]
    audible: NDArray[np.bool] = energy[order] > energy[order[:1]] * 10.0 ** (FLOOR_DB / 10.0)
    return np.asarray(order[audible], np.intp)


def explained(signal: Float, sample_rate: float, onset: int, taken: tuple[Modes, Float]) -> float:
    """Share of the sound's energy after an onset that its modes, and what rang before, explain.

    Args:
        signal: [samples], one channel.
        sample_rate: Hz.
        onset: sample.
        taken: modes and fresh sound, as of `modes_at` or `pursued_modes`.

    Returns:
        at most 1; over 0.3 s or what is analysed, the strike itself left out.
    """
    modes, fresh = taken
    skip, last = round(SKIP_S * sample_rate), round(JUDGED_S * sample_rate)
    sound = signal[onset : onset + len(fresh)]
    s = poles(modes.freq_hz, modes.t60_s, sample_rate)
    left = (fresh - ring(s, modes.amplitude, len(fresh)))[skip:last]
    return 1.0 - float(left @ left) / (float(np.sum(sound[skip:last] ** 2)) + 1e-30)


def choose_modes(
    signal: Float, sample_rate: float, onset: int, before: int, after: int, count: int = 32
) -> tuple[Modes, Float]:
    """The better of `modes_at` and `pursued_modes` at this onset, by what they explain."""
    both = [
        take(signal, sample_rate, onset, before, after, count) for take in (modes_at, pursued_modes)
    ]
    return max(both, key=lambda taken: explained(signal, sample_rate, onset, taken))
