"""Which keys sound at each onset: harmonic templates learned from all onsets of a recording.

What is new at each onset is laid on a log-frequency grid. A first guess takes the best harmonic
series away, one after the other, never more of a partial than its neighbours suggest (Klapuri,
IEEE TSAP 2003). Then each key's levels of partials are learned by non-negative factorisation under
the Kullback-Leibler divergence with the harmonics' places fixed (Vincent, Bertin & Badeau, IEEE
TASLP 2010), drawn towards those of its neighbours on the keyboard: a key heard too seldom borrows
them. Last, of the keys of each onset those go that others make needless. Thread: any.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.keys.apparent import overtones, rooted_keys
from rtsynth.decompose.keys.keyboard import (
    HARMONICS,
    KEYS,
    joined,
    partial_places,
    partial_windows,
    shown,
    tuning_of,
)
from rtsynth.decompose.keys.needed import divergence, needed

__all__ = ["Chords", "find_chords", "weigh_chords"]

ROUNDS, ITERATIONS = 2, 40
FLOOR = 0.02  # of an onset's peak: below, nothing is told
OLDER_FLOOR = 0.3  # of what rang before: so well is it known
LEAST_TONAL, UNTONAL = 0.2, 1.5
GUESS_STOP = 0.2  # of the first series' score
GUESS_KEYS = 6
FALL = 0.5  # expected levels of partials: h^−FALL
BORROWED = 3.0  # weight of the neighbours' levels, in loudest strikes of the key
NEIGHBOURS = 5.0  # semitones
FALL_WEIGHT = 0.1
FAINTEST_GIVEN = 0.05  # of the loudest key of an onset; a key that is known to be struck is heard
TINY = 1e-12


@dataclasses.dataclass(frozen=True)
class Chords:
    """The keys of every onset.

    Attributes:
        gains: [keys, onsets] strength of each, 0 where it is not struck.
        parts: [bins, keys] what each shows on the grid at strength 1; it sums to 1.
        shown: [bins, onsets] what each onset shows.
        explained: [onsets] 0 … 1, share of what an onset shows that its keys explain.
        tuning: ratio to A4 = 440 Hz.
    """

    gains: Float
    parts: Float
    shown: Float
    explained: Float
    tuning: float


def find_chords(modes: list[Modes], older: list[Float], tonal: Float) -> Chords:
    """The keys struck at each onset.

    Args:
        modes: per onset, what is new there.
        older: per onset, [modes] amplitude of what rang on at each mode's frequency.
        tonal: [onsets] 0 … 1, how far the modes explain what is new: beside a drum they tell less.
    """
    tuning = tuning_of(joined(modes))
    seen, wanted, floor, scale = _wanted(modes, older, tonal, tuning)
    levels = np.tile(_fall(), (len(KEYS), 1))
    rooted = np.stack([rooted_keys(some, tuning) for some in modes], axis=1)
    struck = np.stack(
        [_guess(column, own) for column, own in zip(wanted.T, rooted.T, strict=True)], axis=1
    )
    gains, parts = struck, _parts(levels)
    for _ in range(ROUNDS):
        levels, parts = _learn(wanted, floor, struck, levels)
        gains = _solve(wanted, floor, parts, rooted * wanted.sum(axis=0))
        for onset in range(wanted.shape[1]):
            gains[:, onset] = needed(wanted[:, onset], floor[:, onset], parts, gains[:, onset])
        rooted = rooted & ~overtones(gains)[:, None]
        gains = gains * rooted
        struck = (gains > 0).astype(float)
    explained = _explained(wanted, floor, parts, gains)
    return Chords(gains * scale, parts, seen, explained, tuning)


def weigh_chords(
    modes: list[Modes], older: list[Float], tonal: Float, keys: Sequence[set[int] | None]
) -> Chords:
    """How strongly keys that are known to be struck are struck.

    Where it is not known, those of the other onsets' keys are that the sound needs.

    Args:
        modes: as for `find_chords`.
        older: as for `find_chords`.
        tonal: as for `find_chords`.
        keys: of each onset, as MIDI numbers them, 21 … 108; None where they are not known.
    """
    tuning = tuning_of(joined(modes))
    seen, wanted, floor, scale = _wanted(modes, older, tonal, tuning)
    struck = np.stack([np.isin(KEYS, list(some or ())) for some in keys], axis=1).astype(float)
    levels = np.tile(_fall(), (len(KEYS), 1))
    for _ in range(ROUNDS):
        levels, parts = _learn(wanted, floor, struck, levels)
    known = struck.max(axis=1)
    for onset in [n for n, some in enumerate(keys) if some is None]:
        column = slice(onset, onset + 1)
        start = known[:, None] * wanted[:, column].sum(axis=0)
        gains = _solve(wanted[:, column], floor[:, column], parts, start)[:, 0]
        struck[:, onset] = needed(wanted[:, onset], floor[:, onset], parts, gains) > 0
    gains = _solve(wanted, floor, parts, struck * wanted.sum(axis=0))
    faintest = FAINTEST_GIVEN * gains.max(axis=0) + TINY
    gains = struck * np.maximum(gains, faintest)
    explained = _explained(wanted, floor, parts, gains)
    return Chords(gains * scale, parts, seen, explained, tuning)


def _wanted(
    modes: list[Modes], older: list[Float], tonal: Float, tuning: float
) -> tuple[Float, Float, Float, Float]:
    """[bins, onsets] what is new; the same and below what it is unknown, [onsets] scaled by."""
    seen, floor = _seen(modes, older, tuning)
    floor = floor / np.maximum(tonal, LEAST_TONAL) ** UNTONAL
    scale = np.sqrt(seen.sum(axis=0)) + TINY  # a loud onset teaches more, but not all
    scale /= scale.max(initial=TINY)
    return seen, seen / scale, floor / scale, scale


def _explained(wanted: Float, floor: Float, parts: Float, gains: Float) -> Float:
    """[onsets] 0 … 1, share that keys of these gains explain."""
    left = divergence(wanted, parts @ gains + floor)
    share: Float = np.clip(1.0 - left / (divergence(wanted, floor) + TINY), 0.0, 1.0)
    return share


def _seen(modes: list[Modes], older: list[Float], tuning: float) -> tuple[Float, Float]:
    """[bins, onsets] what is new, the loudest peak being 1, and below what level it is unknown."""
    rang = [Modes(m.freq_hz, m.t60_s, o.astype(complex)) for m, o in zip(modes, older, strict=True)]
    seen = np.stack([shown(m, tuning) for m in modes], axis=1)
    before = np.stack([shown(m, tuning) for m in rang], axis=1)
    peak = seen.max(initial=TINY)
    floor = FLOOR * seen.max(axis=0) + OLDER_FLOOR * before
    return seen / peak, floor / peak + 1e-9


def _fall() -> Float:
    fall = np.arange(1.0, HARMONICS + 1.0) ** -FALL
    share: Float = fall / fall.sum()
    return share


def _parts(levels: Float) -> Float:
    """[bins, keys] of keys whose partials have these levels [keys, harmonics]."""
    parts = np.einsum("kh,khb->bk", levels, partial_places())
    scaled: Float = parts / (parts.sum(axis=0) + TINY)
    return scaled


def _guess(wanted: Float, rooted: NDArray[np.bool]) -> Float:
    """[keys] 1 for each harmonic series that stands out by itself."""
    struck = np.zeros(len(KEYS))
    left, first = wanted, 0.0
    for _ in range(GUESS_KEYS):
        peaks = np.append(left, 0.0)[partial_windows()].max(axis=-1)
        score = _score(peaks) * rooted * (1.0 - struck)
        best = int(np.argmax(score))
        first = first or float(score[best])
        if score[best] <= 0 or score[best] < GUESS_STOP * first:
            break
        struck[best] = 1.0
        left = left * (1.0 - _taken(peaks[best], partial_places()[best]))
    return struck


def _score(peaks: Float) -> Float:
    """[keys] sum of a series' peaks, less where some of the first six are missing."""
    there = peaks > 0.08 * peaks.max(axis=1, keepdims=True) + TINY
    last = HARMONICS - np.argmax(there[:, ::-1], axis=1)
    expected = np.clip(last, 1, 6)
    present = there[:, :6].sum(axis=1) / expected
    rooted = np.where(peaks[:, 0] > 0.02 * peaks.max(axis=1), 1.0, 0.6)
    score: Float = peaks.sum(axis=1) * (0.3 + 0.7 * present) * rooted
    return score


