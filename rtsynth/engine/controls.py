"""A voice's controls: what its event and the live parameters want, and what the field drew.

Thread: audio, helper.
"""

import math
from typing import Any

from rtsynth.dsp.atomic import LINE, fetch_add, prefetch
from rtsynth.dsp.bend import (
    BRIGHT,
    CAP,
    CONTROLS,
    DAMP,
    DETUNE,
    INHARM,
    RELEASE,
    STRETCH,
    TRANSPOSE,
    bend_modes,
    tone_db,
    vector_db,
)
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.draw import CURVE_RATE, SEGMENT_POINTS, read_curves
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.ramp import ease
from rtsynth.dsp.strike import strike_noise
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.patch import (
    BANK_BRIGHT,
    BANK_DAMP,
    BANK_TRANSPOSE,
    DRAWN_BEND,
    DRAWN_BOW,
    DRAWN_BRIGHT,
    DRAWN_DAMP,
    DRAWN_TONE,
    DRAWN_WET,
    NOW,
    TICKS_LEFT,
)
from rtsynth.engine.record import UNDRAWN, WORKER
from rtsynth.events import Kind

__all__ = [
    "TEXTURE",
    "bands_at",
    "bend_by",
    "bend_voice",
    "curves_at",
    "draw_voice",
    "fetch_curves",
    "is_blown",
    "is_bowed",
    "is_noisy",
    "is_toned",
    "motion_at",
    "move_controls",
    "project_vector",
    "strike_from",
    "target_controls",
    "vibrato_at",
]

LN1000 = math.log(1000.0)
TEXTURE = int(Kind.TEXTURE)
STRONGEST_BOW = 4.0  # that a mode running backwards may have been under, re bow curve 0
STILL = 1e-7  # a drawn control that moves less is left where it is


@kernel()
def target_controls(st: Any, v: int, out: Any) -> None:
    """Where the controls of voice v should be, vibrato and field apart, into out[CONTROLS]."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    res = st.resonances[voice.resonance]
    out[TRANSPOSE] = slot.transpose + st.params[BANK_TRANSPOSE, NOW]
    out[DAMP] = min(max(slot.damp * st.params[BANK_DAMP, NOW], 0.0625), 16.0)
    out[BRIGHT] = slot.bright + st.params[BANK_BRIGHT, NOW]
    out[INHARM] = slot.inharm
    out[DETUNE] = slot.detune
    out[STRETCH] = slot.stretch if voice.kind != TEXTURE else 1.0
    out[RELEASE] = LN1000 / slot.release_s if voice.released != 0 else 0.0
    out[CAP] = max(res.impulse, max(res.noise_cap, STRONGEST_BOW * res.bow))


@state_kernel
def is_bowed(st: Any, v: int) -> bool:
    """Whether a bow is on voice v."""
    voice = st.voices[v]
    return st.resonances[voice.resonance].bow > 0.0 and voice.released == 0


@state_kernel
def is_blown(st: Any, v: int) -> bool:
    """Whether blown noise of voice v sounds; that of one let go has a fade's length to go."""
    voice = st.voices[v]
    fading = voice.release + st.fade.shape[0] >= st.core[0].tick_frame
    return st.resonances[voice.resonance].blown != 0 and fading


@state_kernel
def is_noisy(st: Any, v: int) -> bool:
    """Whether the strike of voice v has noise."""
    res = st.resonances[st.voices[v].resonance]
    return res.strike_frames > 0.0 and (res.strike_dry > 0.0 or res.strike_wet > 0.0)


