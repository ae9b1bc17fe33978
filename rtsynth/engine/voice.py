"""The pool of voices: start, retrigger, steal, mute, let go. Thread: audio."""

import math
from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import load_acquire
from rtsynth.dsp.modal import (
    BRIGHT,
    DAMP,
    DETUNE,
    G0,
    G1,
    INHARM,
    LOWEST,
    RELEASE,
    STRETCH,
    TRANSPOSE,
    bend_modes,
    coast_modes,
    drive_modes,
    open_modes,
)
from rtsynth.dsp.ramp import fade_level
from rtsynth.dsp.strike import strike_noise
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.ring import READ, WRITTEN, publish_write
from rtsynth.events import Kind
from rtsynth.params import PARAMS

__all__ = [
    "DYING",
    "FREE",
    "SOUNDING",
    "audible",
    "bend_voice",
    "fade_voice",
    "notify",
    "start_voice",
    "target_controls",
]

FREE, SOUNDING, DYING = 0, 1, 2

TARGET, NOW, TICKS_LEFT, SMOOTHED = range(4)
"""Columns of State.params."""

_INDEX = {p.path: i for i, p in enumerate(PARAMS)}
MASTER_GAIN = _INDEX["master/gain_db"]
MASTER_MUTE = _INDEX["master/mute"]
CEILING = _INDEX["master/ceiling_db"]
LIMITER_RELEASE = _INDEX["master/release_ms"]
BANK_TRANSPOSE = _INDEX["bank/transpose"]
BANK_DAMP = _INDEX["bank/damp"]
BANK_BRIGHT = _INDEX["bank/bright"]
STRIKE_LEVEL = _INDEX["voice/strike"]
RETRIGGER = _INDEX["voice/retrigger"]
TEMPO = _INDEX["transport/tempo"]

LN1000 = math.log(1000.0)
SQRT2 = math.sqrt(2.0)
TEXTURE = int(Kind.TEXTURE)
GO, END, STOLEN = int(NoticeKind.GO), int(NoticeKind.END), int(NoticeKind.STOLEN)
RUN_UP = 32


@kernel()
def notify(st: Any, kind: int, frame: int, event: int, request: int, value: float) -> None:
    """Put one notice into the outbox, or count it as lost."""
    at = st.outbox_at
    if st.outbox.shape[0] - (at[WRITTEN] - load_acquire(at, READ)) < 1:
        st.core[0].notices_lost += 1
        return
    notice = st.outbox[at[WRITTEN] & (st.outbox.shape[0] - 1)]
    notice.kind = kind
    notice.frame = frame
    notice.event = event
    notice.request = request
    notice.value = value
    publish_write(at, 1)


@kernel()
def audible(st: Any, slot: Any) -> bool:
    """Whether mutes and solos let an event be heard."""
    return slot.muted == 0 and (st.core[0].soloed == 0 or slot.solo != 0)


@kernel()
def fade_voice(st: Any, voice: Any, target: float, first: int) -> None:
    """Begin a fade to `target` at frame `first` of this tick, from wherever the gain is."""
    length = st.fade.shape[0]
    now = fade_level(st.fade, voice.fade_from, voice.fade_to, voice.fade_at)
    voice.fade_from = now
    voice.fade_to = target
    voice.fade_at = length if now == target else 0
    voice.fade_first = first


@kernel()
def let_die(st: Any, voice: Any, first: int) -> None:
    """Fade a sounding voice out and free it when it is silent."""
    if voice.state == SOUNDING:
        voice.state = DYING
        fade_voice(st, voice, 0.0, first)


@kernel()
def target_controls(st: Any, v: int, out: Any) -> None:
    """Where the modal controls of voice v should be, vibrato apart, into out[CONTROLS]."""
    slot = st.slots[st.voices[v].slot]
    out[TRANSPOSE] = slot.transpose + st.params[BANK_TRANSPOSE, NOW]
    out[DAMP] = min(max(slot.damp * st.params[BANK_DAMP, NOW], 0.0625), 16.0)
    out[BRIGHT] = slot.bright + st.params[BANK_BRIGHT, NOW]
    out[INHARM] = slot.inharm
    out[DETUNE] = slot.detune
    out[STRETCH] = slot.stretch
    out[RELEASE] = LN1000 / slot.release_s if st.voices[v].released != 0 else 0.0
    out[LOWEST] = st.resonances[st.voices[v].resonance].lowest_hz


@kernel()
def bend_voice(st: Any, v: int) -> None:
    """Recompute the poles and gains of voice v from its controls as they are."""
    voice = st.voices[v]
    bend_modes(
        st.bank[voice.resonance],
        voice.modes,
        st.controls[v],
        st.voice_vectors[v],
        voice.seed,
        st.core[0].sample_rate,
        st.modes[v],
    )


