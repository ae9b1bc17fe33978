"""One tick of one voice: strike, modes or texture, guard, fade, gain and pan. Thread: audio."""

import math
from typing import Any

import numpy as np

from rtsynth.dsp.bend import CONTROLS, DAMP, RELEASE, STRETCH, TRANSPOSE
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.draw import add_drawn
from rtsynth.dsp.grain import HOP
from rtsynth.dsp.lanes import largest_bits
from rtsynth.dsp.modal import (
    TICK,
    bow_modes,
    drive_modes,
    drive_tick,
    glide_modes,
    lift_bow,
    ring_modes,
)
from rtsynth.dsp.ramp import apply_fade, ease
from rtsynth.dsp.strike import add_attack
from rtsynth.engine.blow import blow
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.controls import (
    TEXTURE,
    bend_voice,
    is_blown,
    is_bowed,
    is_noisy,
    move_controls,
    strike_from,
    target_controls,
)
from rtsynth.engine.hand import enter_hop, trace_vector, trace_voice
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.patch import BEFORE, BOW_LEVEL, DRAWN_BOW, DRAWN_DRY, NOW, STRIKE_LEVEL
from rtsynth.engine.record import ENGINE, TO_ENGINE, WORKER
from rtsynth.engine.state import state_at
from rtsynth.engine.texture import render_texture
from rtsynth.engine.thin import bends_now, thin_voice
from rtsynth.engine.voice import DYING, END, FREE, SQRT2, let_die, notify

__all__ = ["render_voice"]

NAN = int(NoticeKind.NAN)
SILENCE = 1e-5  # −100 dB re full scale
LARGEST_SANE_BITS = int(np.float32(1e6).view(np.int32))


@state_kernel
def _strike(st: Any, v: int, first: int) -> None:
    """The drive of the modes into st.drive[1]; the part heard directly into st.mono."""
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    tick = st.core[0].tick_frame
    age = tick - voice.onset
    noise, drive = st.drive[0], st.drive[1]
    noisy = is_noisy(st, v)
    if noisy:
        strike_from(st, v, age)
        start = res.strike_dry * st.params[STRIKE_LEVEL, BEFORE]
        step = (res.strike_dry * st.params[STRIKE_LEVEL, NOW] - start) / TICK
        for n in range(first, TICK):
            drive[n] += res.strike_wet * noise[n]
            st.mono[n] += (start + step * (n + 1)) * noise[n]
    if age <= 0 and voice.begin <= voice.onset:
        drive[-age] += res.impulse
    voice.driven = 1 if noisy and age + TICK < res.strike_frames else 0


@state_kernel
def _sound_modes(st: Any, v: int, first: int, last: int, driven: bool, bent: bool) -> float:
    """Frames first … last of the modes into st.mono; a bound on what they have left."""
    voice = st.voices[v]
    modes = st.modes[v]
    if last <= first:
        return float(voice.level)
    height = 0.0
    bowed = is_bowed(st, v)
    if bowed:
        height = st.resonances[voice.resonance].bow * st.params[BOW_LEVEL, NOW]
        height *= 2.0 ** st.drawn[v, DRAWN_BOW]
        bow_modes(modes, voice.modes, height, first, last, st.work32, st.bowed)
    if driven and last - first == TICK:
        level = drive_tick(modes, voice.modes, st.drive[1], st.rung)
    elif last - first < TICK:
        level = drive_modes(modes, voice.modes, st.drive[1], first, last, st.rung)
    elif bent:
        level = glide_modes(modes, voice.modes, st.rung)
    else:
        level = ring_modes(modes, voice.modes, st.rung)
    for n in range(first, last):
        st.mono[n] += st.rung[n]
    if bowed:
        level += lift_bow(modes, voice.modes)
        for n in range(first, last):
            st.mono[n] += st.bowed[n]
    return float(level)


