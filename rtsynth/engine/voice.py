"""The pool of voices: start, retrigger, steal, mute, let go. Thread: audio."""

import math
from typing import Any

from rtsynth.dsp.bend import DAMP, STRETCH, TRANSPOSE
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.draw import CURVE_RATE, SEGMENT_POINTS
from rtsynth.dsp.intrinsic import load_acquire
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.ramp import fade_level
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.controls import TEXTURE, curves_at, project_vector, target_controls
from rtsynth.engine.hand import begin_hand
from rtsynth.engine.layout import GROUP
from rtsynth.engine.opening import open_voice
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.patch import NOW, RETRIGGER
from rtsynth.engine.record import ENGINE
from rtsynth.engine.ring import READ, WRITTEN, publish_write
from rtsynth.engine.state import state_at
from rtsynth.events.table import LONGEST_BACKWARDS_S

__all__ = [
    "DYING",
    "FREE",
    "SHEDDING",
    "SOUNDING",
    "audible",
    "count_voices",
    "fade_voice",
    "let_die",
    "notify",
    "quietest_voice",
    "start_voice",
]

FREE, SOUNDING, DYING = 0, 1, 2

FIRST_DRAWN_S = (SEGMENT_POINTS - 1) / CURVE_RATE
"""The end of what of an event is always drawn."""

SQRT2 = math.sqrt(2.0)
GO, END, STOLEN = int(NoticeKind.GO), int(NoticeKind.END), int(NoticeKind.STOLEN)
TURNED_AWAY = int(NoticeKind.TURNED_AWAY)
SHEDDING, SILENT = 2, 3  # steps of the ladder


@state_kernel
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


@state_kernel
def count_voices(st: Any, state: int) -> int:
    """How many voices are in a state: FREE, SOUNDING or DYING."""
    count = 0
    for group in range(st.occupied.shape[0]):
        first = GROUP * group
        last = min(first + GROUP, st.voices.shape[0])
        if st.occupied[group] == 0:  # all free: a look at each would cost a cache line
            count += last - first if state == FREE else 0
            continue
        for v in range(first, last):
            count += 1 if st.voices[v].state == state else 0
    return count


@state_kernel
def _free_voice(st: Any) -> int:
    """Index of a free voice; −1 if there is none, as the dying ones may hold all that are spare."""
    for group in range(st.occupied.shape[0]):
        first = GROUP * group
        if st.occupied[group] == 0:
            return first
        for v in range(first, min(first + GROUP, st.voices.shape[0])):
            if st.voices[v].state == FREE:
                return v
    return -1


@state_kernel
def quietest_voice(st: Any) -> int:
    """Index of the quietest voice that sounds and is not dying; −1 if none does."""
    quietest, least = -1, 0.0
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        if voice.state == SOUNDING:
            loud = voice.level * voice.gain
            if quietest < 0 or loud < least:
                quietest, least = v, loud
    return quietest


@state_kernel
def _turned_away(st: Any, slot_index: int, first: int, velocity: float) -> bool:
    """Whether there is no time for an event; counted and told."""
    core = st.core[0]
    slot = st.slots[slot_index]
    quiet = slot.gain * velocity < core.priority
    if core.overload < SHEDDING or (core.overload < SILENT and not quiet):
        return False
    core.turned_away += 1
    notify(st, TURNED_AWAY, core.tick_frame + first, slot.id, 0, velocity)
    return True


@state_kernel
def _steal(st: Any, first: int) -> None:
    """Let the quietest voice die, and tell whose it was."""
    core = st.core[0]
    victim = st.voices[quietest_voice(st)]
    core.stolen += 1
    notify(st, STOLEN, core.tick_frame + first, st.slots[victim.slot].id, 0, 0.0)
    let_die(st, victim, first)


@state_kernel
def _begin_record(
    st: Any, v: int, slot_index: int, first: int, velocity: float, from_score: int, age: int
) -> None:
    """Whose voice it is, when it began, how loud it is; all else as of one just struck."""
    voice = st.voices[v]
    slot = st.slots[slot_index]
    voice.state = SOUNDING
    voice.slot = slot_index
    voice.resonance = slot.resonance
    voice.kind = slot.kind
    voice.modes = st.resonances[slot.resonance].modes
    voice.version = slot.version
    voice.ramp_ticks = 0
    voice.from_score = from_score
    voice.begin = st.core[0].tick_frame + first
    voice.onset = voice.begin - age
    voice.release = voice.onset + slot.duration
    voice.released = 0
    voice.seed = slot.seed
    voice.velocity = velocity
    angle = (slot.pan + 1.0) * 0.25 * math.pi
    voice.gain = slot.gain * velocity
    voice.panned = slot.pan
    voice.panned_left = SQRT2 * math.cos(angle)
    voice.panned_right = SQRT2 * math.sin(angle)
    voice.left = voice.gain * voice.panned_left
    voice.right = voice.gain * voice.panned_right
    voice.level = 1.0
    voice.driven = 1
    voice.blowing = 0
    voice.stale = 0
    voice.hand = ENGINE
    voice.place = -1


