"""Two events that are one become one, one that is two becomes two, wherever it saves bits.

Bits are those of the events and of what they leave (`rtsynth.decompose.bits`). Merged are two
events of like sound that begin together: one goes, the other's gain and onset are fitted again.
Split is an event in which its own waveform is found a second time, or beside which another
resonance's is; where nothing of the first one is left then, the second takes its place. Every
change lowers the bits by more than a share of what was there, so that a second run finds nothing to
change. Thread: any.
"""

import dataclasses

import numpy as np
import scipy.fft

from rtsynth.decompose.bits import event_bits, sound_bits
from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike
from rtsynth.decompose.fit import Fit

__all__ = ["merge_doubled", "regroup", "split_fused"]

NEAR_S = 0.06  # onsets closer than this may be one
SPAN_S, TAIL_S = 0.5, 0.05  # of sound that is weighed
LIKE = 0.6  # cosine of the magnitude spectra of two sounds that may be one
AGAIN_S, SOUGHT_S = 0.06, 4.0  # after its onset a second one is sought
TEMPLATE_S = 0.15
EXPLAINS = 0.35  # of the residual's energy that a second event has to explain where it begins
WORTH = 0.03  # of the bits of the stretch that a split has to save
FAINTEST = 0.05  # of the first one's gain
ROUNDS = 4


def regroup(fit: Fit) -> tuple[int, int]:
    """Merge and split until neither saves bits; how many were merged, and how many split.

    Args:
        fit: its draft and residual are changed.
    """
    merged = split = 0
    for _ in range(ROUNDS):
        fewer, more = merge_doubled(fit), split_fused(fit)
        merged, split = merged + fewer, split + more
        if not more:
            break
    return merged, split


def merge_doubled(fit: Fit) -> int:
    """Make one of every two events whose union costs fewer bits; how many went."""
    gone = 0
    while any(_merge(fit, *pair) for pair in _doubles(fit)):
        gone += 1
    return gone


def _doubles(fit: Fit) -> list[tuple[Strike, Strike]]:
    """Pairs that begin together and sound alike: who stays, who goes; the nearest first."""
    near, span = (round(s * fit.draft.sample_rate) for s in (NEAR_S, TEMPLATE_S))
    strikes = sorted(fit.draft.strikes, key=lambda strike: (strike.onset, strike.resonance))
    looks = {id(strike): _look(fit.sound(strike, span)) for strike in strikes}
    pairs = []
    for place, first in enumerate(strikes):
        for second in strikes[place + 1 :]:
            if second.onset - first.onset > near:
                break
            (one, loudness), (other, level) = looks[id(first)], looks[id(second)]
            if float(one @ other) > LIKE:
                kept, goes = (first, second) if loudness >= level else (second, first)
                pairs.append((second.onset - first.onset, kept, goes))
                pairs.append((second.onset - first.onset, goes, kept))
    return [(kept, goes) for _, kept, goes in sorted(pairs, key=lambda pair: pair[0])]


def _look(sound: Float) -> tuple[Float, float]:
    """Magnitude spectrum of unit norm, and the norm."""
    spectrum = np.abs(scipy.fft.rfft(sound * np.hanning(2 * len(sound))[len(sound) :], 16_384))
    norm = float(np.linalg.norm(spectrum))
    return spectrum / (norm + 1e-30), norm


def _merge(fit: Fit, kept: Strike, goes: Strike) -> bool:
    """Leave out `goes` if that, `kept` being fitted again, costs fewer bits."""
    before = _bits(fit, [kept, goes], min(kept.onset, goes.onset))
    first, old = min(kept.onset, goes.onset), dataclasses.replace(kept)
    place = fit.draft.strikes.index(goes)
    fit.put_back([kept, goes])
    del fit.draft.strikes[place]
    choices = []
    for onset in sorted({old.onset, goes.onset}):
        trial = _moved(old, onset)
        trial.gain = _gain(fit, trial, old.gain)
        fit.take_away([trial])
        choices.append((_bits(fit, [trial], first), onset, trial.gain))
        fit.put_back([trial])
    cost, onset, gain = min(choices)
    if cost < before and gain > 0.0:
        moved = _moved(old, onset)
        kept.onset, kept.held, kept.gain = onset, moved.held, gain
        fit.take_away([kept])
        return True
    fit.draft.strikes.insert(place, goes)
    fit.take_away([kept, goes])
    return False


def _moved(strike: Strike, onset: int) -> Strike:
    """The same with another onset, let go when it was."""
    held = None if strike.held is None else max(strike.held + strike.onset - onset, 1)
    return dataclasses.replace(strike, onset=onset, held=held)


def split_fused(fit: Fit) -> int:
    """Make two of every event that costs fewer bits as two; how many were added."""
    added, shapes = 0, _shapes(fit)
    for strike in sorted(fit.draft.strikes, key=lambda one: (one.onset, one.resonance)):
        added += _split(fit, strike, _again(fit, strike, shapes))
        if strike in fit.draft.strikes:
            added += _split(fit, strike, _beside(fit, strike, shapes))
    return added