@kernel()
def _attack_length(st: Any, voice: Any) -> int:
    """Samples of the longest attack the voice plays, the resonance's or a drawn one."""
    length = st.resonances[voice.resonance].attack_frames
    if voice.attack_cache >= 0:
        length = max(length, st.caches[voice.attack_cache].attack_frames)
    if voice.attack_next >= 0:
        length = max(length, st.caches[voice.attack_next].attack_frames)
    return int(length)


@state_kernel
def _add_member_attacks(
    st: Any, cache: int, position: float, rate: float, start: float, target: float, first: int
) -> None:
    if cache < 0:
        return
    members = st.members.shape[0]
    rows = st.drawn_attack[cache * members : (cache + 1) * members]
    length = st.caches[cache].attack_frames
    add_drawn(
        rows, length, position, rate, st.members_from, st.members, start, target, first, TICK,
        st.mono,
    )  # fmt: skip


@kernel()
def _drawn_attack(st: Any, voice: Any, position: float, rate: float, first: int) -> None:
    """What the field drew, fading from one cache to the next where it was drawn anew."""
    start, level = st.params[STRIKE_LEVEL, BEFORE], st.params[STRIKE_LEVEL, NOW]
    before, after = start, level
    if voice.attack_ticks > 0:
        ticks = float(st.core[0].smooth_ticks)
        before = start * voice.attack_ticks / ticks
        voice.attack_ticks -= 1
        after = level * voice.attack_ticks / ticks
        _add_member_attacks(
            st, voice.attack_next, position, rate, start - before, level - after, first
        )
    _add_member_attacks(st, voice.attack_cache, position, rate, before, after, first)
    if voice.attack_ticks == 0:
        voice.attack_cache = voice.attack_next
        if voice.attack_cache != voice.cache:  # drawn anew while it was fading
            voice.attack_next = voice.cache
            voice.attack_ticks = st.core[0].smooth_ticks


@state_kernel
def _attack(st: Any, v: int, first: int) -> None:
    """The attack waveforms into st.mono; backwards if the event's age runs so."""
    voice = st.voices[v]
    stretch = st.controls[v, STRETCH]
    if stretch >= 0.0 and voice.attack_at >= max(st.attack.shape[1], st.drawn_attack.shape[1]):
        voice.attack_cache = voice.cache  # the longest attack there is, is over
        voice.attack_next = voice.cache
        voice.attack_ticks = 0
        return
    length = _attack_length(st, voice)
    ratio = 2.0 ** (st.controls[v, TRANSPOSE] / 12.0)
    position, rate = voice.attack_at, ratio
    if stretch < 0.0:
        rate = ratio * stretch
        own = (voice.age + first * stretch) * ratio
        if min(own, position) >= length:  # else it was turned round within its attack: go on there
            position = own
    if min(position, position + (TICK - first) * rate) < length:
        start, level = st.params[STRIKE_LEVEL, BEFORE], st.params[STRIKE_LEVEL, NOW]
        learned = st.attack[voice.resonance, : st.resonances[voice.resonance].attack_frames]
        if max(position, position + (TICK - first) * rate) >= 0.0:
            add_attack(learned, position, rate, start, level, first, TICK, st.mono)
        _drawn_attack(st, voice, position, rate, first)
    else:
        voice.attack_cache = voice.cache
        voice.attack_next = voice.cache
        voice.attack_ticks = 0
    voice.attack_at = position + (TICK - first) * rate


@state_kernel
def _let_go(st: Any, v: int) -> None:
    """The key is let go: what decays, decays faster from here on."""
    voice = st.voices[v]
    voice.released = 1
    target_controls(st, v, st.bend)
    for k in range(CONTROLS):
        if voice.ramp_ticks == 0 or k == RELEASE:
            st.controls[v, k] = st.bend[k]
    bend_voice(st, v)


