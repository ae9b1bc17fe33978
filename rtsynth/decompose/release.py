"""When a key is let go: where an event's decay clearly breaks. Thread: any."""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.units import LN1000

__all__ = ["find_release"]

STEP_S = 0.02
EARLIEST_S = 0.08
RELEASES_S = (0.06, 0.12, 0.25, 0.35, 0.5, 1.0)
CLEAR = 0.6  # a break must lower the misfit to this share
MIN_AFTER = 3  # steps seen after the break


def find_release(target: Float, model: Float, sample_rate: float) -> tuple[int, float] | None:
    """Samples held and the release's T60, or None where no clear break shows.

    Args:
        target: [samples] from the onset on, everything but this event taken away.
        model: [samples] the event as if it were held.
        sample_rate: Hz.
    """
    step = round(STEP_S * sample_rate)
    count = min(len(target), len(model)) // step
    if count < 8:
        return None
    energy = (model[: count * step] ** 2).reshape(count, step).sum(axis=1)
    product = (target[: count * step] * model[: count * step]).reshape(count, step).sum(axis=1)
    audible = energy > 1e-4 * energy.max()
    level = np.clip(np.where(audible, product / (energy + 1e-20), 0.0), -0.5, 1.5)
    weight = np.where(audible, energy**0.75, 0.0)  # between fair to the tail and blind to it
    best, best_cost = None, CLEAR * _misfit(level, weight, np.ones(count))
    for first in range(max(1, round(EARLIEST_S / STEP_S)), count - MIN_AFTER):
        if not audible[first]:
            break
        for release_s in RELEASES_S:
            age = np.maximum(np.arange(count) + 0.5 - first, 0.0) * STEP_S
            cost = _misfit(level, weight, np.exp(-LN1000 * age / release_s))
            if cost < best_cost:
                best, best_cost = (first * step, release_s), cost
    return best


def _misfit(level: Float, weight: Float, shape: Float) -> float:
    scale = float(np.sum(weight * level * shape)) / (float(np.sum(weight * shape**2)) + 1e-20)
    return float(np.sum(weight * (level - scale * shape) ** 2))
