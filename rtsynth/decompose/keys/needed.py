"""Which keys of an onset are needed: those go, one by one, without which it is explained as well.

What a key must explain is a share of the onset's divergence from silence: the more keys, the less
of each, and less of a key whose first partial no other key has. Thread: any.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.keys.keyboard import KEYS, key_hz, mode_bins, partial_places

__all__ = ["divergence", "needed"]

FAINTEST, FAINT = 0.02, 0.1  # of the loudest key: below, not tried; at last, not kept
CANDIDATES, TOGETHER = 12, 8
# What each of two keys must explain: one whose first partial is its own, one whose first partial
# may be another's upper one, and one that has no partials but its first.
OWN, SHARED, HIGH = 0.02, 0.03, 0.1
COVERED = 0.5  # of the height of another key's partial
HIGH_KEY = 96  # MIDI
TRIAL_ITERATIONS = 8
TINY = 1e-12


def needed(wanted: Float, floor: Float, parts: Float, gains: Float) -> Float:
    """[keys] gains of the keys that explain what no others do; 0 for the rest.

    Args:
        wanted: [bins] what an onset shows.
        floor: [bins] below what level that is unknown.
        parts: [bins, keys] what each key shows at gain 1.
        gains: [keys] as they explain it best together.
    """
    alive: NDArray[np.intp] = np.argsort(-gains, kind="stable")[:CANDIDATES]
    alive = alive[gains[alive] > FAINTEST * gains.max()]
    own, strength = parts[:, alive], gains[alive]
    silent = float(divergence(wanted, floor))
    cost = float(divergence(wanted, own @ strength + floor))
    while len(alive) > 1:
        trials = _without_each(wanted, floor, own, strength)
        costs = divergence(wanted[:, None], own @ trials + floor[:, None])
        worth = (costs - cost) / _must_explain(alive)
        drop = int(np.argmin(worth))
        if worth[drop] > 2.0 / len(alive) * silent and len(alive) <= TOGETHER:
            break
        alive, own = np.delete(alive, drop), np.delete(own, drop, axis=1)
        strength, cost = np.delete(trials[:, drop], drop), float(costs[drop])
    kept = np.zeros(len(gains))
    kept[alive] = np.where(strength > FAINT * strength.max(initial=0.0), strength, 0.0)
    return kept


def _must_explain(alive: NDArray[np.intp]) -> Float:
    """[alive] share of the divergence from silence that each of two keys must explain."""
    shared = _covering()[np.ix_(alive, alive)].max(axis=0) > COVERED
    share: Float = np.where(KEYS[alive] >= HIGH_KEY, HIGH, np.where(shared, SHARED, OWN))
    return share


@functools.cache
def _covering() -> Float:
    """[keys, keys] 0 … 1: how far the second's first partial lies on an upper one of the first."""
    firsts = mode_bins(np.array([key_hz(float(key)) for key in KEYS]))
    covering: Float = partial_places()[:, 1:, firsts].max(axis=1)
    return covering


def _without_each(wanted: Float, floor: Float, parts: Float, gains: Float) -> Float:
    """[keys, keys] column k: the gains of all but key k, fitted."""
    trials = np.tile(gains[:, None], (1, len(gains)))
    np.fill_diagonal(trials, 0.0)
    for _ in range(TRIAL_ITERATIONS):
        trials = trials * (parts.T @ (wanted[:, None] / (parts @ trials + floor[:, None])))
    return trials


def divergence(wanted: Float, model: Float) -> Float:
    """Kullback-Leibler divergence along the first axis."""
    ratio = np.log((wanted + TINY) / (model + TINY))
    distance: Float = np.sum(wanted * ratio - wanted + model, axis=0)
    return distance
