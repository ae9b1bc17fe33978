"""A tick, and any number of frames cut from ticks. Thread: audio.

Everything is rendered in whole ticks on the stream's absolute grid and handed out in whatever
pieces the device asks for: so the samples cannot depend on how they are cut into blocks. A command
must be in the inbox before the tick that holds its frame is rendered: up to TICK − 1 frames early.
"""

import math
from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.grain import HOP
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.ramp import apply_fade, apply_line, ease
from rtsynth.dsp.safety import block_dc, largest, limit
from rtsynth.engine.chase import chase
from rtsynth.engine.command import FREED, apply_command
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.grains import begin_hop, delay_bus, end_hop
from rtsynth.engine.monitor import add_input, take_input
from rtsynth.engine.patch import (
    BEFORE,
    CEILING,
    FIELD_LEVEL,
    LIMITER_RELEASE,
    MASTER_GAIN,
    NOW,
    TARGET,
    TICKS_LEFT,
)
from rtsynth.engine.ring import free_space, write_frames
from rtsynth.engine.schedule import due, pop_pending, take_inbox
from rtsynth.engine.share import render_voices
from rtsynth.engine.state import state_at
from rtsynth.engine.transport import roll
from rtsynth.engine.voice import FREE, notify

__all__ = ["process", "render_tick"]


LARGEST_INPUT = 16.0
INAUDIBLE = 1e-12  # what is left in the DC blocker, −240 dB re full scale


@kernel()
def _gain_of_db(db: float) -> float:
    return 10.0 ** (db / 20.0)


@state_kernel
def _take_in(st: Any) -> None:
    """Take in what control has sent, then what the drawing worker has."""
    take_inbox(st.core[0], st.inbox, st.inbox_at, st.pending)
    take_inbox(st.core[0], st.drawing, st.drawing_at, st.pending)


@state_kernel
def _commands(st: Any) -> None:
    """Take in what has arrived and carry out what is due, the transport rolling in between."""
    core = st.core[0]
    chase(st)
    _take_in(st)
    at = 0
    while due(core, st.pending, core.tick_frame + TICK):
        pop_pending(core, st.pending, st.command[0])
        frame = max(st.command[0].frame - core.tick_frame, 0)
        roll(st, at, frame)
        at = max(at, frame)
        apply_command(st, at)
        st.command[0].sequence = 0  # it is done: nobody has to, should this process die
        _take_in(st)
    roll(st, at, TICK)


@state_kernel
def _smooth_params(st: Any) -> None:
    """One tick's step of every smoothed parameter."""
    for i in range(st.params.shape[0]):
        row = st.params[i]
        if row[BEFORE] != row[NOW]:  # what is not written stays in other cores' caches
            row[BEFORE] = row[NOW]
        if row[TICKS_LEFT] > 0.0:
            share = ease(row[TICKS_LEFT], float(st.core[0].smooth_ticks))
            row[NOW] += (row[TARGET] - row[NOW]) * share
            row[TICKS_LEFT] -= 1.0
        elif row[TICKS_LEFT] == 0.0:  # voices have seen it arrive
            row[TICKS_LEFT] = -1.0
    for k in range(st.members.shape[0]):
        level = st.params[FIELD_LEVEL + k, NOW]
        if st.members_from[k] != st.members[k] or st.members[k] != level:
            st.members_from[k] = st.members[k]
            st.members[k] = level


@state_kernel
def _bus_controls(st: Any, gain_from: float) -> None:
    """What the bus is to do with this tick: gain and mute as one curve, ceiling and release."""
    core = st.core[0]
    for n in range(TICK):
        st.bus_gain[n] = 1.0
    apply_line(gain_from, _gain_of_db(st.params[MASTER_GAIN, NOW]), st.bus_gain)
    if core.mute_at < st.fade.shape[0] or core.mute_to != 1.0:
        core.mute_at = apply_fade(
            st.fade, core.mute_from, core.mute_to, core.mute_at, 0, TICK, st.bus_gain
        )
    frames = st.params[LIMITER_RELEASE, NOW] * 0.001 * core.sample_rate
    st.bus_limits[0] = _gain_of_db(st.params[CEILING, NOW])
    st.bus_limits[1] = 1.0 - math.exp(-1.0 / frames)


