"""The audio thread's side of the grain renderer: hops out, grains in, and what waits to be heard.

The stream's time runs `core.ahead` frames before what is heard. What the engine renders itself
waits that long; of what a worker is to render, a record goes out at the end of every hop, and its
grain is due `core.ahead` frames after the hop began. A grain that is late is never waited for: the
one before it has faded out under its window. After two the engine renders all again. Thread: audio.
"""

from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.grain import HOP, ring_bound
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.safety import largest
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.controls import TEXTURE, is_bowed
from rtsynth.engine.hand import give_voice, may_ring, take_voice
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.patch import BEFORE, NOW, STRIKE_LEVEL
from rtsynth.engine.record import ENGINE, TO_ENGINE, TO_WORKER, WORKER
from rtsynth.engine.ring import READ, WRITTEN, free_space, publish_read, publish_write, readable
from rtsynth.engine.state import state_at
from rtsynth.engine.voice import FREE, notify

__all__ = ["begin_hop", "delay_bus", "end_hop"]

LATE_RUN = 2
LARGEST_SANE = 1e6
GRAIN_LATE, RENDERER = int(NoticeKind.GRAIN_LATE), int(NoticeKind.RENDERER)


@state_kernel
def _bound_level(st: Any, v: int) -> None:
    voice = st.voices[v]
    if is_bowed(st, v):
        return  # as loud as it was when it was given
    voice.level = ring_bound(
        st.bank[voice.resonance],
        voice.modes,
        st.bases[v],
        st.gain_db[v],
        voice.bright,
        voice.aged / st.core[0].sample_rate,
        voice.lost,
    )


@kernel()
def _sane(grain: Any) -> bool:
    for c in range(grain.shape[0]):
        if not largest(grain[c]) < LARGEST_SANE:
            return False
    return True


@state_kernel
def _take_grain(st: Any, due: int) -> bool:
    """Begin grain `due`, or silence; whether it was there in time."""
    channels = st.bus.shape[0]
    found = False
    for c in range(channels):
        for n in range(HOP):
            st.grain[channels + c, n] = st.grain[c, HOP + n]
        for n in range(2 * HOP):
            st.grain[c, n] = 0.0
    for _ in range(readable(st.grains_at)):
        at = st.grains_at[READ] & (st.grains.shape[0] - 1)
        number = st.grain_numbers[at]
        if number > due:
            break
        if number == due and _sane(st.grains[at]):
            found = True
            for c in range(channels):
                for n in range(2 * HOP):
                    st.grain[c, n] = st.grains[at, c, n]
        publish_read(st.grains_at, 1)
    return found


@state_kernel
def _judge(st: Any, in_time: bool) -> None:
    """Trust the worker, or trust it no more."""
    core = st.core[0]
    if in_time:
        core.late_run = 0
        core.ready_run += 1
        if core.grains == 0 and core.ready_run >= core.ready_hops:
            core.grains = 1
            notify(st, RENDERER, core.tick_frame, -1, 0, 1.0)
    else:
        core.ready_run = 0
        if core.grains != 0:
            core.late_run += 1
            core.grains_late += 1
            notify(st, GRAIN_LATE, core.tick_frame, -1, 0, float(core.late_run))
    if core.grains != 0 and (core.late_run >= LATE_RUN or core.hop_open == 0):
        core.grains = 0
        core.late_run = 0
        core.ready_run = 0
        core.ready_hops = min(2 * core.ready_hops, core.ready_most)
        notify(st, RENDERER, core.tick_frame, -1, 0, 0.0)


@door
def begin_hop(address: int) -> None:
    """At the first frame of a hop: take the grain that is due, hand voices over, open a record."""
    st = state_at(address)
    core = st.core[0]
    core.hop_open = 1 if free_space(st.hops_at, st.hops.shape[0]) > 0 else 0
    core.hop_voices = 0
    due = core.tick_frame // HOP - core.ahead // HOP
    if due >= -1:
        _judge(st, _take_grain(st, due))
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        voice.place = -1
        if voice.state == FREE or voice.kind == TEXTURE:
            continue
        if voice.hand == TO_ENGINE:
            voice.hand = ENGINE
        elif voice.hand == TO_WORKER:
            voice.hand = WORKER
        if core.grains == 0 and voice.hand == WORKER:
            take_voice(st, v)
            voice.hand = TO_ENGINE
        elif core.grains != 0 and voice.hand == ENGINE and may_ring(st, v):
            give_voice(st, v)
        elif voice.hand == WORKER:
            _bound_level(st, v)


@state_kernel
def end_hop(st: Any) -> None:
    """At the end of a tick: what all its voices share into the record; publish a whole one."""
    core = st.core[0]
    if core.hop_open == 0:
        return
    at = st.hops_at[WRITTEN] & (st.hops.shape[0] - 1)
    ticks = st.hop_ticks[at]
    tick = core.tick_frame % HOP // TICK
    if tick == 0:
        ticks[0, 0] = st.params[STRIKE_LEVEL, BEFORE]
        for k in range(st.members.shape[0]):
            ticks[0, 1 + k] = st.members_from[k]
    ticks[tick + 1, 0] = st.params[STRIKE_LEVEL, NOW]
    for k in range(st.members.shape[0]):
        ticks[tick + 1, 1 + k] = st.members[k]
    if (core.tick_frame + TICK) % HOP == 0:
        st.hops[at].number = core.tick_frame // HOP
        st.hops[at].voices = core.hop_voices
        publish_write(st.hops_at, 1)


@state_kernel
def delay_bus(st: Any) -> None:
    """Put the bus behind what waits to be heard, take out what is due, and add the grains."""
    core = st.core[0]
    channels = st.bus.shape[0]
    waits = st.ahead[core.tick_frame // TICK % st.ahead.shape[0]]
    limits = st.ahead_limits[core.tick_frame // TICK % st.ahead.shape[0]]
    at = core.tick_frame % HOP
    for n in range(TICK):
        gain = waits[channels, n]
        waits[channels, n] = st.bus_gain[n]
        st.bus_gain[n] = gain
        for c in range(channels):
            heard = waits[c, n] + st.grain[channels + c, at + n] + st.grain[c, at + n]
            waits[c, n] = st.bus[c, n]
            st.bus[c, n] = heard
    for k in range(2):
        limit = limits[k]
        limits[k] = st.bus_limits[k]
        st.bus_limits[k] = limit
