"""One tick of one voice: strike, modes or texture, guard, fade, gain and pan. Thread: audio."""

import math
from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.modal import (
    CONTROLS,
    RELEASE,
    TICK,
    TRANSPOSE,
    drive_modes,
    ring_modes,
)
from rtsynth.dsp.ramp import apply_fade, ease
from rtsynth.dsp.safety import largest
from rtsynth.dsp.strike import add_attack, strike_noise
from rtsynth.engine.controls import move_controls
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.texture import render_texture
from rtsynth.engine.voice import (
    DYING,
    END,
    FREE,
    NOW,
    SQRT2,
    STRIKE_LEVEL,
    TEXTURE,
    bend_voice,
    notify,
    target_controls,
)

__all__ = ["render_voice"]

NAN = int(NoticeKind.NAN)
SILENCE = 1e-5  # −100 dB re full scale
LARGEST_SANE = 1e6


@kernel()
def _bend(st: Any, v: int) -> None:
    """Recompute the poles of voice v, vibrato included."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    controls = st.controls[v]
    steady = controls[TRANSPOSE]
    if slot.vibrato_depth > 0.0:
        age_s = (st.core[0].tick_frame + TICK // 2 - voice.onset) / st.core[0].sample_rate
        turn = 2.0 * math.pi * slot.vibrato_rate_hz * age_s
        controls[TRANSPOSE] = steady + slot.vibrato_depth * math.sin(turn)
    bend_voice(st, v)
    controls[TRANSPOSE] = steady


@kernel()
def _strike(st: Any, v: int, first: int) -> None:
    """The drive of the modes into st.drive[1]; the part heard directly into st.mono."""
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    tick = st.core[0].tick_frame
    age = tick - voice.onset
    noise, drive = st.drive[0], st.drive[1]
    for n in range(TICK):
        drive[n] = 0.0
    noisy = res.strike_frames > 0.0 and (res.strike_dry > 0.0 or res.strike_wet > 0.0)
    if noisy:
        strike_noise(
            voice.seed,
            age,
            res.strike_frames,
            st.envelope[voice.resonance],
            st.taps[voice.resonance],
            st.work64[0],
            noise,
        )
        dry = res.strike_dry * st.params[STRIKE_LEVEL, NOW]
        for n in range(first, TICK):
            drive[n] = res.strike_wet * noise[n]
            st.mono[n] += dry * noise[n]
    if age <= 0 and voice.begin <= voice.onset:
        drive[-age] += res.impulse
    voice.driven = 1 if noisy and age + TICK < res.strike_frames else 0


@kernel()
def _modal(st: Any, v: int, first: int) -> None:
    """One tick of a modal voice into st.mono."""
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    tick = st.core[0].tick_frame
    bent = move_controls(st, v)
    if bent:
        _bend(st, v)
    driven = voice.driven != 0
    attacking = voice.attack_at < res.attack_frames
    letting_go = voice.released == 0 and voice.release < tick + TICK
    if driven or bent or letting_go or first > 0:
        if driven:
            _strike(st, v, first)
        else:
            for n in range(TICK):
                st.drive[1, n] = 0.0
        _drive(st, v, first, letting_go)
    else:
        voice.level = ring_modes(st.modes[v], voice.modes, st.work32, st.rung)
        for n in range(TICK):
            st.mono[n] += st.rung[n]
    if attacking:
        rate = 2.0 ** (st.controls[v, TRANSPOSE] / 12.0)
        voice.attack_at = add_attack(
            st.attack[voice.resonance, : res.attack_frames],
            voice.attack_at,
            rate,
            st.params[STRIKE_LEVEL, NOW],
            first,
            TICK,
            st.mono,
        )


@kernel()
def _drive(st: Any, v: int, first: int, letting_go: bool) -> None:
    """Frames first … TICK of driven or bent modes, split where the key is let go."""
    voice = st.voices[v]
    out = st.rung
    split = TICK
    if letting_go:
        split = max(first, math.ceil(voice.release) - st.core[0].tick_frame)
        if split > TICK:
            split = TICK
    level = drive_modes(st.modes[v], voice.modes, st.drive[1], first, split, out)
    if split < TICK:
        voice.released = 1
        target_controls(st, v, st.work64[2][:CONTROLS])
        for k in range(CONTROLS):
            if voice.ramp_ticks == 0 or k == RELEASE:
                st.controls[v, k] = st.work64[2, k]
        _bend(st, v)
        level = drive_modes(st.modes[v], voice.modes, st.drive[1], split, TICK, out)
    voice.level = level
    for n in range(first, TICK):
        st.mono[n] += out[n]


@kernel()
def _finished(st: Any, v: int) -> bool:
    """Whether nothing of the voice will be heard any more."""
    voice = st.voices[v]
    if voice.state == DYING:
        return voice.fade_at >= st.fade.shape[0]
    if voice.kind == TEXTURE or voice.driven != 0:
        return False
    attacking = voice.attack_at < st.resonances[voice.resonance].attack_frames
    return not attacking and voice.level * max(voice.gain, 0.05) < SILENCE


@kernel()
def _mix(st: Any, v: int) -> None:
    """Fade st.mono and add it to the bus through gain and pan."""
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
    angle = (slot.pan + 1.0) * 0.25 * math.pi
    left = gain * SQRT2 * math.cos(angle)
    right = gain * SQRT2 * math.sin(angle)
    if st.bus.shape[0] == 1:
        voice.gain = _add(mono, voice.gain, (gain - voice.gain) * share, st.bus[0])
    else:
        voice.gain += (gain - voice.gain) * share
        voice.left = _add(mono, voice.left, (left - voice.left) * share, st.bus[0])
        voice.right = _add(mono, voice.right, (right - voice.right) * share, st.bus[1])


@kernel("float64(float32[::1], float64, float64, float32[::1])")
def _add(mono: Any, start: float, change: float, out: Any) -> float:
    """`out += mono · gain`, the gain moving in a straight line by `change`; where it ends."""
    step = change / TICK
    for n in range(TICK):
        out[n] += mono[n] * (start + step * (n + 1))
    return start + change


@kernel()
def render_voice(st: Any, v: int) -> None:
    """One tick of voice v into the bus; frees it when it has become silent or mad."""
    core = st.core[0]
    voice = st.voices[v]
    first = max(0, voice.begin - core.tick_frame)
    for n in range(TICK):
        st.mono[n] = 0.0
    if voice.kind == TEXTURE:
        render_texture(st, v, first)
    else:
        _modal(st, v, first)
    event = st.slots[voice.slot].id
    if not largest(st.mono) < LARGEST_SANE:
        voice.state = FREE
        core.nans += 1
        notify(st, NAN, core.tick_frame, event, 0, 0.0)
        return
    _mix(st, v)
    if _finished(st, v):
        voice.state = FREE
        notify(st, END, core.tick_frame + TICK, event, 0, 0.0)