@state_kernel
def _bus_chain(st: Any) -> None:
    """DC blocker, gain, mute, start ramp, limiter."""
    core = st.core[0]
    block_dc(core.dc_radius, st.dc, st.bus)
    for c in range(st.bus.shape[0]):
        channel = st.bus[c]
        for n in range(TICK):
            channel[n] *= st.bus_gain[n]
        if core.tick_frame < core.start_frames:
            for n in range(TICK):
                t = min((core.tick_frame + n) / core.start_frames, 1.0)
                channel[n] *= 0.5 - 0.5 * math.cos(math.pi * t)
    ceiling, release = st.bus_limits[0], st.bus_limits[1]
    # what waits in the limiter was prepared for the ceiling of its time
    st.ceilings[core.tick_frame // TICK % st.ceilings.shape[0]] = ceiling
    clip = ceiling
    for i in range(st.ceilings.shape[0]):
        clip = max(clip, st.ceilings[i])
    limit(ceiling, clip, release, st.limiter, st.limiter_gains, st.limiter_delay, st.bus)
    for c in range(st.bus.shape[0]):
        core.peak = max(core.peak, largest(st.bus[c]))


@state_kernel
def _rests(st: Any) -> bool:
    """Whether the chain has nothing to do: silence in, and only silence left in it.

    Its delays all hold the same number then, so that it makes no difference where they stand.
    """
    core = st.core[0]
    settled = core.ahead == 0 and st.limiter[1] == 1.0
    for c in range(st.bus.shape[0]):
        for n in range(TICK):
            settled = settled and st.bus[c, n] == 0.0
        if abs(st.dc[2 * c + 1]) < INAUDIBLE and settled:
            st.dc[2 * c + 1] = 0.0
        settled = settled and st.dc[2 * c + 1] == 0.0
    core.quiet_frames = core.quiet_frames + TICK if settled else 0
    return core.quiet_frames > 2 * st.limiter_gains.shape[1] + TICK


@state_kernel
def _record(st: Any) -> None:
    """Hand this tick to the recorder, or count it as lost."""
    if not write_frames(st.record, st.record_at, st.bus):
        st.core[0].record_lost += TICK


@state_kernel
def _give_back_slots(st: Any, slot_index: int) -> None:
    """Tell that a slot is free once no voice uses it."""
    for v in range(st.voices.shape[0]):
        if st.voices[v].state != FREE and st.voices[v].slot == slot_index:
            return
    if free_space(st.outbox_at, st.outbox.shape[0]) < 1:
        return  # told in a later tick: a lost notice would lose the slot
    slot = st.slots[slot_index]
    slot.freeing = 0
    st.core[0].freeing -= 1
    notify(st, FREED, st.core[0].tick_frame, slot.id, 0, float(slot_index))


@state_kernel
def _give_back_cache(st: Any, cache: int) -> None:
    """Let a retired cache be drawn anew once no voice reads it."""
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        reads = voice.cache == cache or voice.attack_cache == cache or voice.attack_next == cache
        if voice.state != FREE and reads:
            return
    st.core[0].retiring -= 1
    st.caches[cache].leaving = 0
    st.caches[cache].kept = 0


@door
def render_tick(address: int) -> None:
    """The next TICK frames into st.bus."""
    st = state_at(address)
    core = st.core[0]
    bus = st.bus
    for c in range(bus.shape[0]):
        for n in range(TICK):
            bus[c, n] = 0.0
    if core.ahead > 0 and core.tick_frame % HOP == 0:
        begin_hop(st)
    if core.inputs > 0:
        take_input(st)
    _commands(st)
    gain_from = _gain_of_db(st.params[MASTER_GAIN, NOW])
    _smooth_params(st)
    core.voices = render_voices(st)
    core.voices_peak = max(core.voices_peak, core.voices)
    _bus_controls(st, gain_from)
    if core.ahead > 0:
        end_hop(st)
        delay_bus(st)
    add_input(st)
    if not _rests(st):
        _bus_chain(st)
    if core.freeing > 0:
        for i in range(st.slots.shape[0]):
            if st.slots[i].freeing != 0:
                _give_back_slots(st, i)
    if core.retiring > 0:
        for i in range(st.caches.shape[0]):
            if st.caches[i].leaving != 0:
                _give_back_cache(st, i)
    if core.recording != 0:
        _record(st)
    core.tick_frame += TICK


@state_kernel
def _hear(st: Any, value: float, channel: int, at: int) -> None:
    """One sample of the input; what is no number, or no sound, is silence."""
    st.coming[channel, at] = value if abs(value) < LARGEST_INPUT else 0.0


@kernel()
def process(st: Any, heard: Any, out: Any) -> None:
    """Fill `out`, [frames, channels] float32, with the next frames of the stream.

    `heard`, [frames, inputs] float32, is what came in with this block; of no frames for silence.
    """
    core = st.core[0]
    done, frames = 0, out.shape[0]
    while done < frames:
        if core.frame == core.tick_frame:
            render_tick(st)
        at = TICK - (core.tick_frame - core.frame)
        count = min(TICK - at, frames - done)
        for c in range(core.inputs):
            for n in range(count):
                sample = float(heard[done + n, c]) if done + n < heard.shape[0] else 0.0
                _hear(st, sample, c, at + n)
        for n in range(count):
            for c in range(out.shape[1]):
                out[done + n, c] = st.bus[c, at + n] if c < st.bus.shape[0] else 0.0
        done += count
        core.frame += count
    core.blocks += 1
    core.block_min = min(core.block_min, frames) if core.blocks > 1 else frames
    core.block_max = max(core.block_max, frames)
