"""When keys are let go, all strikes of a draft looked at together. Thread: any.

A damper is seen in the sound (`damper`), a key that is struck again has been let go before unless
both strikes are plainly there (`restrike`), and the waveform says to a few samples when, where it
is known to some 50 ms (`place_key_offs`).
"""

import itertools
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike, modal_signal
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.damper import RELEASE_S, damped_at
from rtsynth.decompose.release import RELEASES_S
from rtsynth.decompose.restrike import rings_on
from rtsynth.units import LN1000

__all__ = ["find_key_offs", "place_key_offs"]

SHORTEST_S = 0.06
STOPPED_S = 0.3
LATE_S = 0.03  # of a damper seen so shortly before the next strike, it is that one
AGAIN_S = 0.6  # of a strike in which the one before may be heard
OLDEST_S = 4.0  # after which nothing is to be heard of it
PLAINLY, LIKELY = 0.3, 0.1  # of the error gone with the older strike
MANY = 0.5  # of all restrikes that are likely to ring on: then the likely ones do
AFTERWARDS_S = 0.05, 0.35
GONE, STILL, NOTHING = 0.7, 0.8, 1e-6
FEW = 4  # falls that say nothing of the instrument
NEAR_S = 0.06
AFTER_S = 1.0  # after a key-off that may tell when it was
BLOCK_S = 0.0015


def find_key_offs(fit: Fit, dampers: bool | None = None) -> bool | None:
    """Say of every strike when it is let go, as far as that shows.

    Args:
        fit: of keys, whose strikes have no gains per mode yet; its strikes and residual are
            changed.
        dampers: whether the instrument has any, so that all falls are believed; None if that is
            to be found out.

    Returns:
        whether it has, for the next time; None if there was too little to tell.
    """
    draft = fit.draft
    stopped = _stop(fit)
    damped, dampers = _damped(fit, stopped, dampers)
    following = _following(draft.strikes)
    for strike in sorted(draft.strikes, key=lambda strike: -strike.onset):
        end, release_s = damped.get(id(strike)), RELEASE_S
        over, later = stopped.get(id(strike)), following.get(id(strike))
        if over is not None and (end is None or end > over - LATE_S * draft.sample_rate):
            end, release_s = over, STOPPED_S
        elif end is None and later is not None and later.held is not None:
            # what rings on under the next strike is damped with it
            end, release_s = later.onset - strike.onset + later.held, later.release_s
        if strike.held != end:
            _let_go(fit, strike, end, release_s if end is not None else STOPPED_S)
    place_key_offs(fit)
    return dampers


def place_key_offs(fit: Fit) -> None:
    """Move every key-off within 60 ms, and say how fast it is damped, so that least is left.

    Args:
        fit: its strikes, which have no gains per mode yet, and its residual are changed.
    """
    for strike in fit.draft.strikes:
        if strike.held is not None:
            best = _nearest(fit, strike, strike.held)
            if best is not None:
                _let_go(fit, strike, best.held, best.release_s)


def _let_go(fit: Fit, strike: Strike, held: int | None, release_s: float) -> None:
    fit.put_back([strike])
    strike.held, strike.release_s = held, release_s
    fit.take_away([strike])


def _following(strikes: list[Strike]) -> dict[int, Strike]:
    """By identity, the next strike of the same resonance; none at the very same onset."""
    in_time = sorted(strikes, key=lambda strike: (strike.resonance, strike.onset))
    return {
        id(one): two
        for one, two in itertools.pairwise(in_time)
        if one.resonance == two.resonance and two.onset > one.onset
    }


def _stop(fit: Fit) -> dict[int, int]:
    """By identity, samples until its key is struck again, for every strike that ends there.

    One after the other in time, and what ends is ended at once: it would be heard in the next.
    """
    following = _following(fit.draft.strikes)
    plainly, likely, tested = set[int](), set[int](), 0
    for strike in sorted(fit.draft.strikes, key=lambda strike: strike.onset):
        again = following.get(id(strike))
        found = None if again is None else _ringing(fit, strike, again)
        if found is not None:
            tested += 1
            plainly |= {id(strike)} if found.plainly else set()
            likely |= {id(strike)} if found.likely else set()
        if again is not None and id(strike) not in plainly:
            over = again.onset - strike.onset
            if strike.held is None or strike.held > over:
                _let_go(fit, strike, over, STOPPED_S)
    ringing = likely if len(likely) > MANY * tested else plainly
    return {
        id(strike): following[id(strike)].onset - strike.onset
        for strike in fit.draft.strikes
        if id(strike) in following and id(strike) not in ringing
    }


class _Ringing(NamedTuple):
    """How sure it is that a strike is still heard when its key is struck again."""

    plainly: bool
    likely: bool


