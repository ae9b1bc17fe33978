"""Who renders a voice: the engine, a render worker, or both while one hands it to the other.

A worker renders what rings: modes that nothing drives any more or that are bowed, and attacks. The
engine keeps what is blown or struck with noise until that is over, what runs backwards, textures,
what the field's tone bands move, a voice while the tuning of its modes against each other (inharm,
detune) is being edited, and of a bowed one the hop of its onset and of its release. Either goes on
exactly where the other stopped. Thread: audio.
"""

import math
from typing import Any

from rtsynth.dsp.bend import CONTROLS, DAMP, DETUNE, INHARM, STRETCH, TRANSPOSE, bend_modes
from rtsynth.dsp.grain import (
    AGED,
    BRIGHT,
    BRIGHT_BEFORE,
    FALL,
    HEIGHT,
    HOP,
    LET,
    LET_FROM,
    LOST,
    POSITION,
    RATIO,
    SPEED,
    TURNED,
    build_bow,
    place_bow,
    place_modes,
    strike_base,
)
from rtsynth.dsp.modal import (
    TICK,
)
from rtsynth.dsp.registers import G0, G1, UI, UR, ZI, ZR
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.controls import (
    TEXTURE,
    bend_voice,
    is_blown,
    is_bowed,
    is_noisy,
    is_toned,
)
from rtsynth.engine.patch import BOW_LEVEL, DRAWN_BOW, NOW
from rtsynth.engine.record import ENGINE, TO_WORKER, WORKER
from rtsynth.engine.ring import WRITTEN

__all__ = [
    "begin_hand",
    "enter_hop",
    "give_voice",
    "may_ring",
    "take_voice",
    "trace_vector",
    "trace_voice",
]

SAME = 1e-9


@state_kernel
def _tuned_anew(st: Any, v: int) -> bool:
    """Whether an edit bends the modes of a voice in a way that the sums do not tell."""
    slot = st.slots[st.voices[v].slot]
    return (
        slot.stretch < 0.0
        or abs(slot.inharm - st.controls[v, INHARM]) > SAME
        or abs(slot.detune - st.controls[v, DETUNE]) > SAME
    )


@state_kernel
def _let_go_now(st: Any, v: int) -> bool:
    """Whether a bow leaves voice v in this tick."""
    return is_bowed(st, v) and st.voices[v].release < st.core[0].tick_frame + TICK


@state_kernel
def may_ring(st: Any, v: int) -> bool:
    """Whether nothing but its own state and a bow moves the modes of voice v."""
    voice = st.voices[v]
    if voice.kind == TEXTURE or voice.driven != 0 or st.controls[v, STRETCH] < 0.0:
        return False
    if _let_go_now(st, v):
        return False
    if is_blown(st, v) or is_toned(st, v):
        return False
    return not _tuned_anew(st, v)


@state_kernel
def give_voice(st: Any, v: int) -> None:
    """Make the state of voice v as it is a base; both render it for a hop."""
    voice = st.voices[v]
    modes, base, bow = st.modes[v], st.bases[v], st.bows[v]
    for m in range(voice.modes):
        base[0, m] = modes[ZR, m]
        base[1, m] = modes[ZI, m]
        bow[0, m] = modes[UR, m]
        bow[1, m] = modes[UI, m]
        bow[2, m] = 0.0
    voice.turned = 0.0
    voice.aged = 0.0
    voice.lost = 0.0
    voice.hand = TO_WORKER


@state_kernel
def begin_hand(st: Any, v: int) -> None:
    """Choose who renders a voice that begins; its modes are open."""
    core = st.core[0]
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    if core.grains == 0 or core.hop_open == 0 or is_noisy(st, v) or voice.kind == TEXTURE:
        return
    if res.bow > 0.0:
        return
    voice.driven = 0
    if not may_ring(st, v):
        voice.driven = 1
        return
    give_voice(st, v)
    voice.hand = WORKER
    if voice.begin <= voice.onset:
        height = res.impulse / core.sample_rate
        strike_base(st.bank[voice.resonance], voice.modes, height, st.bases[v])
        voice.turned = -voice.ratio  # the impulse comes with the first frame
        voice.aged = -voice.fall


@state_kernel
def take_voice(st: Any, v: int) -> None:
    """Let the engine go on with voice v from where the worker is; the worker is told no more."""
    voice = st.voices[v]
    modes, bent = st.modes[v], st.bend
    for k in range(CONTROLS):
        bent[k] = 0.0
    bent[DAMP] = 1.0
    bent[STRETCH] = 1.0
    bent[INHARM] = st.controls[v, INHARM]
    bent[DETUNE] = st.controls[v, DETUNE]
    rate = st.core[0].sample_rate
    bank = st.bank[voice.resonance]
    bend_modes(bank, voice.modes, bent, st.gain_db[v], voice.seed, rate, modes)
    place_modes(modes, voice.modes, st.bases[v], voice.turned, voice.aged, voice.lost)
    if is_bowed(st, v):
        place_bow(modes, voice.modes, st.bows[v], voice.turned)
    voice.hand = ENGINE
    bend_voice(st, v)
    for m in range(voice.modes):
        modes[G0, m] = modes[G1, m]


