"""Carrying out one command at its frame. Thread: audio."""

import math
from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.ramp import fade_level
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.controls import TEXTURE
from rtsynth.engine.ops import ALL, NoticeKind, Op
from rtsynth.engine.order import enter_order, leave_order, score_end
from rtsynth.engine.patch import MASTER_MUTE, MONITOR_BYPASS, NOW, SMOOTHED, TARGET, TICKS_LEFT
from rtsynth.engine.state import state_at
from rtsynth.engine.transport import play, seek
from rtsynth.engine.voice import (
    FREE,
    audible,
    fade_voice,
    let_die,
    notify,
    start_voice,
)

__all__ = ["apply_command"]

TRIGGER, MUTE, SOLO, CHOKE = int(Op.TRIGGER), int(Op.MUTE), int(Op.SOLO), int(Op.CHOKE)
SLOT_FREE, ACTIVATE, SET, PARAM = int(Op.FREE), int(Op.ACTIVATE), int(Op.SET), int(Op.PARAM)
PLAY, PAUSE, SEEK, LOOP = int(Op.PLAY), int(Op.PAUSE), int(Op.SEEK), int(Op.LOOP)
PANIC, GROUP = int(Op.PANIC), int(Op.GROUP)
CACHE, RETIRE, PROTOTYPE = int(Op.CACHE), int(Op.RETIRE), int(Op.PROTOTYPE)
DONE, FREED, REFUSED = int(NoticeKind.DONE), int(NoticeKind.FREED), int(NoticeKind.REFUSED)
CANCELLED = 0
MEANT = 7  # place of the id of the event that a command on a slot means
FIRST_VECTOR = 15  # index in EVENT_PARAMS


@state_kernel
def _hold_voices(st: Any, slot_index: int) -> None:
    """When the sounding voices of an event are let go, its duration or direction being new."""
    slot = st.slots[slot_index]
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        if voice.state == FREE or voice.slot != slot_index or voice.released != 0:
            continue
        if slot.stretch < 0.0 and voice.kind != TEXTURE:
            voice.release = math.inf  # it ends at its onset
        elif voice.release == math.inf and voice.age > 0.0:  # it may have been turned round
            rate = 1.0 if voice.kind == TEXTURE else max(slot.stretch, 1e-3)
            left = max(slot.duration - voice.age, 0.0) / rate
            voice.release = st.core[0].tick_frame + left
        else:
            voice.release = max(voice.onset + slot.duration, float(st.core[0].tick_frame))


@state_kernel
def _set_field(st: Any, slot_index: int, field: int, value: float) -> None:
    """One field of an event; its index is that in the parameter table, its unit the table's."""
    slot = st.slots[slot_index]
    rate = st.core[0].sample_rate
    if field >= FIRST_VECTOR:
        st.vectors[slot_index, field - FIRST_VECTOR] = value
    elif field == 0:
        leave_order(st, slot_index)
        slot.onset = float(int(value * rate + 0.5))
        enter_order(st, slot_index)
    elif field == 1:
        slot.duration = value * rate
        _hold_voices(st, slot_index)
    elif field == 2:
        slot.gain = value
    elif field == 3:
        slot.resonance = int(value)
    elif field == 4:
        slot.seed = int(value)
    elif field == 5:
        slot.transpose = value
    elif field == 6:
        slot.damp = value
    elif field == 7:
        slot.bright = value
    elif field == 8:
        slot.inharm = value
    elif field == 9:
        slot.detune = value
    elif field == 10:
        slot.vibrato_rate_hz = value
    elif field == 11:
        slot.vibrato_depth = value
    elif field == 12:
        slot.stretch = value
        _hold_voices(st, slot_index)
    elif field == 13:
        slot.pan = value
    elif field == 14:
        slot.release_s = value
    slot.version += 1  # last: who sees it sees the value


@state_kernel
def _choke(st: Any, slot_index: int, first: int) -> None:
    """Let every sounding voice of an event die, and those that a seek has not opened yet."""
    st.slots[slot_index].choked = st.core[0].chases
    for v in range(st.voices.shape[0]):
        if st.voices[v].state != FREE and st.voices[v].slot == slot_index:
            let_die(st, st.voices[v], first)


@state_kernel
def _draw_anew(st: Any, slot_index: int) -> None:
    """Let the sounding voices of an event move to what the field has drawn for it now."""
    slot = st.slots[slot_index]
    ticks = st.core[0].smooth_ticks
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        if voice.state == FREE or voice.slot != slot_index or voice.kind == TEXTURE:
            continue
        if voice.resonance != slot.resonance:  # these curves are another one's
            continue
        voice.cache = slot.cache if slot.cache >= 0 else st.prototypes[voice.resonance]
        voice.draw_ticks = ticks
        if voice.attack_ticks == 0:  # else it follows when that fade is over
            voice.attack_ticks = ticks
            voice.attack_next = voice.cache


@state_kernel
def _refresh_audible(st: Any, first: int) -> None:
    """Fade every voice to what mutes and solos now say."""
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        if voice.state == 1:
            target = 1.0 if audible(st, st.slots[voice.slot]) else 0.0
            if voice.fade_to != target:
                fade_voice(st, voice, target, first)


