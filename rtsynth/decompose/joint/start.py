"""Where the joint fit starts from: which events and resonances it moves, and when each is heard.

Thread: worker.
"""

import math

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.attack import attack_fade
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.units import LN1000

__all__ = ["attack_level", "learnable", "own_resonances", "spans"]

QUIET = 1e-4  # an event this far below full scale is no longer heard


def learnable(score: Score, instrument: Instrument) -> NDArray[np.intp]:
    """Rows of the score's table that the joint fit moves."""
    rows = score.table.rows
    if len(rows) == 0 or instrument.field is not None:
        return np.zeros(0, np.intp)
    r = rows["resonance"]
    plain = (rows["kind"] == Kind.MODAL) & (rows["muted"] == 0) & (rows["stretch"] > 0.0)
    plain &= rows["vibrato_depth"] == 0.0
    plain &= ~instrument.sustained[r] & ~instrument.blown[r] & (instrument.strike_wet[r] == 0.0)
    return np.flatnonzero(plain)


def own_resonances(
    score: Score, instrument: Instrument, index: NDArray[np.intp]
) -> NDArray[np.float32]:
    """[R] 1 for those that learned events alone use."""
    used = score.table.rows["resonance"]
    others = np.delete(used, index)
    moving = np.isin(np.arange(instrument.resonances), used[index])
    moving &= ~np.isin(np.arange(instrument.resonances), others)
    return moving.astype(np.float32)


def attack_level(instrument: Instrument) -> NDArray[np.float32]:
    """[R, A] how far a step of 1 moves each sample: the attack's RMS, faded as those of keys are.

    A resonance without an attack gets none, nor does what follows the end of one: the level is 0.
    """
    level = np.zeros_like(instrument.attack, np.float32)
    for row, attack, length in zip(level, instrument.attack, instrument.attack_frames, strict=True):
        if length > 0:
            early = attack[: max(1, length // 4)].astype(float)
            row[:length] = np.sqrt(np.mean(early**2)) * attack_fade(length)
    return level


def spans(
    rows: NDArray[np.void], instrument: Instrument, sample_rate: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[E] frames between which each event may be heard."""
    r = rows["resonance"]
    size = np.linalg.norm(instrument.mode_gain[r].astype(float), axis=2)
    db = rows["vector"].astype(float) @ instrument.mode_map.astype(float)
    size *= (rows["gain"] * instrument.impulse[r])[:, None] * 10.0 ** (db / 20.0)
    t60 = np.where(instrument.freq_hz[r] > 0, instrument.t60_s[r].astype(float), 1e-3)
    t60 *= rows["damp"][:, None].astype(float) / rows["stretch"][:, None].astype(float)
    lasts = t60 / LN1000 * np.log(np.maximum(size * size.shape[1] / QUIET, 1.0))
    released = rows["duration_s"] + 4.0 / 3.0 * rows["release_s"]
    excited = instrument.excited_s[r]
    heard = np.minimum(np.maximum(lasts.max(axis=1, initial=0.0), excited), 600.0)
    heard = np.minimum(heard, np.maximum(released, excited))
    begin = rows["onset_s"].astype(float) * sample_rate
    return (
        np.floor(begin).astype(np.int64),
        np.ceil(begin + heard * sample_rate).astype(np.int64) + math.ceil(0.05 * sample_rate),
    )