@state_kernel
def _begin_fade(st: Any, v: int, first: int, age: int) -> None:
    """A struck voice is there at once; a texture, and one opened in its middle, fade in."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    gain = 1.0 if audible(st, slot) else 0.0
    voice.fade_from = gain
    voice.fade_to = gain
    voice.fade_at = st.fade.shape[0]
    voice.fade_first = 0
    if slot.kind == TEXTURE or age > 0 or slot.stretch < 0.0:
        voice.fade_from = 0.0
        voice.fade_at = 0
        voice.fade_first = first


@state_kernel
def _begin_drawing(st: Any, v: int) -> None:
    """Choose what the field drew for the event, else for its resonance; take the vector over."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    voice.cache = -1
    if slot.kind != TEXTURE:
        voice.cache = slot.cache if slot.cache >= 0 else st.prototypes[slot.resonance]
    voice.attack_cache = voice.cache
    voice.attack_next = voice.cache
    voice.attack_ticks = 0
    voice.draw_ticks = 0
    for c in range(st.drawn.shape[1]):
        st.drawn[v, c] = 0.0
    plain = True
    for k in range(st.vectors.shape[1]):
        st.voice_vectors[v, k] = st.vectors[voice.slot, k]
        plain = plain and st.vectors[voice.slot, k] == 0.0
    if slot.kind != TEXTURE and not plain:
        project_vector(st, v)
        return
    for m in range(voice.modes):
        st.gain_db[v, m] = 0.0


@state_kernel
def _begin_age(st: Any, v: int, first: int, age: int) -> None:
    """Set the event's own time; one that runs backwards begins at its end."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    stretch = st.controls[v, STRETCH]
    own = age * stretch
    if stretch < 0.0 and voice.kind != TEXTURE:
        tail = st.resonances[slot.resonance].tail_frames * st.controls[v, DAMP]
        own += min(slot.duration, tail, LONGEST_BACKWARDS_S * st.core[0].sample_rate)
        voice.release = math.inf
        voice.driven = 0  # nothing strikes it
    voice.age = own - first * stretch
    voice.attack_at = (own if stretch < 0.0 else age) * 2.0 ** (st.controls[v, TRANSPOSE] / 12.0)
    middle = voice.age + 0.5 * TICK * stretch
    if not curves_at(st, v, middle, st.target):  # until they are drawn, those of its beginning
        curves_at(st, v, FIRST_DRAWN_S * st.core[0].sample_rate, st.target)
        voice.draw_ticks = st.core[0].smooth_ticks
    for c in range(st.drawn.shape[1]):
        st.drawn[v, c] = st.target[c]


@door
def start_voice(
    address: int, slot_index: int, first: int, velocity: float, from_score: int, age: int
) -> None:
    """Sound an event from frame `first` of this tick on, `age` frames into its life.

    Args:
        address: of the state.
        slot_index: the event.
        first: 0 … TICK − 1.
        velocity: factor on the event's gain.
        from_score: 1 if the transport asks, 0 if a hand does.
        age: frames ≥ 0.
    """
    st = state_at(address)
    core = st.core[0]
    slot = st.slots[slot_index]
    if _turned_away(st, slot_index, first, velocity):
        return
    v = _free_voice(st)
    if v < 0:
        core.refused += 1
        notify(st, TURNED_AWAY, core.tick_frame + first, slot.id, 0, velocity)
        return
    if st.params[RETRIGGER, NOW] == 0.0:
        for other in range(st.voices.shape[0]):
            if st.voices[other].state == SOUNDING and st.voices[other].slot == slot_index:
                let_die(st, st.voices[other], first)
    if count_voices(st, SOUNDING) >= core.max_voices:
        _steal(st, first)
    st.occupied[v // GROUP] = 1
    _begin_record(st, v, slot_index, first, velocity, from_score, age)
    target_controls(st, v, st.controls[v])
    _begin_fade(st, v, first, age)
    _begin_drawing(st, v)
    _begin_age(st, v, first, age)
    open_voice(st, v, 0 if slot.kind == TEXTURE else age)
    begin_hand(st, v)
    notify(st, GO, core.tick_frame + first, slot.id, 0, velocity)
