"""Strikes that earn their place: too weak ones go, too quiet ones come up. Thread: any."""

import collections
import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Strike
from rtsynth.decompose.fit import Fit

__all__ = ["drop_weak", "lift_gains"]

WORTH_S = 0.3
WORTH = 0.015
TOGETHER_S = 0.02  # onsets closer than this are one
INCOHERENT, LIFTED = 0.4, 0.7  # of the level the spectrum shows
LIFT_S = 0.1


def drop_weak(fit: Fit, weakest_db: float, worth: float = WORTH) -> None:
    """Forget strikes that are too weak, or that others at the same onset make needless.

    A lone strike stays even where its waveform fits badly: something was struck there.

    Args:
        fit: its draft and residual are changed.
        weakest_db: least energy against the strongest strike, dB.
        worth: least share by which a strike lowers the misfit around its onset.
    """
    draft, span = fit.draft, round(WORTH_S * fit.draft.sample_rate)
    strikes = draft.strikes
    sounds = [fit.sound(strike, min(span, draft.length - strike.onset)) for strike in strikes]
    energies = np.array([float(sound @ sound) for sound in sounds])
    limit = energies.max(initial=0.0) * 10.0 ** (weakest_db / 10.0)
    places = [round(strike.onset / (TOGETHER_S * draft.sample_rate)) for strike in strikes]
    shared = collections.Counter(places)
    for strike, sound, energy, place in zip(list(strikes), sounds, energies, places, strict=True):
        left = fit.left(strike, len(sound))
        # the difference of neighbours lets a hi-hat over a kick count as well
        gain = max(_worth(left, sound), _worth(np.diff(left), np.diff(sound)))
        if energy <= limit or (shared[place] > 1 and gain < worth):
            shared[place] -= 1
            fit.put_back([strike])
            strikes.remove(strike)


def _worth(left: Float, sound: Float) -> float:
    """By what share the misfit would grow without `sound`."""
    misfit = float(left @ left) + 1e-20
    return (float(sound @ sound) + 2.0 * float(left @ sound)) / misfit


def lift_gains(fit: Fit) -> None:
    """Give strikes whose waveform differs from their resonance's the level their spectrum has.

    Least squares turns a hi-hat that is no copy of another down to nothing; the ear does not.
    """
    for index in range(len(fit.draft.resonances)):
        # one that was found later was not seen in a spectrum
        strikes = [strike for strike in fit.draft.of(index) if strike.seen_gain > 0.0]
        if len(strikes) < 2:
            continue
        loudest = max(strikes, key=lambda strike: strike.gain)
        for strike in strikes:
            expected = loudest.gain * min(strike.seen_gain / (loudest.seen_gain + 1e-12), 1.5)
            if strike.gain < INCOHERENT * expected:
                _lift(fit, strike, LIFTED * expected)


def _lift(fit: Fit, strike: Strike, gain: float) -> None:
    """Raise a gain as far as what is left there has the energy for it."""
    span = min(round(LIFT_S * fit.draft.sample_rate), fit.draft.length - strike.onset)
    sound = fit.sound(dataclasses.replace(strike, gain=1.0), span)
    fit.put_back([strike])
    left = fit.left(strike, len(sound))
    room = [
        float(a @ a) / (float(b @ b) + 1e-20)
        for a, b in ((left, sound), (np.diff(left), np.diff(sound)))
    ]
    strike.gain = max(strike.gain, min(gain, LIFTED * float(np.sqrt(min(room)))))
    fit.take_away([strike])