@kernel()
def _has_room(st: Any) -> bool:
    """Whether any voice is free; the dying ones may hold all that are spare."""
    for v in range(st.voices.shape[0]):
        if st.voices[v].state == FREE:
            return True
    return False


@kernel()
def _claim_voice(st: Any, first: int) -> int:
    """Index of a free voice, of which there is one; the quietest dies if too many sound."""
    sounding, quietest, free = 0, -1, -1
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        if voice.state == SOUNDING:
            sounding += 1
            if quietest < 0 or (
                voice.level * voice.gain < st.voices[quietest].level * st.voices[quietest].gain
            ):
                quietest = v
        elif voice.state == FREE and free < 0:
            free = v
    if free >= 0 and sounding >= st.core[0].max_voices:
        victim = st.voices[quietest]
        st.core[0].stolen += 1
        event = st.slots[victim.slot].id
        notify(st, STOLEN, st.core[0].tick_frame + first, event, 0, 0.0)
        let_die(st, victim, first)
    return free


@kernel()
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
        strike_noise(
            voice.seed,
            done,
            res.strike_frames,
            st.envelope[voice.resonance],
            st.taps[voice.resonance],
            st.work64[0],
            noise,
        )
        for n in range(count):
            drive[n] = res.strike_wet * noise[n]
        if done == 0:
            drive[0] += res.impulse
        drive_modes(modes, voice.modes, drive, 0, count, st.rung)
        done += count
    coast_modes(modes, voice.modes, float(age - strike))


@kernel()
def start_voice(
    st: Any, slot_index: int, first: int, velocity: float, from_score: int, age: int
) -> None:
    """Sound an event from frame `first` of this tick on, `age` frames into its life.

    Args:
        st: State.
        slot_index: the event.
        first: 0 … TICK − 1.
        velocity: factor on the event's gain.
        from_score: 1 if the transport asks, 0 if a hand does.
        age: frames ≥ 0.
    """
    core = st.core[0]
    slot = st.slots[slot_index]
    if not _has_room(st):
        core.refused += 1
        return
    if st.params[RETRIGGER, NOW] == 0.0:
        for v in range(st.voices.shape[0]):
            if st.voices[v].state == SOUNDING and st.voices[v].slot == slot_index:
                let_die(st, st.voices[v], first)
    v = _claim_voice(st, first)
    voice = st.voices[v]
    res = st.resonances[slot.resonance]
    voice.state = SOUNDING
    voice.slot = slot_index
    voice.resonance = slot.resonance
    voice.kind = slot.kind
    voice.modes = res.modes
    voice.version = slot.version
    voice.ramp_ticks = 0
    voice.from_score = from_score
    voice.begin = core.tick_frame + first
    voice.onset = voice.begin - age
    voice.release = voice.onset + slot.duration
    voice.released = 0
    voice.seed = slot.seed
    voice.velocity = velocity
    angle = (slot.pan + 1.0) * 0.25 * math.pi
    voice.gain = slot.gain * velocity
    voice.left = voice.gain * SQRT2 * math.cos(angle)
    voice.right = voice.gain * SQRT2 * math.sin(angle)
    target_controls(st, v, st.controls[v])
    for k in range(st.vectors.shape[1]):
        st.voice_vectors[v, k] = st.vectors[slot_index, k]
    voice.attack_at = age * 2.0 ** (st.controls[v, TRANSPOSE] / 12.0)
    voice.level = 1.0
    voice.driven = 1
    gain = 1.0 if audible(st, slot) else 0.0
    voice.fade_from = gain
    voice.fade_to = gain
    voice.fade_at = st.fade.shape[0]
    voice.fade_first = 0
    if slot.kind == TEXTURE or age > 0:
        voice.fade_from = 0.0
        voice.fade_at = 0
        voice.fade_first = first
    if slot.kind == TEXTURE:
        for i in range(st.rings.shape[1]):
            st.rings[v, i] = 0.0
    else:
        _open_voice(st, v, age)
    notify(st, GO, core.tick_frame + first, slot.id, 0, velocity)


@kernel()
def _open_voice(st: Any, v: int, age: int) -> None:
    """Set the modes of voice v to their state before the frame of this age."""
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    modes = st.modes[v]
    for row in range(modes.shape[0]):
        for m in range(modes.shape[1]):
            modes[row, m] = 0.0
    bend_voice(st, v)
    for m in range(voice.modes):
        modes[G0, m] = modes[G1, m]
    if age == 0:
        return
    held = age - 1  # the state is that of the frame before
    if voice.release < voice.begin:
        held = max(math.ceil(voice.release) - voice.onset - 1, 0)
    if res.strike_wet > 0.0 and res.strike_frames > 0.0:
        _run_up(st, v, held + 1)
    else:
        open_modes(modes, voice.modes, res.impulse, float(held))
    if held < age - 1:
        voice.released = 1
        target_controls(st, v, st.controls[v])
        bend_voice(st, v)
        coast_modes(modes, voice.modes, float(age - 1 - held))
