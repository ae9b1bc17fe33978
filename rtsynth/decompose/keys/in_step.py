"""Strikes of one key put in step: by how much each began earlier or later than was said.

Notes are told within milliseconds, waveforms within samples, and strikes that are averaged
a fraction of a period out of step lose their upper partials. The delay between two strikes is where
their cross-correlation peaks once all frequencies count alike (the phase transform; Knapp & Carter,
IEEE TASSP 1976): no loud partial outvotes the rest, so neither a period nor what else sounds is
mistaken for it. Partials of the key count most, the hammer's noise above them too. All strikes of a
key are placed together, each against the sum of the others, and none far from where it was said.
Thread: worker.
"""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from rtsynth.decompose.damped import Complex, Float
from rtsynth.decompose.disk import Samples
from rtsynth.decompose.keys.keyboard import key_hz, partial_weight
from rtsynth.decompose.keys.note import Note

__all__ = ["InStep", "put_in_step"]

REACH_S = 0.04  # as far as notes are moved
LIKELY_S = 0.02  # as far as they may well be wrong
PRIOR = 0.3  # weight of that against the likeness of two strikes, which is 0 … 1
BEFORE_S, AFTER_S = 0.002, 0.12
NEAR = (6.0, 0.004)  # Hz and share, how sharply a partial is known
STRIKE_WEIGHT = 0.3
EVEN_BINS, EVEN = 5, 1e-3  # neighbours, and what share of the loudest is as good as silence
TOGETHER = 32  # strikes placed at once; a key's later ones are placed against the earlier ones
STARTS = 4  # orders in which they are placed
ROUNDS = 10
TOLD_RIGHT, FOUND_RIGHT = 0.5, 0.75  # quantile of the delays at which an onset is right
CLEAR = 5.0  # likeness against its usual size at other delays; where less, a strike is no copy


@dataclasses.dataclass(frozen=True)
class InStep:
    """Notes that were put in step.

    Attributes:
        notes: in time order.
        strange: those of them that stayed where they were, for they are no copies of the others of
            their key.
    """

    notes: list[Note]
    strange: frozenset[Note]

    @property
    def doubtful(self) -> frozenset[int]:
        """Keys that have such a note."""
        return frozenset(note.key for note in self.strange)


@dataclasses.dataclass(frozen=True)
class _Sight:
    """How strikes of one key are looked at, at one sample rate."""

    sample_rate: float
    weight: Float  # [bins]
    size: int

    @classmethod
    def of(cls, key: int, sample_rate: float) -> "_Sight":
        size = scipy.fft.next_fast_len(2 * (_before(sample_rate) + round(AFTER_S * sample_rate)))
        freq = scipy.fft.rfftfreq(size, 1.0 / sample_rate)
        weight = partial_weight(freq, key, key_hz(float(key)), NEAR, STRIKE_WEIGHT)
        return cls(sample_rate, weight, size)

    @property
    def reach(self) -> int:
        """Samples."""
        return round(REACH_S * self.sample_rate)

    def seen(self, sound: Float, until: int, far: NDArray[np.int64]) -> Complex:
        """[bins] spectrum of a strike in which all frequencies count alike, of norm 1.

        Args:
            sound: [samples] from a little more than the reach before where it was said to begin.
            until: samples from where it was said to begin until the key is struck again.
            far: by how many samples it may be earlier and later: so much of what comes before it,
                and so much less of it, is looked at.
        """
        before, rise = _before(self.sample_rate), round(BEFORE_S * self.sample_rate)
        first, end = before - rise - int(far[0]), min(len(sound), before + until - int(far[1]))
        age = (np.arange(end) - before) / max(end - before, 1)
        window = np.cos(0.5 * np.pi * np.clip(age, 0.0, 1.0)) ** 2
        window *= np.sin(0.5 * np.pi * np.clip((np.arange(end) - first) / rise, 0.0, 1.0)) ** 2
        spectrum: Complex = scipy.fft.rfft(sound[:end] * window, self.size)
        level = np.sqrt(np.convolve(np.abs(spectrum) ** 2, np.ones(EVEN_BINS) / EVEN_BINS, "same"))
        even = spectrum / (level + EVEN * float(level.max(initial=0.0)) + 1e-30)
        norm = np.sqrt(np.sum(np.abs(even) ** 2 * self.weight))
        seen: Complex = even / (norm + 1e-30)
        return seen

    def likeness(self, strike: Complex, others: Complex) -> Float:
        """[2 · reach + 1] sum of how alike a strike, so much later, is to each of the others."""
        cross = scipy.fft.irfft(strike * np.conj(others) * self.weight, self.size) * self.size / 2.0
        return np.concatenate([cross[-self.reach :], cross[: self.reach + 1]])

    def moved(self, strike: Complex, shift: int) -> Complex:
        """A strike whose sound is that many samples earlier."""
        bins = np.arange(len(strike))
        found: Complex = strike * np.exp(2j * np.pi * bins * shift / self.size)
        return found


def put_in_step(
    frames: Samples,
    weights: Float,
    sample_rate: float,
    notes: Iterable[Note],
    *,
    found: bool = False,
) -> InStep:
    """The same notes, each where it begins as the others of its key do.

    Args:
        frames: [frames, channels] the sound they are of.
        weights: [channels] what the one channel that is looked at takes of each.
        sample_rate: Hz.
        notes: with onsets known to some 10 ms, in any order. One that is alone on its key stays
            where it was.
        found: they were found in the sound. Then two of a key near each other often are one strike
            and may fall together, and most onsets are late. Else each is a strike of its own,
            none is moved half way to the next of its key, and they are as often early.
    """
    keys: dict[int, list[Note]] = {}
    for note in sorted(notes):
        keys.setdefault(note.key, []).append(note)
    placed: list[Note] = []
    strange: set[Note] = set()
    for key, struck in sorted(keys.items()):
        if len(struck) == 1:
            placed += struck
            continue
        onsets = np.array([note.frame(sample_rate) for note in struck], np.int64)
        late, clear = _delays(frames, weights, onsets, _Sight.of(key, sample_rate), found)
        moved = np.where(late, np.clip(onsets + late, 0, len(frames) - 1), onsets)
        there = [
            dataclasses.replace(note, onset_s=int(frame) / sample_rate)
            for note, frame in zip(struck, moved, strict=True)
        ]
        placed += there
        strange.update(note for note, is_copy in zip(there, clear, strict=True) if not is_copy)
    return InStep(sorted(placed), frozenset(strange))