def _shapes(fit: Fit) -> dict[int, Float]:
    """How every resonance begins."""
    span = round(TEMPLATE_S * fit.draft.sample_rate)
    places = range(len(fit.draft.resonances))
    return {index: fit.sound(Strike(0, index, 1.0), span) for index in places}


def _split(fit: Fit, strike: Strike, second: Strike | None) -> bool:
    """Add a second event if the bits fall by more than `WORTH` of them."""
    if second is None:
        return False
    old = strike.gain
    before = _bits(fit, [strike], second.onset)
    fit.draft.strikes.append(second)
    fit.take_away([second])
    for _ in range(2):  # gains of the two, one after the other
        for one in (strike, second):
            fit.put_back([one])
            one.gain = _gain(fit, one, one.gain)
            fit.take_away([one])
    cost = _bits(fit, [strike, second], second.onset)
    loud = second.gain > FAINTEST * strike.gain or second.resonance != strike.resonance
    if cost < (1.0 - WORTH) * before and loud:
        second.seen_gain = second.gain * _seen_per_gain(fit, second)
        if strike.gain <= FAINTEST * second.gain:
            fit.put_back([strike])
            fit.draft.strikes.remove(strike)
        return True
    fit.put_back([strike, second])
    fit.draft.strikes.remove(second)
    strike.gain = old
    fit.take_away([strike])
    return False


def _seen_per_gain(fit: Fit, strike: Strike) -> float:
    """What the spectrum suggested per gain, of the loudest other strike of its resonance."""
    others = [other for other in fit.draft.of(strike.resonance) if other is not strike]
    loudest = max(others, key=lambda other: other.gain, default=None)
    return loudest.seen_gain / (loudest.gain + 1e-12) if loudest else 1.0


def _again(fit: Fit, strike: Strike, shapes: dict[int, Float]) -> Strike | None:
    """The strike's own resonance once more, where its waveform is clearest in what is left."""
    rate = fit.draft.sample_rate
    template = shapes[strike.resonance]
    first = strike.onset + round(AGAIN_S * rate)
    extent = fit.extent(strike, SOUGHT_S)
    left = fit.residual[first : strike.onset + extent]
    if len(left) < 2 * len(template) or len(template) == 0:
        return None
    size = scipy.fft.next_fast_len(len(left) + len(template))
    there = np.conj(scipy.fft.rfft(template, size)) * scipy.fft.rfft(left, size)
    product = scipy.fft.irfft(there, size)[: len(left) - len(template)]
    total = np.concatenate([[0.0], np.cumsum(left**2)])
    energy = total[len(template) :][: len(product)] - total[: len(product)]
    norm = float(template @ template)
    explained = np.maximum(product, 0.0) ** 2 / (norm * (energy + 1e-12 * total[-1] + 1e-30))
    best = int(np.argmax(explained * (product > 0.0) * energy))
    if explained[best] < EXPLAINS:
        return None
    return Strike(first + best, strike.resonance, float(product[best]) / norm)


def _beside(fit: Fit, strike: Strike, shapes: dict[int, Float]) -> Strike | None:
    """Another resonance at the same onset that explains most of what is left there."""
    draft, near = fit.draft, round(NEAR_S * fit.draft.sample_rate)
    there = {s.resonance for s in draft.strikes if abs(s.onset - strike.onset) < near}
    left = fit.left(strike, round(TEMPLATE_S * draft.sample_rate))
    energy = float(left @ left) + 1e-30
    best, found = EXPLAINS, None
    for index in sorted(set(shapes) - there):
        sound = shapes[index][: len(left)]
        product, norm = float(left[: len(sound)] @ sound), float(sound @ sound) + 1e-30
        if product > 0.0 and product**2 / (norm * energy) > best:
            best = product**2 / (norm * energy)
            found = Strike(strike.onset, index, product / norm)
    return found


def _gain(fit: Fit, strike: Strike, otherwise: float) -> float:
    """The gain that explains most of what is left, the strike itself being part of that."""
    span = max(1, min(fit.extent(strike, SPAN_S), fit.draft.length - strike.onset))
    sound = fit.sound(dataclasses.replace(strike, gain=1.0), span)
    energy = float(sound @ sound)
    if energy <= 0.0:
        return otherwise
    return max(float(fit.left(strike, len(sound)) @ sound) / energy, 0.0)


def _bits(fit: Fit, strikes: list[Strike], onset: int) -> float:
    """Bits of some events and of what is left from a little before an onset on."""
    draft, rate = fit.draft, fit.draft.sample_rate
    first, last = max(0, onset - round(TAIL_S * rate)), onset + round((SPAN_S + TAIL_S) * rate)
    events = sum(event_bits(s, draft.length, len(draft.resonances)) for s in strikes)
    return events + sound_bits(fit.residual[first:last])
