"""An instrument written into the arena, in the units of frames. Thread: main, before the stream."""

import math

import numpy as np
from numpy.typing import NDArray

from rtsynth.engine.layout import State
from rtsynth.instrument import Instrument

__all__ = ["load_instrument"]


def load_instrument(state: State, instrument: Instrument, rate: float) -> None:
    """Write the whole instrument into the arena.

    Args:
        state: of an engine built for the instrument's sizes.
        instrument: its attack at the engine's rate.
        rate: Hz.
    """
    modes = instrument.modes
    state.mode_map[:modes] = instrument.mode_map.T
    state.blow_gain[:] = instrument.blow_gain
    falling = instrument.blow_t60_s > 0
    state.blow_fall[:] = np.where(
        falling, 60.0 / (np.maximum(instrument.blow_t60_s, 1e-3) * rate), 0.0
    )
    state.bank[:, 0, :modes] = instrument.freq_hz
    state.bank[:, 1, :modes] = instrument.t60_s
    state.bank[:, 2, :modes] = instrument.mode_gain[:, :, 0]
    state.bank[:, 3, :modes] = instrument.mode_gain[:, :, 1]
    state.attack[:, : instrument.attack.shape[1]] = instrument.attack
    state.envelope[:] = instrument.strike_envelope
    state.taps[:] = instrument.strike_filter
    state.texture_gain[:] = instrument.texture_gain
    state.am_depth_db[:] = instrument.am_depth_db
    state.textures["am_rate"] = instrument.am_rate_hz / rate
    state.textures["click_rate"] = instrument.click_rate_hz / rate
    state.textures["click_gain"] = instrument.click_gain.astype(float) * rate
    state.textures["click_spread_db"] = instrument.click_spread_db
    state.textures["hums"] = (instrument.hum_hz > 0).sum(axis=1)
    for r in range(instrument.resonances):  # those in use to the front
        heard = np.flatnonzero(instrument.hum_hz[r])
        state.hums[r, 0, : len(heard)] = instrument.hum_hz[r, heard]
        state.hums[r, 1, : len(heard)] = instrument.hum_gain[r, heard]
    tails, attacks = instrument.tail_s(), instrument.attack_frames
    for r in range(instrument.resonances):
        _load_resonance(state, instrument, r, rate)
        state.resonances[r]["tail_frames"] = tails[r] * rate
        state.resonances[r]["attack_frames"] = attacks[r]


def _load_resonance(state: State, instrument: Instrument, r: int, rate: float) -> None:
    resonance = state.resonances[r]
    sounding = np.flatnonzero(instrument.freq_hz[r])
    _pack(state.bank[r], sounding)
    state.columns[r, : len(sounding)] = sounding
    resonance["modes"] = len(sounding)
    if len(sounding):
        freq = state.bank[r, 0, : len(sounding)].astype(float)
        state.bank[r, 4, : len(sounding)] = np.log2(freq / freq.min())
    resonance["impulse"] = float(instrument.impulse[r]) * rate
    resonance["strike_frames"] = float(instrument.strike_s[r]) * rate
    resonance["blow_dry"] = instrument.blow_dry[r]
    resonance["blow_wet"] = instrument.blow_wet[r]
    resonance["bow"] = float(instrument.bow[r]) * rate
    resonance["blown"] = instrument.blown[r]
    resonance["noise_cap"] = _noise_cap(instrument, r, rate)
    blow = float(np.linalg.norm(instrument.blow_gain[r]))
    resonance["blow_level"] = float(instrument.blow_dry[r]) * blow
    heard_bands = instrument.blow_gain[r] > 0
    falls = state.blow_fall[r][heard_bands]
    resonance["blow_fall"] = float(falls.min(initial=np.inf)) if len(falls) else 0.0
    resonance["sustained"] = instrument.sustained[r]
    resonance["strike_dry"] = instrument.strike_dry[r]
    resonance["strike_wet"] = instrument.strike_wet[r]


def _noise_cap(instrument: Instrument, r: int, rate: float) -> float:
    """Four times the RMS of what strike and blow, at four times its level, make of |z/a|."""
    taps = float(np.linalg.norm(instrument.strike_filter[r]))
    strike = float(instrument.strike_wet[r] * instrument.strike_envelope[r].max()) * taps
    blow = 4.0 * float(instrument.blow_wet[r] * np.linalg.norm(instrument.blow_gain[r]))
    longest = float(instrument.t60_s[r].max(initial=0.0)) * rate
    return 4.0 * (strike + blow) * math.sqrt(longest / (2.0 * math.log(1000.0)))


def _pack(bank: NDArray[np.float32], sounding: NDArray[np.intp]) -> None:
    """Move the modes in use to the front, in order of their index, and silence the rest."""
    packed = bank[:, sounding].copy()
    bank[:] = 0.0
    bank[:, : len(sounding)] = packed