def _taken(peaks: Float, places: Float) -> Float:
    """[bins] share that a series takes away: of each partial no more than its neighbours' mean."""
    around = np.pad(peaks, 1, mode="edge")
    most = (around[:-2] + around[1:-1] + around[2:]) / 3.0
    share = np.minimum(peaks, most) / (peaks + TINY)
    taken: Float = np.max(np.clip(1.6 * places, 0.0, 1.0) * share[:, None], axis=0)
    return taken


def _solve(wanted: Float, floor: Float, parts: Float, gains: Float) -> Float:
    for _ in range(ITERATIONS):
        gains = gains * (parts.T @ (wanted / (parts @ gains + floor)))
    return gains


def _learn(wanted: Float, floor: Float, struck: Float, levels: Float) -> tuple[Float, Float]:
    """Levels [keys, harmonics] and parts [bins, keys], given who is struck where."""
    places = partial_places()
    parts = _parts(levels)
    gains = struck * wanted.sum(axis=0) / np.maximum(struck.sum(axis=0), 1.0)
    extent = places.sum(axis=-1)
    for step in range(ITERATIONS):
        ratio = wanted / (parts @ gains + floor)
        gains = gains * (parts.T @ ratio)
        if step % 2 == 0:
            continue
        ratio = wanted / (parts @ gains + floor)
        mass = levels * np.einsum("khb,bk->kh", places, ratio @ gains.T)
        mass /= np.sum(levels * extent, axis=1, keepdims=True) + TINY
        near = _neighbours(levels, gains)
        levels = mass + BORROWED * gains.max(axis=1, keepdims=True) * near
        levels = np.where(gains.sum(axis=1, keepdims=True) > TINY, levels, near)
        levels /= levels.sum(axis=1, keepdims=True)
        parts = _parts(levels)
    return levels, parts


def _neighbours(levels: Float, gains: Float) -> Float:
    """[keys, harmonics] mean levels of the keys around, each as far as it is used."""
    near = np.exp(-0.5 * (np.subtract.outer(KEYS, KEYS) / NEIGHBOURS) ** 2)
    used = gains.sum(axis=1)
    weight = near * used / (used.max() + TINY)
    mean = weight @ levels + FALL_WEIGHT * _fall()
    scaled: Float = mean / mean.sum(axis=1, keepdims=True)
    return scaled
