"""A voice opened at any age: its modes where they would be had it played from its onset.

Vibrato and field bend all modes of a voice by the same factor, so the closed form of an hour needs
only that factor's mean. Thread: audio.
"""

import math
from typing import Any

from rtsynth.dsp.bend import STRETCH
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.elementary import exp
from rtsynth.dsp.modal import (
    TICK,
    coast_modes,
    drive_modes,
    open_modes,
    set_bow,
)
from rtsynth.dsp.registers import AI, AR, G0, G1, NI, NR, PI, PR, UI, UR, WI, WR, ZI, ZR
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.controls import (
    TEXTURE,
    bend_by,
    bend_voice,
    motion_at,
    strike_from,
    target_controls,
    vibrato_at,
)
from rtsynth.engine.patch import BOW_LEVEL, DRAWN_BEND, DRAWN_BOW, DRAWN_DAMP, NOW

__all__ = ["open_voice"]

LN2 = math.log(2.0)
RUN_UP = 32
MOST_STEPS = 128
"""Into at most so many is a voice's past cut when it is opened; a long one is followed coarsely.

All partials of a voice share the bend, so what a coarse mean misses shifts them together, in time.
"""

AUDIBLE_NEPERS = 100.0 / 20.0 * math.log(10.0)
"""How far back a bow is followed: until what it made has fallen by 100 dB."""


@kernel("int64(int64)")
def _stride(frames: int) -> int:
    """Ticks per step so that the frames take at most MOST_STEPS."""
    return 1 + frames // (MOST_STEPS * TICK)


