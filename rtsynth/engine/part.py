"""What one voice gives to one tick: its samples, the line of its gains, and how it ended.

A part touches nothing but its own voice and scratch arrays, so that parts can be made side by side
(`rtsynth.engine.share`); it is added to the bus on the audio thread, in the order of the voices.
Thread: audio, helper.
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
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.record import ENGINE, TO_ENGINE, WORKER
from rtsynth.engine.sound import attack_length, sound_voice
from rtsynth.engine.state import state_at
from rtsynth.engine.voice import DYING, END, FREE, SQRT2, notify

__all__ = ["COUNT", "LINE", "OUTCOME", "add_part", "make_part", "render_voice"]

KEPT, ENDED, MAD = range(3)
"""How a voice comes out of a tick: it goes on, it is over, it was no sound any more."""

OUTCOME, COUNT = range(2)
"""Places in `State.told`: how the last part came out, and how many were made."""

LINE = 4
"""Numbers of a part's gains: start and change of the first channel, then of the second."""

NAN = int(NoticeKind.NAN)
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
def _end_part(st: Any, v: int) -> None:
    """Free the voice if it has become silent, and leave word."""
    st.told[OUTCOME] = KEPT
    if _finished(st, v):
        st.voices[v].state = FREE
        st.told[OUTCOME] = ENDED


@state_kernel
def _fade(st: Any, v: int) -> None:
    """Fade st.mono where the voice fades."""
    voice = st.voices[v]
    mono = st.mono
    if voice.fade_at < st.fade.shape[0] or voice.fade_to != 1.0:
        for n in range(voice.fade_first):
            mono[n] *= voice.fade_from
        voice.fade_at = apply_fade(
            st.fade, voice.fade_from, voice.fade_to, voice.fade_at, voice.fade_first, TICK, mono
        )
        voice.fade_first = 0


@state_kernel
def _move_gains(st: Any, v: int) -> None:
    """One tick's step of gain and pan, as lines into st.line."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    line = st.line
    share = ease(voice.ramp_ticks + 1.0, float(st.core[0].smooth_ticks))
    gain = slot.gain * voice.velocity
    if voice.panned != slot.pan:
        angle = (slot.pan + 1.0) * 0.25 * math.pi
        voice.panned = slot.pan
        voice.panned_left = SQRT2 * math.cos(angle)
        voice.panned_right = SQRT2 * math.sin(angle)
    if st.bus.shape[0] == 1:
        line[0], line[1] = voice.gain, (gain - voice.gain) * share
        voice.gain += line[1]
        return
    left, right = gain * voice.panned_left, gain * voice.panned_right
    voice.gain += (gain - voice.gain) * share
    line[0], line[1] = voice.left, (left - voice.left) * share
    line[2], line[3] = voice.right, (right - voice.right) * share
    voice.left += line[1]
    voice.right += line[3]


@kernel("void(float32[::1], float64[::1], float32[:,::1])")
def _add_through(mono: Any, line: Any, out: Any) -> None:
    """`out += mono · gain`, [channels, TICK], the gains moving in straight lines."""
    for c in range(out.shape[0]):
        start, step = line[2 * c], line[2 * c + 1] / TICK
        channel = out[c]
        for n in range(TICK):
            channel[n] += mono[n] * (start + step * (n + 1))


@door
def make_part(address: int, v: int) -> None:
    """One tick of a voice that the engine alone renders into st.mono, st.line and st.told."""
    st = state_at(address)
    sound_voice(st, v)
    if largest_bits(st.mono) >= LARGEST_SANE_BITS:
        st.voices[v].state = FREE
        st.told[OUTCOME] = MAD
        return
    _fade(st, v)
    _move_gains(st, v)
    _end_part(st, v)


@state_kernel
def _tell_end(st: Any, v: int, outcome: int) -> None:
    """Tell how a voice ended that is free by now."""
    core = st.core[0]
    event = st.slots[st.voices[v].slot].id
    if outcome == MAD:
        core.nans += 1
        notify(st, NAN, core.tick_frame, event, 0, 0.0)
    else:
        notify(st, END, core.tick_frame + TICK, event, 0, 0.0)


@kernel()
def add_part(st: Any, v: int, mono: Any, line: Any, outcome: int) -> None:
    """Add a part to the bus and say how it ended. Thread: audio."""
    if outcome != MAD:
        _add_through(mono, line, st.bus)
    if outcome != KEPT:
        _tell_end(st, v, outcome)


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
    _fade(st, v)
    _move_gains(st, v)
    _add_through(st.mono, st.line, st.share)
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
            st.bus[c, n] += (1.0 - part[n]) * st.share[c, n] * st.rung[n]


@state_kernel
def _render_handed(st: Any, v: int) -> None:
    """One tick of a voice that a worker renders too, into the bus and the hop's record."""
    voice = st.voices[v]
    first = max(0, voice.begin - st.core[0].tick_frame)
    bright, position = voice.bright, voice.attack_at
    ramp, version = voice.ramp_ticks, voice.version
    sound_voice(st, v)
    if largest_bits(st.mono) >= LARGEST_SANE_BITS:
        voice.state = FREE
        _tell_end(st, v, MAD)
        return
    trace_voice(st, v, first, bright, position, attack_length(st, voice))
    if ramp > 0 or voice.version != version:
        trace_vector(st, v)
    _add_shared(st, v, first)
    _end_part(st, v)
    if st.told[OUTCOME] == ENDED:
        _tell_end(st, v, ENDED)


@door
def render_voice(address: int, v: int) -> None:
    """One tick of voice v into the bus; frees it if it is silent or mad. Thread: audio."""
    st = state_at(address)
    enter_hop(st, v)
    if st.voices[v].hand != ENGINE:
        _render_handed(st, v)
        return
    make_part(st, v)
    add_part(st, v, st.mono, st.line, st.told[OUTCOME])
