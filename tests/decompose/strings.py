"""Keys' strings as sums of modes, and fits in which one key has learned another's partials."""

import copy

import numpy as np

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.keys.keyboard import key_hz, nearest_key, partial_hz

__all__ = ["RATE", "keys_of", "string", "taken_over"]

RATE = 22_050.0


def string(key: int, seed: int, partials: int = 16) -> Resonance:
    """Partials of a key's stiff string at random phases."""
    random = np.random.default_rng(seed)
    freq_hz = partial_hz(float(key), key_hz(key), partials)
    order = np.arange(1, len(freq_hz) + 1)
    amplitude = 0.2 / order * np.exp(2j * np.pi * random.random(len(order)))
    return Resonance(Modes(freq_hz, 2.5 / np.sqrt(order), amplitude), pitch_hz=key_hz(key))


def taken_over(true: Draft, missing: int, by: int) -> Fit:
    """A draft without a resonance, whose partials another has learned; noise at −66 dB."""
    draft = copy.deepcopy(true)
    lost = [strike for strike in draft.strikes if strike.resonance == missing]
    draft.strikes = [strike for strike in draft.strikes if strike.resonance != missing]
    heir, gone = draft.resonances[by], draft.resonances.pop(missing)
    at = next(s for s in draft.strikes if s.resonance == by and s.onset == lost[0].onset)
    heir.modes = Modes(
        np.concatenate([heir.modes.freq_hz, gone.modes.freq_hz]),
        np.concatenate([heir.modes.t60_s, gone.modes.t60_s]),
        np.concatenate([heir.modes.amplitude, lost[0].gain / at.gain * gone.modes.amplitude]),
    )
    noise = 5e-4 * np.random.default_rng(3).standard_normal(true.length)
    return Fit(true.model() + noise, draft)


def keys_of(fit: Fit, strikes: list[Strike]) -> list[tuple[int, float]]:
    resonances = fit.draft.resonances
    return [
        (nearest_key(resonances[s.resonance].pitch_hz), round(s.onset / RATE, 3)) for s in strikes
    ]