@kernel("int64(int64, int64, int64, int64)")
def _stride_end(onset: int, at: int, frames: int, ticks: int) -> int:
    """Where the step that begins `at` frames after the onset ends: with a tick of the stream."""
    return min(((onset + at) // TICK + ticks) * TICK - onset, frames)


@kernel("float64(int64, int64, int64)")
def _stride_middle(onset: int, at: int, ticks: int) -> float:
    """Frames from the onset to the middle of that step's ticks."""
    return float((onset + at) // TICK * TICK + ticks * TICK // 2 - onset)


@state_kernel
def _bend_to_mean(st: Any, v: int, frames: int) -> None:
    """Bend the modes to the mean of their poles over the first frames of the event."""
    voice = st.voices[v]
    target = st.target
    stretch = st.controls[v, STRETCH]
    for c in range(target.shape[0]):
        target[c] = 0.0
    ticks = _stride(frames)
    ratio, decay, at = 0.0, 0.0, 0
    while at < frames:
        end = _stride_end(voice.onset, at, frames, ticks)
        middle = _stride_middle(voice.onset, at, ticks)
        motion_at(st, v, middle * stretch, target)
        semitones = target[DRAWN_BEND] + vibrato_at(st, v, middle)
        ratio += (end - at) * exp(LN2 / 12.0 * semitones)
        decay += (end - at) * exp(-LN2 * target[DRAWN_DAMP])
        at = end
    count = max(frames, 1)
    bend_by(st, v, 12.0 * math.log2(ratio / count), -math.log2(decay / count))


@state_kernel
def _run_up(st: Any, v: int, age: int) -> None:
    """Bring the modes of voice v to where the first `age` frames of its noise strike leave them.

    The strike is over within 0.2 s; what follows it is reached in closed form.
    """
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    modes = st.modes[v]
    noise, drive = st.drive[0], st.drive[1]
    strike = min(age, math.ceil(res.strike_frames))
    done = 0
    while done < strike:
        count = min(RUN_UP, strike - done)
        strike_from(st, v, done)
        for n in range(count):
            drive[n] = res.strike_wet * noise[n]
        if done == 0:
            drive[0] += res.impulse
        drive_modes(modes, voice.modes, drive, 0, count, st.rung)
        done += count
    coast_modes(modes, voice.modes, float(age - strike))


@state_kernel
def _bow_up(st: Any, v: int, frames: int) -> None:
    """Add what the bow has made of the modes in the first frames of the event."""
    voice = st.voices[v]
    modes = st.modes[v]
    target = st.target
    stretch = st.controls[v, STRETCH]
    level = st.resonances[voice.resonance].bow * st.params[BOW_LEVEL, NOW]
    for c in range(target.shape[0]):
        target[c] = 0.0
    # scratch here: rows W, the bow's level and the log of the radius; U, what a step leaves of it
    for m in range(voice.modes):
        modes[WR, m] = 0.0
        modes[WI, m] = 0.5 * math.log(modes[PR, m] ** 2 + modes[PI, m] ** 2)
    slowest = -math.inf
    for m in range(voice.modes):
        slowest = max(slowest, modes[WI, m])
    heard = AUDIBLE_NEPERS / max(-slowest, AUDIBLE_NEPERS / frames)
    at = max(0, frames - int(heard))
    ticks = _stride(frames - at)
    length = 0
    while at < frames:
        end = _stride_end(voice.onset, at, frames, ticks)
        middle = _stride_middle(voice.onset, at, ticks)
        motion_at(st, v, middle * stretch, target)
        height = level * exp(LN2 * target[DRAWN_BOW])
        if end - at != length:  # only the first and the last step are of another length
            length = end - at
            for m in range(voice.modes):
                modes[UR, m] = exp(max(modes[WI, m] * length, -40.0))
        for m in range(voice.modes):
            modes[WR, m] = height + (modes[WR, m] - height) * modes[UR, m]
        at = end
    for m in range(voice.modes):
        angle = math.atan2(modes[NI, m], modes[NR, m]) * (frames - 1)
        ur, ui, e = math.cos(angle), math.sin(angle), modes[WR, m]
        modes[UR, m] = ur
        modes[UI, m] = ui
        modes[ZR, m] += e * (modes[AR, m] * ur - modes[AI, m] * ui)
        modes[ZI, m] += e * (modes[AR, m] * ui + modes[AI, m] * ur)
        modes[WR, m] = 0.0
        modes[WI, m] = 0.0


@state_kernel
def _open_held(st: Any, v: int, held: int) -> None:
    """The state `held` frames after the onset of an event that has not been let go."""
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    modes = st.modes[v]
    bent = voice.cache >= 0 or st.slots[voice.slot].vibrato_depth > 0.0
    if bent:
        _bend_to_mean(st, v, held + 1)
    else:
        bend_voice(st, v)
    if res.strike_wet > 0.0 and res.strike_frames > 0.0:
        _run_up(st, v, held + 1)
    else:
        open_modes(modes, voice.modes, res.impulse, float(held))
    if res.bow > 0.0:
        _bow_up(st, v, held + 1)


@state_kernel
def _open_backwards(st: Any, v: int) -> None:
    """The state at the event's own age, reached by ringing forwards."""
    voice = st.voices[v]
    stretch = st.controls[v, STRETCH]
    st.controls[v, STRETCH] = 1.0
    _open_held(st, v, max(int(voice.age), 0))
    st.controls[v, STRETCH] = stretch
    bend_voice(st, v)


@state_kernel
def open_voice(st: Any, v: int, age: int) -> None:
    """Set the modes of voice v to their state before the frame of this age.

    Not followed: blown noise that drove the modes before.

    Args:
        st: State.
        v: voice; its drawn controls are those of its first tick.
        age: frames of the stream since its onset, ≥ 0.
    """
    voice = st.voices[v]
    modes = st.modes[v]
    modes[ZR, :] = 0.0
    modes[ZI, :] = 0.0
    modes[G0, :] = 0.0
    bend_voice(st, v)  # writes all other rows but those of a bow
    if st.resonances[voice.resonance].bow > 0.0:
        modes[UR : WI + 1, :] = 0.0  # phasor and share
        set_bow(modes, voice.modes)
    if st.controls[v, STRETCH] < 0.0 and voice.kind != TEXTURE:
        _open_backwards(st, v)
    elif age > 0:
        held = age - 1  # the state is that of the frame before
        if voice.release < voice.begin:
            held = max(math.ceil(voice.release) - voice.onset - 1, 0)
        _open_held(st, v, held)
        if held < age - 1:
            voice.released = 1
            target_controls(st, v, st.controls[v])
            bend_voice(st, v)
            coast_modes(modes, voice.modes, float(age - 1 - held))
        bend_voice(st, v)
    for m in range(voice.modes):
        modes[G0, m] = modes[G1, m]
