"""Keys as templates: from the chords of all onsets to the modes of each key and who strikes it.

Only onsets whose modes lie on one tuning have keys; drums, and what glides, are left to others.
A key's modes come from the onset where it is most by itself. Thread: any.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.keys.chord import Chords, find_chords, weigh_chords
from rtsynth.decompose.keys.keyboard import KEYS, in_tune, joined, key_hz, mode_bins, tuning_of

__all__ = ["Keyed", "Struck", "are_keyed", "find_keys"]

Struck = Callable[[int, float], bool]
"""Whether at an onset, by its number, the key of a pitch in Hz is struck."""

IN_TUNE = 0.4
NEARLY_IN_TUNE, TONAL = 0.1, 0.8  # will do among onsets that mostly are in tune
OWN_SHARE = 0.4  # of what the chord shows at a mode's frequency, that makes it the key's
ALONE = 0.9  # share of an onset's strength; its stray modes are the key's too


@dataclasses.dataclass(frozen=True)
class Keyed:
    """The keys of a recording.

    Attributes:
        modes: of each key.
        pitches_hz: of each key.
        sources: onset each key's modes come from.
        shares: 0 … 1 of that onset's strength that is the key's.
        members: per onset, {index of the key: gain against its modes}; None if it has no keys.
    """

    modes: list[Modes]
    pitches_hz: list[float]
    sources: list[int]
    shares: list[float]
    members: list[dict[int, float] | None]


def find_keys(
    modes: list[Modes],
    older: list[Float],
    tonal: list[float],
    limit: int,
    struck: Struck | None = None,
    given: Sequence[set[int] | None] | None = None,
) -> Keyed:
    """The keys struck at each onset that has any.

    Args:
        modes: per onset, what is new there.
        older: per onset, [modes] amplitude of what rang on at each mode's frequency.
        tonal: per onset, 0 … 1, how far the modes explain it.
        limit: at most so many keys, the most used ones; those that are known are all kept.
        struck: has the last word on every key found, if given.
        given: the keys of each onset, as MIDI numbers them; if they are known, none is sought but
            where there is None, and there only those known elsewhere.
    """
    none: list[dict[int, float] | None] = [None] * len(modes)
    told = np.flatnonzero(_keyed(modes, tonal)) if given is None else np.arange(len(modes))
    if len(told) == 0:
        return Keyed([], [], [], [], none)
    seen = [modes[i] for i in told], [older[i] for i in told], np.array(tonal)[told]
    chords = find_chords(*seen) if given is None else weigh_chords(*seen, given)
    if struck is not None:
        chords = _confirmed(chords, told, struck)
    used = np.argsort(-chords.gains.sum(axis=1), kind="stable")
    used = used[:limit] if given is None else used
    used = np.sort(used[chords.gains[used].sum(axis=1) > 0])
    shares = chords.gains / (chords.gains.sum(axis=0) + 1e-20)
    source = {int(key): _purest(chords.gains[key], shares[key]) for key in used}
    members = list(none)
    for place, onset in enumerate(told):
        if (given is None or struck is not None) and not chords.gains[:, place].any():
            continue
        members[int(onset)] = {
            index: float(chords.gains[key, place] / chords.gains[key, source[int(key)]])
            for index, key in enumerate(used)
            if chords.gains[key, place] > 0
        }
    return Keyed(
        [
            _own_modes(modes[int(told[source[int(k)]])], chords, int(k), source[int(k)])
            for k in used
        ],
        [key_hz(float(KEYS[key]), chords.tuning) for key in used],
        [int(told[source[int(key)]]) for key in used],
        [float(shares[key, source[int(key)]]) for key in used],
        members,
    )


def _confirmed(chords: Chords, told: NDArray[np.intp], struck: Struck) -> Chords:
    """The chords without the keys that are not struck."""
    gains = chords.gains.copy()
    for key, place in np.argwhere(gains > 0):
        if not struck(int(told[place]), key_hz(float(KEYS[key]), chords.tuning)):
            gains[key, place] = 0.0
    return dataclasses.replace(chords, gains=gains)


def are_keyed(modes: list[Modes]) -> bool:
    """Whether most onsets' modes lie on the keys of one tuning.

    Args:
        modes: per onset, what is new there.
    """
    return _mostly(_tune(modes))


def _keyed(modes: list[Modes], tonal: list[float]) -> NDArray[np.bool]:
    """[onsets] whether each has keys."""
    tune = _tune(modes)
    likely = _mostly(tune) & (tune > NEARLY_IN_TUNE) & (np.array(tonal) > TONAL)
    return np.asarray((tune > IN_TUNE) | likely, np.bool)


def _tune(modes: list[Modes]) -> Float:
    """[onsets] −1 … 1: how far each lies on the keys of one tuning; −1 where there is nothing."""
    some = [m for m in modes if len(m)]
    if not some:
        return np.full(len(modes), -1.0)
    tuning = tuning_of(joined(some))
    return np.array([in_tune(m, tuning) if len(m) else -1.0 for m in modes])


def _mostly(tune: Float) -> bool:
    return len(tune) > 0 and float(np.median(tune)) > IN_TUNE


def _purest(gains: Float, shares: Float) -> int:
    """The onset at which a key is heard best: by itself first, loud second."""
    return int(np.argmax(shares**2 * np.sqrt(gains / gains.max())))


def _own_modes(modes: Modes, chords: Chords, key: int, onset: int) -> Modes:
    """Of an onset's modes those that are this key's; none where there are none to see."""
    if len(modes) == 0:
        return modes
    bins = mode_bins(modes.freq_hz, chords.tuning)
    shown = chords.parts[bins] * chords.gains[:, onset]
    total = shown.sum(axis=1)
    share = shown[:, key] / (total + 1e-20)
    strength = chords.gains[key, onset] / chords.gains[:, onset].sum()
    if strength > ALONE:
        return modes
    own = (share > OWN_SHARE) & (total > 1e-6 * total.max(initial=0.0))
    if not own.any():
        own[np.argmax(shown[:, key])] = True
    return modes.take(own)