@state_kernel
def _modal(st: Any, v: int, first: int) -> None:
    """One tick of a modal voice into st.mono."""
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    if move_controls(st, v):
        voice.stale = 1
    bent = voice.stale != 0 and bends_now(st, v)
    if bent:
        voice.stale = 0
        bend_voice(st, v)
    thin_voice(st, v)
    driven = voice.driven != 0
    blown = is_blown(st, v)
    letting_go = voice.released == 0 and voice.release < st.core[0].tick_frame + TICK
    for n in range(TICK):
        st.drive[1, n] = 0.0
    if driven:
        _strike(st, v, first)
    if blown:
        blow(st, v, first)
    driven = driven or (blown and res.blow_wet > 0.0)
    if st.controls[v, STRETCH] < 0.0:
        for n in range(TICK):
            st.drive[1, n] = 0.0  # what grows must not be driven
    split = TICK
    if letting_go:
        split = min(max(first, math.ceil(voice.release) - st.core[0].tick_frame), TICK)
    voice.level = _sound_modes(st, v, first, split, driven, bent)
    if split < TICK:
        _let_go(st, v)
        voice.level = _sound_modes(st, v, split, TICK, driven, True)
    if blown:
        fallen_db = res.blow_fall * voice.age / st.controls[v, DAMP]
        voice.level += res.blow_level * 2.0 ** st.drawn[v, DRAWN_DRY] * 10.0 ** (-fallen_db / 20.0)
    _attack(st, v, first)


@state_kernel
def _follow(st: Any, v: int, first: int) -> None:
    """One tick of a voice that a worker renders: all but the sound."""
    voice = st.voices[v]
    if move_controls(st, v):
        bend_voice(st, v)
    if voice.released == 0 and voice.release < st.core[0].tick_frame + TICK:
        _let_go(st, v)
    voice.attack_at += (TICK - first) * 2.0 ** (st.controls[v, TRANSPOSE] / 12.0)
    voice.attack_cache = voice.cache
    voice.attack_next = voice.cache
    voice.attack_ticks = 0


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
    if not backwards and voice.attack_at < _attack_length(st, voice):
        return False
    return voice.level * max(voice.gain, 0.05) < SILENCE


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
def _mix_shared(st: Any, v: int, first: int) -> None:
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
            st.bus[c, n] += (1.0 - part[n]) * st.share[c, n] * st.rung[n]


@state_kernel
def _grow_older(st: Any, v: int) -> None:
    """Advance the event's own time; one that has come back to its onset ends there."""
    voice = st.voices[v]
    stretch = st.controls[v, STRETCH]
    voice.age += stretch * TICK
    if stretch < 0.0 and voice.age <= 0.0 and voice.kind != TEXTURE:
        let_die(st, voice, 0)


@door
def render_voice(address: int, v: int) -> None:
    """One tick of voice v into the bus; frees it when it has become silent or mad."""
    st = state_at(address)
    core = st.core[0]
    voice = st.voices[v]
    first = max(0, voice.begin - core.tick_frame)
    for n in range(TICK):
        st.mono[n] = 0.0
    enter_hop(st, v)
    bright, position = voice.bright, voice.attack_at
    ramp, version = voice.ramp_ticks, voice.version
    if voice.kind == TEXTURE:
        render_texture(st, v, first)
    elif voice.hand == WORKER:
        _follow(st, v, first)
    else:
        _modal(st, v, first)
    _grow_older(st, v)
    event = st.slots[voice.slot].id
    if largest_bits(st.mono) >= LARGEST_SANE_BITS:
        voice.state = FREE
        core.nans += 1
        notify(st, NAN, core.tick_frame, event, 0, 0.0)
        return
    if voice.hand == ENGINE:
        _mix(st, v, st.bus)
    else:
        trace_voice(st, v, first, bright, position, _attack_length(st, voice))
        if ramp > 0 or voice.version != version:
            trace_vector(st, v)
        _mix_shared(st, v, first)
    if _finished(st, v):
        voice.state = FREE
        notify(st, END, core.tick_frame + TICK, event, 0, 0.0)