@state_kernel
def _open_place(st: Any, v: int) -> None:
    """Begin a voice's entry in this hop's record."""
    core = st.core[0]
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    hop = st.hops_at[WRITTEN] & (st.hops.shape[0] - 1)
    voice.place = hop * st.voices.shape[0] + core.hop_voices
    core.hop_voices += 1
    entry = st.grain_voices[voice.place]
    entry.resonance = voice.resonance
    entry.attacking = 0
    entry.bowed = 1 if is_bowed(st, v) else 0
    entry.seed = voice.seed
    entry.event = slot.id
    entry.inharm = st.controls[v, INHARM]
    entry.detune = st.controls[v, DETUNE]
    entry.duration = slot.duration
    rows, gains = st.grain_rows[voice.place], st.grain_gains[voice.place]
    for tick in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            rows[tick, k] = 0.0
    for c in range(gains.shape[0]):
        for n in range(gains.shape[1]):
            gains[c, n] = 0.0
    base = st.grain_bases[voice.place]
    for m in range(base.shape[1]):  # the others are of an earlier voice
        base[0, m] = st.bases[v, 0, m] if m < voice.modes else 0.0
        base[1, m] = st.bases[v, 1, m] if m < voice.modes else 0.0
    if entry.bowed != 0:
        bow = st.grain_bows[voice.place]
        for k in range(bow.shape[0]):
            for m in range(bow.shape[1]):
                bow[k, m] = st.bows[v, k, m] if m < voice.modes else 0.0
    vectors = st.grain_vectors[voice.place]
    for tick in range(vectors.shape[0]):
        for k in range(vectors.shape[1]):
            vectors[tick, k] = st.voice_vectors[v, k]


@state_kernel
def enter_hop(st: Any, v: int) -> None:
    """See that a voice the worker renders has a place in this hop's record, or take it back."""
    core = st.core[0]
    voice = st.voices[v]
    if voice.hand == ENGINE:
        return
    room = core.hop_open != 0 and (voice.place >= 0 or core.hop_voices < st.voices.shape[0])
    if _tuned_anew(st, v) or _let_go_now(st, v) or not room:
        if voice.hand == WORKER:
            take_voice(st, v)
        voice.hand = ENGINE
    elif voice.place < 0:
        _open_place(st, v)


@state_kernel
def _bow_height(st: Any, v: int) -> float:
    height = st.resonances[st.voices[v].resonance].bow * st.params[BOW_LEVEL, NOW]
    return height * 2.0 ** st.drawn[v, DRAWN_BOW]


@state_kernel
def trace_voice(st: Any, v: int, first: int, bright: float, position: float, length: int) -> None:
    """Write one tick of voice v into the hop's record and count it in the sums.

    Args:
        st: State.
        v: a voice with a place, its controls moved to this tick.
        first: frame of the tick at which it begins to sound.
        bright: its brightness before the tick.
        position: of its attack at `first`, samples.
        length: of its attack.
    """
    voice = st.voices[v]
    tick_frame = st.core[0].tick_frame
    tick = tick_frame % HOP // TICK
    row = st.grain_rows[voice.place, tick]
    let_from = TICK
    if voice.released != 0:
        let_from = min(max(math.ceil(voice.release) - tick_frame, first), TICK)
    speed = 2.0 ** (st.controls[v, TRANSPOSE] / 12.0)
    row[TURNED] = voice.turned - voice.ratio * first
    row[RATIO] = voice.ratio
    row[AGED] = voice.aged - voice.fall * first
    row[FALL] = voice.fall
    row[LOST] = voice.lost
    row[LET] = voice.let
    row[LET_FROM] = let_from
    row[BRIGHT_BEFORE] = bright
    row[BRIGHT] = voice.bright
    row[POSITION] = position - first * speed
    row[SPEED] = speed
    if is_bowed(st, v):
        row[HEIGHT] = _bow_height(st, v)
        fallen = voice.fall * TICK / st.core[0].sample_rate
        bank = st.bank[voice.resonance]
        build_bow(bank, voice.modes, fallen, row[HEIGHT], st.bows[v])
    if position < length:
        st.grain_voices[voice.place].attacking = 1
    voice.turned += voice.ratio * (TICK - first)
    voice.aged += voice.fall * (TICK - first)
    voice.lost += voice.let * (TICK - let_from)


@state_kernel
def trace_vector(st: Any, v: int) -> None:
    """Write what this tick has made of a voice's vector into the rest of the hop's record."""
    vectors = st.grain_vectors[st.voices[v].place]
    tick = st.core[0].tick_frame % HOP // TICK
    for after in range(tick + 1, vectors.shape[0]):
        for k in range(vectors.shape[1]):
            vectors[after, k] = st.voice_vectors[v, k]
