"""The transport: plays the score, each event on its frame, with seek, loop and tempo.

Thread: audio.
"""

import math
from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.controls import TEXTURE
from rtsynth.engine.patch import BANK_DAMP, NOW, TEMPO
from rtsynth.engine.voice import (
    FREE,
    SOUNDING,
    let_die,
    start_voice,
)
from rtsynth.events.table import LONGEST_BACKWARDS_S

__all__ = ["enter_order", "leave_order", "play", "roll", "score_end", "seek"]

SHORTEST_LOOP = 64.0  # frames


@state_kernel
def _position_of(st: Any, onset: float, event: int) -> int:
    """First index in `order` whose (onset, id) is not before the given one."""
    low, high = 0, st.core[0].order_count
    while low < high:
        middle = (low + high) // 2
        slot = st.slots[st.order[middle]]
        if slot.onset < onset or (slot.onset == onset and slot.id < event):
            low = middle + 1
        else:
            high = middle
    return low


@state_kernel
def enter_order(st: Any, slot_index: int) -> None:
    """Make an event part of the score: O(log n) to find its place, one move to make it."""
    core = st.core[0]
    slot = st.slots[slot_index]
    at = _position_of(st, slot.onset, slot.id)
    for i in range(core.order_count, at, -1):
        st.order[i] = st.order[i - 1]
    st.order[at] = slot_index
    core.order_count += 1
    core.cursor = _position_of(st, core.position, -1)


@state_kernel
def leave_order(st: Any, slot_index: int) -> None:
    """Take an event out of the score."""
    core = st.core[0]
    slot = st.slots[slot_index]
    at = _position_of(st, slot.onset, slot.id)
    if at >= core.order_count or st.order[at] != slot_index:
        return
    core.order_count -= 1
    for i in range(at, core.order_count):
        st.order[i] = st.order[i + 1]
    core.cursor = _position_of(st, core.position, -1)


@kernel()
def _support(st: Any, slot: Any) -> float:
    """Frames of the stream from an event's onset until it is 80 dB down; may be infinite."""
    if slot.kind == TEXTURE:
        return float(slot.duration)
    ring = math.inf
    damp = min(max(slot.damp * st.params[BANK_DAMP, NOW], 0.0625), 16.0)
    tail = st.resonances[slot.resonance].tail_frames
    if slot.stretch > 0.0:
        ring = tail * max(damp / slot.stretch, 1.0)
    elif slot.stretch < 0.0:
        longest = LONGEST_BACKWARDS_S * st.core[0].sample_rate
        return float(min(slot.duration, tail * damp, longest) / -slot.stretch)
    held = slot.duration + slot.release_s * st.core[0].sample_rate * 80.0 / 60.0
    return float(min(ring, held))


@state_kernel
def score_end(st: Any) -> float:
    """Frame of the score at which its last event of finite length is over."""
    end = 0.0
    for i in range(st.core[0].order_count):
        slot = st.slots[st.order[i]]
        support = _support(st, slot)
        end = max(end, slot.onset + (support if support < math.inf else 0.0))
    return end


@state_kernel
def _chase(st: Any, first: int) -> None:
    """Open every event whose support covers the position and that has no voice yet, mid-life."""
    core = st.core[0]
    for i in range(core.cursor):
        slot_index = st.order[i]
        slot = st.slots[slot_index]
        age = (core.position - slot.onset) / st.params[TEMPO, NOW]
        if age >= _support(st, slot):
            continue
        sounding = False
        for v in range(st.voices.shape[0]):
            if st.voices[v].state == SOUNDING and st.voices[v].slot == slot_index:
                sounding = True
        if not sounding:
            start_voice(st, slot_index, first, 1.0, 1, int(age))


@state_kernel
def play(st: Any, first: int) -> None:
    """Start the transport at frame `first` of this tick, from where it stands."""
    core = st.core[0]
    if core.playing == 0:
        core.playing = 1
        core.cursor = _position_of(st, core.position, -1)
        _chase(st, first)


@state_kernel
def seek(st: Any, position: float, first: int) -> None:
    """Go to a position in frames of the score: what it had started fades, what now sounds opens."""
    core = st.core[0]
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        if voice.state != FREE and voice.from_score != 0:
            let_die(st, voice, first)
    core.position = position
    core.cursor = _position_of(st, position, -1)
    if core.playing != 0:
        _chase(st, first)


@state_kernel
def roll(st: Any, first: int, last: int) -> None:
    """Advance the transport over frames first … last of this tick and start what falls due."""
    core = st.core[0]
    if core.playing == 0:
        return
    tempo = st.params[TEMPO, NOW]
    at = float(first)
    looping = core.loop_on != 0 and core.loop_end - core.loop_begin >= SHORTEST_LOOP
    while at < last:
        end = core.position + (last - at) * tempo
        wraps = looping and core.position < core.loop_end and end >= core.loop_end
        if wraps:
            end = core.loop_end
        while core.cursor < core.order_count:
            slot_index = st.order[core.cursor]
            onset = st.slots[slot_index].onset
            if onset >= end:
                break
            frame = math.ceil(at + (onset - core.position) / tempo - 1e-6)
            core.cursor += 1
            start_voice(st, slot_index, min(max(frame, first), last - 1), 1.0, 1, 0)
        if not wraps:
            core.position = end
            return
        at += (end - core.position) / tempo
        core.position = core.loop_begin
        core.cursor = _position_of(st, core.loop_begin, -1)