@kernel()
def _curves_drawn(st: Any) -> int:
    """How many controls the instrument's field draws."""
    return int(st.curves.shape[2] // st.members.shape[0])


@state_kernel
def is_toned(st: Any, v: int) -> bool:
    """Whether a field's tone bands move the gains of voice v's modes, or will once drawn."""
    voice = st.voices[v]
    return voice.kind != TEXTURE and voice.modes > 0 and _curves_drawn(st) > DRAWN_TONE


@state_kernel
def strike_from(st: Any, v: int, age: int) -> None:
    """The noise of voice v's strike from this age on, in frames, into st.drive[0]."""
    voice = st.voices[v]
    strike_noise(
        voice.seed,
        age,
        st.resonances[voice.resonance].strike_frames,
        st.envelope[voice.resonance],
        st.taps[voice.resonance],
        st.work64[0],
        st.drive[0],
    )


@state_kernel
def project_vector(st: Any, v: int) -> None:
    """What the voice's vector makes of its modes, in dB."""
    voice = st.voices[v]
    columns = st.columns[voice.resonance]
    vector_db(st.mode_map, columns, voice.modes, st.voice_vectors[v], st.gain_db[v])


@state_kernel
def vibrato_at(st: Any, v: int, age: float) -> float:
    """Semitones of vibrato `age` frames after the onset."""
    slot = st.slots[st.voices[v].slot]
    if slot.vibrato_depth == 0.0:
        return 0.0
    turn = 2.0 * math.pi * slot.vibrato_rate_hz * age / st.core[0].sample_rate
    return float(slot.vibrato_depth * math.sin(turn))


@state_kernel
def bend_by(st: Any, v: int, semitones: float, damp: float) -> None:
    """Recompute the poles and gains of voice v from its controls as they are.

    Args:
        st: State.
        v: voice.
        semitones: of vibrato and field together.
        damp: the field's, log2 of a factor on T60.
    """
    voice = st.voices[v]
    bent = st.bend
    for k in range(CONTROLS):
        bent[k] = st.controls[v, k]
    bent[TRANSPOSE] += semitones
    bent[DAMP] *= 2.0**damp
    bent[BRIGHT] += st.drawn[v, DRAWN_BRIGHT]
    if is_bowed(st, v):
        bent[STRETCH] = abs(bent[STRETCH])  # a bow drawn backwards still takes its time
    voice.ratio = 2.0 ** (bent[TRANSPOSE] / 12.0)
    voice.fall = bent[STRETCH] / bent[DAMP]
    voice.let = bent[RELEASE] / st.core[0].sample_rate
    voice.bright = bent[BRIGHT]
    if voice.hand == WORKER:
        return
    gain_db = st.gain_db[v]
    if is_toned(st, v):
        tone = st.drawn[v, DRAWN_TONE:]
        bank = st.bank[voice.resonance]
        tone_db(bank, voice.modes, voice.ratio, tone, st.gain_db[v], st.toned_db)
        gain_db = st.toned_db
    bend_modes(
        st.bank[voice.resonance],
        voice.modes,
        bent,
        gain_db,
        voice.seed,
        st.core[0].sample_rate,
        st.modes[v],
    )


@state_kernel
def bend_voice(st: Any, v: int) -> None:
    """Bend voice v to where vibrato and field are at this tick's middle."""
    middle = float(st.core[0].tick_frame + TICK // 2 - st.voices[v].onset)
    semitones = st.drawn[v, DRAWN_BEND] + vibrato_at(st, v, middle)
    bend_by(st, v, semitones, st.drawn[v, DRAWN_DAMP])


@kernel()
def _position(st: Any, age: float) -> float:
    """Where in the curves an age in frames lies, points."""
    return float(max(age, 0.0) / st.core[0].sample_rate * CURVE_RATE)


@kernel()
def _segment_with(st: Any, cache: int, number: int) -> int:
    """Where segment `number` of a cache lies in `State.curves`; −1 if it has not been drawn."""
    places = st.segments.shape[1]
    for place in range(places):
        if st.segments[cache, place] == number:
            return int(cache * places + place)
    return -1


@kernel()
def _some_curves_at(st: Any, v: int, age: float, first: int, last: int, out: Any) -> bool:
    cache = st.voices[v].cache
    if cache < 0:
        for c in range(first, last):
            out[c] = 0.0
        return True
    position = _position(st, age)
    number = int(position) // SEGMENT_POINTS
    segment = _segment_with(st, cache, number)
    if segment < 0:
        return False
    read_curves(
        st.curves[segment], position - number * SEGMENT_POINTS, st.members, st.limits, first, last,
        out,
    )  # fmt: skip
    return True


@kernel()
def curves_at(st: Any, v: int, age: float, out: Any) -> bool:
    """What the field drew for this age, into out[DRAWN]; whether it has been drawn.

    Args:
        st: State.
        v: voice.
        age: frames of the event's own time.
        out: [DRAWN] float64; 0 if the voice has no cache, left alone if nothing is there.
    """
    return _some_curves_at(st, v, age, 0, _curves_drawn(st), out)


@kernel()
def motion_at(st: Any, v: int, age: float, out: Any) -> bool:
    """As `curves_at`, but bow, bend and damping only: a past is followed in many steps."""
    return _some_curves_at(st, v, age, DRAWN_BOW, DRAWN_DAMP + 1, out)


@state_kernel
def fetch_curves(st: Any, v: int) -> None:
    """Begin to fetch what `draw_voice` will read; as a rule no other voice has read it lately."""
    voice = st.voices[v]
    if voice.cache < 0:
        return
    point = int(_position(st, voice.age))
    segment = _segment_with(st, voice.cache, point // SEGMENT_POINTS)
    if segment < 0:
        return
    for row in range(2):
        curves = st.curves[segment, point % SEGMENT_POINTS + row]
        for at in range(DRAWN_WET * st.members.shape[0], curves.shape[0], LINE):
            prefetch(curves, at)


@kernel()
def bands_at(st: Any, v: int, age: float, out: Any) -> bool:
    """As `curves_at`, but the noise bands only: a grain is shaped by them, a tick needs none."""
    return _some_curves_at(st, v, age, 0, DRAWN_WET, out)


@state_kernel
def draw_voice(st: Any, v: int, age: float) -> bool:
    """Move the drawn controls, bands apart, to the curves at this age; must the modes bend?"""
    voice = st.voices[v]
    if voice.cache < 0:  # nothing has ever been drawn for it
        return False
    target, last = st.target, _curves_drawn(st)
    if not _some_curves_at(st, v, age, DRAWN_WET, last, target):
        fetch_add(st.tally, UNDRAWN, 1)
        voice.draw_ticks = st.core[0].smooth_ticks  # once they are there
        return False
    share = 1.0
    if voice.draw_ticks > 0:
        share = ease(float(voice.draw_ticks), float(st.core[0].smooth_ticks))
        voice.draw_ticks -= 1
    moved = False
    for c in range(DRAWN_WET, last):
        step = (target[c] - st.drawn[v, c]) * share
        if abs(step) > STILL:
            st.drawn[v, c] += step
            moved = moved or c >= DRAWN_BEND
    return moved


@state_kernel
def move_controls(st: Any, v: int) -> bool:
    """One tick's step of the voice's controls to their targets; whether the modes must bend."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    stretch = st.controls[v, STRETCH]
    bent = draw_voice(st, v, voice.age + 0.5 * TICK * stretch)
    if voice.version != slot.version:
        voice.version = slot.version
        voice.ramp_ticks = st.core[0].smooth_ticks
    moving = max(
        st.params[BANK_TRANSPOSE, TICKS_LEFT],
        st.params[BANK_DAMP, TICKS_LEFT],
        st.params[BANK_BRIGHT, TICKS_LEFT],
    )
    if moving >= 0.0 and voice.ramp_ticks == 0:
        voice.ramp_ticks = 1
    if voice.ramp_ticks == 0:
        return bent or slot.vibrato_depth > 0.0 or stretch < 0.0
    share = ease(float(voice.ramp_ticks), float(st.core[0].smooth_ticks))
    target = st.bend
    target_controls(st, v, target)
    for k in range(CONTROLS):
        st.controls[v, k] += (target[k] - st.controls[v, k]) * share
    st.controls[v, CAP] = target[CAP]
    off = 0.0
    for k in range(st.vectors.shape[1]):
        step = st.vectors[voice.slot, k] - st.voice_vectors[v, k]
        off = max(off, abs(step))
        st.voice_vectors[v, k] += step * share
    if off > 0.0 and voice.kind != TEXTURE:  # whose vector means bands, not modes
        project_vector(st, v)
    voice.ramp_ticks -= 1
    return True
