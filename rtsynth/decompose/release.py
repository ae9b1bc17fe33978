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
    last = count - MIN_AFTER
    firsts = np.arange(min(max(1, round(EARLIEST_S / STEP_S)), last), last)
    silent = np.flatnonzero(~audible[firsts])
    firsts = firsts[: silent[0]] if len(silent) else firsts
    if len(firsts) == 0:
        return None
    age = np.maximum(np.arange(count) + 0.5 - firsts[:, None], 0.0) * STEP_S
    shapes = np.exp(-LN1000 * age[:, None, :] / np.array(RELEASES_S)[None, :, None])
    costs = _misfits(level, weight, shapes)
    first, release = np.unravel_index(int(np.argmin(costs)), costs.shape)
    if costs[first, release] >= CLEAR * float(_misfits(level, weight, np.ones(count))):
        return None
    return int(firsts[first]) * step, RELEASES_S[int(release)]


def _misfits(level: Float, weight: Float, shapes: Float) -> Float:
    """[...] what each of `shapes`, [..., steps], leaves of the level when scaled to fit best."""
    scale = (shapes @ (weight * level)) / (shapes**2 @ weight + 1e-20)
    misfits: Float = (level - scale[..., None] * shapes) ** 2 @ weight
    return misfits
