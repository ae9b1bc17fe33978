"""What one voice gives to one tick, through its fade, gain and pan, and how it comes out of it.

It touches nothing but its own voice and scratch arrays, so that voices can be rendered side by side
(`rtsynth.engine.share`); but for those that a grain worker renders too, which are the audio
thread's. Thread: audio, helper.
"""

import math
from typing import Any

import numpy as np

from rtsynth.dsp.bend import STRETCH
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.grain import HOP
from rtsynth.dsp.lanes import largest_bits
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.ramp import apply_fade, ease
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.controls import TEXTURE, is_blown
from rtsynth.engine.hand import enter_hop, trace_vector, trace_voice
from rtsynth.engine.record import ENGINE, TO_ENGINE, WORKER
from rtsynth.engine.sound import attack_length, sound_voice
from rtsynth.engine.state import state_at
from rtsynth.engine.voice import DYING, FREE, SQRT2

__all__ = ["COUNT", "ENDED", "KEPT", "MAD", "OUTCOME", "render_voice"]

KEPT, ENDED, MAD = range(3)
"""How a voice comes out of a tick: it goes on, it is over, it was no sound any more."""

OUTCOME, COUNT = range(2)
"""Places in `State.told`: how the last voice came out, and how many were rendered."""

SILENCE = 1e-5  # −100 dB re full scale
LARGEST_SANE_BITS = int(np.float32(1e6).view(np.int32))


@state_kernel
def _finished(st: Any, v: int) -> bool:
    """Whether nothing of the voice will be heard any more."""
    voice = st.voices[v]
    if voice.state == DYING:
        return voice.fade_at >= st.fade.shape[0]
    if voice.kind == TEXTURE or voice.driven != 0:
        return False
    res = st.resonances[voice.resonance]
    if res.sustained != 0 and voice.released == 0:
        return False
    if is_blown(st, v) and res.blow_fall == 0.0:
        return False
    backwards = st.controls[v, STRETCH] < 0.0
    if backwards and voice.released == 0:
        return False
    if not backwards and voice.attack_at < attack_length(st, voice):
        return False
    return voice.level * max(voice.gain, 0.05) < SILENCE


@state_kernel
def _end_tick(st: Any, v: int) -> None:
    """Free the voice if it has become silent, and leave word."""
    st.told[OUTCOME] = KEPT
    if _finished(st, v):
        st.voices[v].state = FREE
        st.told[OUTCOME] = ENDED


@kernel("float64(float32[::1], float64, float64, float32[::1])")
def _add(mono: Any, start: float, change: float, out: Any) -> float:
    """`out += mono · gain`, the gain moving in a straight line by `change`; where it ends."""
    step = change / TICK
    for n in range(TICK):
        out[n] += mono[n] * (start + step * (n + 1))
    return start + change


@kernel()
def _mix(st: Any, v: int, out: Any) -> None:
    """Fade st.mono and add it to out, [channels, TICK], through gain and pan."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    mono = st.mono
    if voice.fade_at < st.fade.shape[0] or voice.fade_to != 1.0:
        for n in range(voice.fade_first):
            mono[n] *= voice.fade_from
        voice.fade_at = apply_fade(
            st.fade, voice.fade_from, voice.fade_to, voice.fade_at, voice.fade_first, TICK, mono
        )
        voice.fade_first = 0
    share = ease(voice.ramp_ticks + 1.0, float(st.core[0].smooth_ticks))
    gain = slot.gain * voice.velocity
    if voice.panned != slot.pan:
        angle = (slot.pan + 1.0) * 0.25 * math.pi
        voice.panned = slot.pan
        voice.panned_left = SQRT2 * math.cos(angle)
        voice.panned_right = SQRT2 * math.sin(angle)
    left, right = gain * voice.panned_left, gain * voice.panned_right
    if out.shape[0] == 1:
        voice.gain = _add(mono, voice.gain, (gain - voice.gain) * share, out[0])
    else:
        voice.gain += (gain - voice.gain) * share
        voice.left = _add(mono, voice.left, (left - voice.left) * share, out[0])
        voice.right = _add(mono, voice.right, (right - voice.right) * share, out[1])


@state_kernel
def _add_shared(st: Any, v: int, first: int) -> None:
    """Gain, fade and pan of a voice into the hop's record; st.mono too while it is handed over."""
    voice = st.voices[v]
    at = st.core[0].tick_frame % HOP
    gains = st.grain_gains[voice.place]
    for n in range(TICK):
        st.rung[n] = st.mono[n]
        st.mono[n] = 1.0
    for n in range(first):
        st.mono[n] = 0.0
    st.share[:] = 0.0
    _mix(st, v, st.share)
    for c in range(gains.shape[0]):
        for n in range(TICK):
            gains[c, at + n] = st.share[c, n]
    if voice.hand == WORKER:
        return
    part = st.halves[at : at + TICK]
    if voice.hand == TO_ENGINE:
        part = st.halves[HOP + at : HOP + at + TICK]
    for c in range(gains.shape[0]):
        for n in range(TICK):
            gains[c, at + n] *= part[n]
            st.sum[c, n] += (1.0 - part[n]) * st.share[c, n] * st.rung[n]


@door
def render_voice(address: int, v: int) -> None:
    """Add one tick of voice v to st.sum; free it if it is silent or mad. st.told says how it is."""
    st = state_at(address)
    voice = st.voices[v]
    enter_hop(st, v)
    first = max(0, voice.begin - st.core[0].tick_frame)
    bright, position = voice.bright, voice.attack_at
    ramp, version = voice.ramp_ticks, voice.version
    sound_voice(st, v, first)
    if largest_bits(st.mono) >= LARGEST_SANE_BITS:
        voice.state = FREE
        st.told[OUTCOME] = MAD
        return
    if voice.hand == ENGINE:
        _mix(st, v, st.sum)
    else:
        trace_voice(st, v, first, bright, position, attack_length(st, voice))
        if ramp > 0 or voice.version != version:
            trace_vector(st, v)
        _add_shared(st, v, first)
    _end_tick(st, v)
