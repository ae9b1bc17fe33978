"""Gains per mode of single strikes, where they pay: of as many modes as a vector has numbers.

Thread: any.
"""

import numpy as np

from rtsynth.decompose.amplitude import Window, fit_offsets
from rtsynth.decompose.damped import Float, Modes, poles, ring_modes
from rtsynth.decompose.draft import Resonance, Strike, modal_signal
from rtsynth.decompose.fit import Fit
from rtsynth.events import VECTOR_DIM

__all__ = ["WORTH", "give_offsets", "offsets_towards"]

SPAN_S = 2.0
SKIP_S = 0.004
MAX_OFFSET_DB = 18.0
WORTH = 0.8  # offsets are kept if they bring the error down to this share


def give_offsets(fit: Fit) -> None:
    """Give each strike the gains per mode that pay.

    Args:
        fit: its draft and residual are changed.
    """
    for strike in fit.draft.strikes:
        fit.put_back([strike])
        _give(fit, strike)
        fit.take_away([strike])


def _give(fit: Fit, strike: Strike) -> None:
    resonance, rate = fit.draft.resonances[strike.resonance], fit.draft.sample_rate
    modes, skip = resonance.modes, round(SKIP_S * rate)
    last = fit.extent(strike, SPAN_S)
    if last < 5 * skip or len(modes) == 0:
        return
    heard = fit.left(strike, last)
    before = _error(_window(heard, resonance, strike.gain, skip), strike.offset_db, modes, rate)
    found = offsets_towards(heard, resonance, strike.gain, rate)
    if found is not None and found[1] < WORTH * before:
        strike.offset_db = found[0]


def offsets_towards(
    sound: Float, resonance: Resonance, gain: float, sample_rate: float
) -> tuple[Float, float] | None:
    """[modes] dB by which a strike comes closest to a sound, and the energy then left of it.

    Only the `VECTOR_DIM` modes of most energy have some: an event's vector tells no more.

    Args:
        sound: [samples] from the strike's onset on.
        resonance: that is struck.
        gain: of the strike.
        sample_rate: Hz.

    Returns:
        None where there is too little sound, or no mode.
    """
    modes, skip = resonance.modes, round(SKIP_S * sample_rate)
    if len(sound) < 5 * skip or len(modes) == 0:
        return None
    window = _window(sound, resonance, gain, skip)
    order = modes.loudest()
    told, others = modes.take(order[:VECTOR_DIM]), modes.take(order[VECTOR_DIM:])
    left = window.signal - gain * ring_modes(others, sample_rate, window.last, single=True)[skip:]
    beside = Window(left, skip, gain)
    factors = fit_offsets(poles(told.freq_hz, told.t60_s, sample_rate), told.amplitude, beside)
    offset_db = 20.0 * np.log10(np.maximum(factors, 1e-2))
    trial = np.zeros(len(modes))
    trial[order[:VECTOR_DIM]] = np.clip(offset_db, -MAX_OFFSET_DB, MAX_OFFSET_DB)
    return trial, _error(window, trial, modes, sample_rate)


def _window(sound: Float, resonance: Resonance, gain: float, skip: int) -> Window:
    """What the modes have to explain of a sound, its first moments left out."""
    rest = sound[skip:].copy()
    attack = gain * resonance.attack[skip : len(sound)]
    rest[: len(attack)] -= attack
    return Window(rest, skip, gain)


def _error(window: Window, offset_db: Float | None, modes: Modes, rate: float) -> float:
    probe = Strike(0, 0, window.gain, None, offset_db=offset_db)
    sound = modal_signal(probe, modes, rate, window.last)
    sound = np.pad(sound, (0, max(0, window.last - len(sound))))[window.first :]
    return float(np.sum((window.signal - sound) ** 2))