def _ringing(fit: Fit, strike: Strike, following: Strike) -> _Ringing | None:
    """None where too little of a strike would be left to tell."""
    rate, modes = fit.draft.sample_rate, fit.draft.resonances[strike.resonance].modes
    late = following.onset - strike.onset
    if late > OLDEST_S * rate:
        return None
    older = modal_signal(Strike(0, 0, strike.gain), modes, rate, late + round(AGAIN_S * rate))
    older = older[late:]
    newer = fit.sound(following, len(older))
    sound = fit.left(following, len(newer)).copy()
    sound += _padded(newer, len(sound))
    sound += _padded(fit.sound(strike, late + len(sound))[late:], len(sound))
    count = min(len(older), len(newer), len(sound))
    if count == 0:
        return None
    parts = sound[:count], older[:count], newer[:count]
    return _Ringing(rings_on(*parts, saved=PLAINLY), rings_on(*parts, saved=LIKELY))


def _damped(
    fit: Fit, stopped: dict[int, int], dampers: bool | None
) -> tuple[dict[int, int], bool | None]:
    """By identity, samples for which strikes are held until a damper falls on them.

    Where most falls are plain, there are dampers, and all falls are believed; else, as on a guitar,
    only those after which the waveform has nothing of the strike.
    """
    shortest = SHORTEST_S * fit.draft.sample_rate
    falls = damped_at(fit.signal, fit.draft, stopped)
    found = {
        id(strike): (held, _goes_on(fit, strike, held))
        for strike, held in zip(fit.draft.strikes, falls, strict=True)
        if held is not None and held >= shortest
    }
    shares = [share for _, share in found.values() if share is not None]
    if dampers is None and len(shares) >= FEW:
        dampers = bool(np.median(shares) < GONE)
    believed = {
        key: end
        for key, (end, share) in found.items()
        if dampers or (share is not None and share < STILL)
    }
    return believed, dampers


def _goes_on(fit: Fit, strike: Strike, held: int) -> float | None:
    """How much of a strike, about 0 … 1, is in the waveform after it seems to be let go.

    None where nothing of it would be left.
    """
    rate, modes = fit.draft.sample_rate, fit.draft.resonances[strike.resonance].modes
    limit = min(held + round(AFTERWARDS_S[1] * rate), fit.draft.length - strike.onset)
    sound = modal_signal(Strike(0, 0, strike.gain), modes, rate, limit)
    after = slice(held + round(AFTERWARDS_S[0] * rate), None)
    heard = fit.weight[strike.onset :][: len(sound)] ** 2 * sound
    energy = float(heard[after] @ sound[after])
    if energy <= NOTHING * float(heard @ sound):
        return None
    return float(heard[after] @ _modes_seen(fit, strike, len(sound))[after]) / energy


def _modes_seen(fit: Fit, strike: Strike, length: int) -> Float:
    """[length] of what is left from a strike's onset on, with what its modes have now."""
    modes = fit.draft.resonances[strike.resonance].modes
    own = modal_signal(strike, modes, fit.draft.sample_rate, length)
    seen: Float = fit.left(strike, length) + _padded(own, length)
    return seen


def _padded(sound: Float, length: int) -> Float:
    return np.pad(sound[:length], (0, max(0, length - len(sound))))


class _KeyOff(NamedTuple):
    held: int
    release_s: float


def _nearest(fit: Fit, strike: Strike, held: int) -> _KeyOff | None:
    """The key-off near one that leaves least; None if the strike is over before.

    With `m` the strike as if held, `t` what is to be explained and `w` the weight, a key-off at `h`
    leaves `Σ w²(t − m·e^{−d(n−h)})²` from there on: two recursions from the end give that for
    every `h`.
    """
    draft, rate = fit.draft, fit.draft.sample_rate
    block, near = max(1, round(BLOCK_S * rate)), round(NEAR_S * rate)
    shortest = -(-min(held, round(SHORTEST_S * rate)) // block)
    first, last = max(shortest, (held - near) // block), (held + near) // block
    limit = min(draft.length - strike.onset, held + near + round(AFTER_S * rate))
    modes = draft.resonances[strike.resonance].modes
    sound = modal_signal(Strike(0, 0, strike.gain), modes, rate, limit)
    blocks = len(sound) // block
    if blocks <= last or first > last:
        return None
    sound = sound[: blocks * block]
    heard = fit.weight[strike.onset : strike.onset + len(sound)] ** 2 * sound
    target = _modes_seen(fit, strike, len(sound))
    there = (heard * target).reshape(-1, block).sum(axis=1)
    energy = (heard * sound).reshape(-1, block).sum(axis=1)
    # what it leaves less than being held would, but for what both have in common
    common = _summed(energy, 1.0) - 2.0 * _summed(there, 1.0)
    best, least = None, np.inf
    for release_s in RELEASES_S:
        fall = LN1000 / (release_s * rate) * block
        one, two = np.exp(-fall), np.exp(-2.0 * fall)
        left = two**0.5 * _summed(energy, two) - 2.0 * one**0.5 * _summed(there, one) - common
        at = first + int(np.argmin(left[first : last + 1]))
        if left[at] < least:
            best, least = _KeyOff(at * block, release_s), float(left[at])
    return best


def _summed(values: Float, fall: float) -> Float:
    """[blocks] sum of this and all later values, each block later counting `fall` times as much."""
    found: Float = lfilter([1.0], [1.0, -fall], values[::-1])[::-1]
    return found
