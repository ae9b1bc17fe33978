"""One tick of one voice before its fade: strike, modes, texture, attack. Thread: audio, helper."""

import math
from typing import Any

from rtsynth.dsp.bend import CONTROLS, DAMP, RELEASE, STRETCH, TRANSPOSE
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.draw import add_drawn
from rtsynth.dsp.mix import add_to
from rtsynth.dsp.modal import (
    TICK,
    bow_modes,
    drive_modes,
    drive_tick,
    glide_modes,
    lift_bow,
    ring_modes,
)
from rtsynth.dsp.strike import add_attack
from rtsynth.dsp.texture import DB_PER_OCTAVE
from rtsynth.engine.blow import blow
from rtsynth.engine.compile import state_kernel
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
from rtsynth.engine.patch import BEFORE, BOW_LEVEL, DRAWN_BOW, DRAWN_DRY, NOW, STRIKE_LEVEL
from rtsynth.engine.record import WORKER
from rtsynth.engine.texture import render_texture
from rtsynth.engine.thin import bends_now, thin_voice
from rtsynth.engine.voice import let_die

__all__ = ["attack_length", "sound_voice"]


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
    add_to(st.rung[first:last], st.mono[first:last])
    if bowed:
        level += lift_bow(modes, voice.modes)
        add_to(st.bowed[first:last], st.mono[first:last])
    return float(level)


@kernel()
def attack_length(st: Any, voice: Any) -> int:
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
    length = attack_length(st, voice)
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
        voice.level += res.blow_level * 2.0 ** (st.drawn[v, DRAWN_DRY] - fallen_db / DB_PER_OCTAVE)
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
def _grow_older(st: Any, v: int) -> None:
    """Advance the event's own time; one that has come back to its onset ends there."""
    voice = st.voices[v]
    stretch = st.controls[v, STRETCH]
    voice.age += stretch * TICK
    if stretch < 0.0 and voice.age <= 0.0 and voice.kind != TEXTURE:
        let_die(st, voice, 0)


@state_kernel
def sound_voice(st: Any, v: int, first: int) -> None:
    """Frames first … TICK of voice v, not yet faded, into st.mono; it grows a tick older."""
    voice = st.voices[v]
    for n in range(TICK):
        st.mono[n] = 0.0
    if voice.kind == TEXTURE:
        render_texture(st, v, first)
    elif voice.hand == WORKER:
        _follow(st, v, first)
    else:
        _modal(st, v, first)
    _grow_older(st, v)