def _delays(
    frames: Samples, weights: Float, onsets: NDArray[np.int64], sight: _Sight, found: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool]]:
    """[strikes] samples by which each of one key begins later than was said; if that is clear."""
    gaps = np.diff(onsets)
    until = np.append(gaps, len(frames))
    far = np.full((len(onsets), 2), sight.reach)  # earlier and later
    if not found:
        far[1:, 0] = far[:-1, 1] = np.clip((gaps - 1) // 2, 0, sight.reach)
    delays, clear = np.zeros(len(onsets), np.int64), np.ones(len(onsets), np.bool)
    before = np.zeros(len(sight.weight), complex)
    for first in range(0, len(onsets), TOGETHER):
        several = slice(first, min(first + TOGETHER, len(onsets)))
        strikes = [
            sight.seen(_cut(frames, weights, int(onset), sight.sample_rate), int(later), may)
            for onset, later, may in zip(onsets[several], until[several], far[several], strict=True)
        ]
        delays[several], clear[several] = _placed(strikes, before, sight, far[several])
        if first == 0:
            right = FOUND_RIGHT if found else TOLD_RIGHT
            delays[several] = _centred(delays[several], clear[several], right, far[several])
        for strike, delay in zip(strikes, delays[several], strict=True):
            before = before + sight.moved(strike, int(delay))
    return delays, clear


def _centred(
    delays: NDArray[np.int64], clear: NDArray[np.bool], right: float, far: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Delays of which that quantile is 0: which way all have moved together means nothing."""
    if not clear.any():
        return delays
    common = int(np.quantile(delays[clear], right, method="nearest"))
    return np.where(clear, np.clip(delays - common, -far[:, 0], far[:, 1]), delays)


def _cut(frames: Samples, weights: Float, onset: int, sample_rate: float) -> Float:
    """[samples] the one channel around an onset, silence beyond the ends."""
    first, last = onset - _before(sample_rate), onset + round(AFTER_S * sample_rate)
    there: Float = frames[max(first, 0) : max(last, 0)].astype(float) @ weights
    lead = max(-first, 0)
    return np.pad(there, (lead, max(last - first - lead - len(there), 0)))


def _placed(
    strikes: Sequence[Complex], before: Complex, sight: _Sight, far: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool]]:
    """[strikes] delays at which they are most alike, each other's and what was placed before.

    Where that is no likeness to speak of, which is told too, a strike stays where it was.

    Args:
        strikes: spectra.
        before: sum of those placed before.
        sight: of the key.
        far: [strikes, 2] by how many samples each may be earlier and later.
    """
    orders = [np.roll(np.arange(len(strikes)), -start) for start in _starts(strikes, sight)]
    tried = [_climb(strikes, before, sight, far, order) for order in orders]
    delays = max(tried, key=lambda found: found[0])[1]
    moved = [sight.moved(strike, int(d)) for strike, d in zip(strikes, delays, strict=True)]
    total = before + np.sum(moved, axis=0)
    clear = np.ones(len(strikes), np.bool)
    for k, strike in enumerate(strikes):
        alike = sight.likeness(strike, total - moved[k])
        usual = float(np.sqrt(np.mean(alike**2)))
        clear[k] = alike[delays[k] + sight.reach] >= CLEAR * usual
    return np.where(clear, delays, 0), clear


def _starts(strikes: Sequence[Complex], sight: _Sight) -> list[int]:
    """The strikes most like all others as they stand; from each of them one order begins."""
    total = np.sum(strikes, axis=0)
    alike = [float(sight.likeness(strike, total - strike).max()) for strike in strikes]
    return [int(start) for start in np.argsort(-np.array(alike), kind="stable")[:STARTS]]


def _climb(
    strikes: Sequence[Complex],
    before: Complex,
    sight: _Sight,
    far: NDArray[np.int64],
    order: NDArray[np.intp],
) -> tuple[float, NDArray[np.int64]]:
    """Likeness and delays after placing strikes one by one, then each again until none moves."""
    lags = np.arange(-sight.reach, sight.reach + 1)
    prior = -0.5 * PRIOR * (lags / sight.sample_rate / LIKELY_S) ** 2
    delays = np.zeros(len(strikes), np.int64)
    total, there = before, np.zeros(len(strikes), bool)
    score = 0.0
    for _ in range(ROUNDS):
        old, score = delays.copy(), 0.0
        for k in order:
            if there[k]:
                total = total - sight.moved(strikes[k], int(delays[k]))
            value = prior + sight.likeness(strikes[k], total)
            value[(lags < -far[k, 0]) | (lags > far[k, 1])] = -np.inf
            best = int(np.argmax(value))
            delays[k], there[k] = lags[best], True
            score += float(value[best])
            total = total + sight.moved(strikes[k], int(delays[k]))
        if (old == delays).all():
            break
    return score, delays


def _before(sample_rate: float) -> int:
    """Samples before an onset from which on a strike is looked at."""
    return round((REACH_S + BEFORE_S) * sample_rate)