@kernel()
def _apply_to_slot(st: Any, slot_index: int, command: Any, first: int) -> None:
    """One command on one event."""
    slot = st.slots[slot_index]
    op = command.op
    on = 1 if command.number[0] != 0.0 else 0
    if op == TRIGGER:
        start_voice(st, slot_index, first, command.number[0], 0, 0)
    elif op == MUTE:
        slot.muted = on
    elif op == SOLO:
        st.core[0].soloed += on - slot.solo
        slot.solo = on
    elif op == CHOKE:
        _choke(st, slot_index, first)
    elif op == SET:
        _set_field(st, slot_index, int(command.number[0]), command.number[1])
    elif op == GROUP:
        slot.group = int(command.number[0])
    elif op == CACHE:
        slot.cache = int(command.number[0])
        _draw_anew(st, slot_index)
    elif op == ACTIVATE:
        slot.used = 1
        slot.choked = st.core[0].chases
        enter_order(st, slot_index)
    elif op == SLOT_FREE:
        _choke(st, slot_index, first)
        leave_order(st, slot_index)
        st.core[0].soloed -= slot.solo
        slot.solo = 0
        slot.used = 0
        slot.cache = -1
        slot.freeing = 1
        st.core[0].freeing += 1


@state_kernel
def _fade_master(st: Any, target: float) -> None:
    """Begin the bus's fade to `target` with this tick, from wherever it is."""
    core = st.core[0]
    length = st.fade.shape[0]
    now = fade_level(st.fade, core.mute_from, core.mute_to, core.mute_at)
    core.mute_from = now
    core.mute_to = target
    core.mute_at = length if now == target else 0


@state_kernel
def _fade_bypass(st: Any, target: float) -> None:
    """Begin the crossfade between the input and everything else with this tick."""
    core = st.core[0]
    now = fade_level(st.fade, core.bypass_from, core.bypass_to, core.bypass_at)
    core.bypass_from = now
    core.bypass_to = target
    core.bypass_at = st.fade.shape[0] if now == target else 0


@kernel()
def _apply_globally(st: Any, command: Any, first: int) -> None:
    """A command on parameters or the transport."""
    core = st.core[0]
    op = command.op
    value = command.number[0]
    if op == RETIRE:
        st.caches[command.target].leaving = 1
        core.retiring += 1
    elif op == PROTOTYPE:
        st.prototypes[command.target] = int(value)
    elif op == PARAM:
        row = st.params[command.target]
        row[TARGET] = value
        if row[SMOOTHED] != 0.0:
            row[TICKS_LEFT] = core.smooth_ticks
        else:
            row[NOW] = value
        if command.target == MASTER_MUTE:
            _fade_master(st, 1.0 - value)
        elif command.target == MONITOR_BYPASS:
            _fade_bypass(st, value)
    elif op == PLAY:
        play(st)
    elif op == PAUSE:
        core.playing = 0
    elif op == SEEK:
        seek(st, float(int(value * core.sample_rate + 0.5)), first)
    elif op == LOOP:
        core.loop_on = int(value)
        core.loop_begin = float(int(command.number[1] * core.sample_rate + 0.5))
        core.loop_end = float(int(command.number[2] * core.sample_rate + 0.5))
        if core.loop_end == 0.0:
            core.loop_end = score_end(st)
    elif op == PANIC:
        core.playing = 0
        for v in range(st.voices.shape[0]):
            let_die(st, st.voices[v], first)
        for i in range(core.pending_count):
            waiting = st.pending[i]  # what was sent after the panic is not meant by it
            if waiting.sequence < command.sequence and (
                waiting.op == TRIGGER or waiting.op == PLAY
            ):
                waiting.op = CANCELLED


@door
def apply_command(address: int, first: int) -> None:
    """Carry out a command at frame `first` of this tick and say so if a request asked.

    Args:
        address: of the state; its `command` is what to carry out.
        first: 0 … TICK − 1; a late command is carried out at 0.
    """
    st = state_at(address)
    command = st.command[0]
    core = st.core[0]
    op, target = command.op, command.target
    late = core.tick_frame - command.frame
    on_events = op <= SET or op == GROUP or op == CACHE
    stale = on_events and target >= 0 and st.slots[max(target, 0)].id != command.number[MEANT]
    if op == CANCELLED or stale:
        core.refused += 1
        notify(st, REFUSED, core.tick_frame + first, -1, command.request, 0.0)
        return
    if late > 0:
        core.late += 1
    away = core.turned_away + core.refused
    if not on_events:
        _apply_globally(st, command, first)
    elif target >= 0:
        if st.slots[target].used != 0 or op == ACTIVATE:
            _apply_to_slot(st, target, command, first)
    else:
        for i in range(st.slots.shape[0]):
            slot = st.slots[i]
            if slot.used != 0 and (target == ALL or slot.group == -1 - target):
                _apply_to_slot(st, i, command, first)
    if op == MUTE or op == SOLO or op == SLOT_FREE:
        _refresh_audible(st, first)
    away = core.turned_away + core.refused - away
    if command.request != 0 and op == TRIGGER and target >= 0 and away > 0:
        notify(st, REFUSED, core.tick_frame + first, -1, command.request, 0.0)
    elif command.request != 0:
        notify(st, DONE, core.tick_frame + first, -1, command.request, float(max(late, 0)))
