"""A tick's voices shared out among processor cores: dealt, made side by side, added up in order.

Every core has a share, and begins with its own: a voice stays on one core as long as nobody runs
idle, and its modes in that core's cache. Who is done takes over voices of others that nobody has
begun. So the audio thread never waits for a helper that has not come; for one that is in the
middle of a voice it must. The sum runs over the voices in their order, with the same operations as
on one core: the samples do not depend on who made what, nor on how many there are.

Voices that a grain worker renders too are made by the audio thread, in their place in the order.
Thread: audio, helper.
"""

from typing import Any

from rtsynth.dsp.atomic import fetch_add, relax
from rtsynth.dsp.intrinsic import load_acquire, now_ns, spent_ns, store_release
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.sleep import wake_all, yield_thread
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.part import COUNT, LINE, OUTCOME, add_part, make_part, render_voice
from rtsynth.engine.record import ENGINE, THINNED, UNDRAWN
from rtsynth.engine.state import state_at
from rtsynth.engine.voice import FREE

__all__ = ["ASLEEP", "END", "PRESENT", "TURN", "WORDS", "render_voices", "work_off"]

WORDS = 8
"""Numbers in a cache line; what several threads write stands on a line of its own."""

TURN, ASLEEP, PRESENT, END = (WORDS * i for i in range(4))
"""Places in `State.crew`: calls for help so far, helpers asleep, helpers there, 1 at the end."""

DEALT = 1  # beside the number of voices left in a share: how many there were
GROUP = 4  # neighbouring voices in one share: their records fill whole cache lines
SPIN_NS = 20_000  # to wait for a helper before its core may be wanted by others
OUTCOMES = 4


@state_kernel
def _claim(st: Any, share: int) -> int:
    """A voice of this share that nobody has begun, now the caller's; −1 if there is none."""
    if load_acquire(st.left, WORDS * share) <= 0:
        return -1
    at = fetch_add(st.left, WORDS * share, -1) - 1
    return int(st.queue[share, at]) if at >= 0 else -1


@state_kernel
def _hand_in(st: Any, v: int) -> None:
    """Lay the part just made where the audio thread finds it."""
    for n in range(TICK):
        st.monos[v, n] = st.mono[n]
    for k in range(LINE):
        st.lines[v, k] = st.line[k]
    # the tick is that of the claim, which nobody can leave before this
    tick = st.core[0].tick_frame + TICK
    store_release(st.marks, WORDS * v, OUTCOMES * tick + st.told[OUTCOME])


@door
def work_off(address: int, core: int) -> None:
    """Make parts until none is left that nobody has begun, those of one's own share first."""
    st = state_at(address)
    shares = st.queue.shape[0]
    for i in range(shares):
        share = (core + i) % shares
        v = _claim(st, share)
        while v >= 0:
            make_part(st, v)
            _hand_in(st, v)
            st.told[COUNT] += 1
            v = _claim(st, share)


@state_kernel
def _alone(st: Any) -> int:
    """Render every voice that sounds; how many do."""
    core = st.core[0]
    sounding = 0
    for v in range(st.voices.shape[0]):
        if st.voices[v].state != FREE:
            sounding += 1
            render_voice(st, v)
    core.parts += sounding
    core.own_parts += sounding
    core.cores = 1
    return sounding


@state_kernel
def _is_shared(st: Any, v: int) -> bool:
    """Whether any core may render voice v."""
    return st.core[0].ahead == 0 or st.voices[v].hand == ENGINE


@state_kernel
def _deal(st: Any, cores: int) -> int:
    """List the voices that sound, and deal those that may be shared; how many sound."""
    sounding = 0
    for k in range(cores):
        st.left[WORDS * k + DEALT] = 0
    for v in range(st.voices.shape[0]):
        if st.voices[v].state == FREE:
            continue
        st.dealt[sounding] = v
        sounding += 1
        if _is_shared(st, v):
            share = v // GROUP % cores
            at = WORDS * share + DEALT
            st.queue[share, st.left[at]] = v
            st.left[at] += 1
    for k in range(cores):
        store_release(st.left, WORDS * k, st.left[WORDS * k + DEALT])
    return sounding


@state_kernel
def _call(st: Any) -> None:
    """Say that there is work; wake who sleeps."""
    fetch_add(st.crew, TURN, 1)
    if fetch_add(st.crew, ASLEEP, 0) > 0:
        wake_all(st.crew, TURN)


@state_kernel
def _await(st: Any, v: int) -> int:
    """How the part of voice v came out, once it is there."""
    core = st.core[0]
    tick = core.tick_frame + TICK
    mark = load_acquire(st.marks, WORDS * v)
    if mark // OUTCOMES == tick:
        return int(mark % OUTCOMES)
    began, spent = now_ns(), 0
    while mark // OUTCOMES != tick:
        relax()
        if now_ns() - began > SPIN_NS:  # it may want this very core
            if spent == 0:
                spent = spent_ns()
                core.away_ns -= now_ns()
            yield_thread()
        mark = load_acquire(st.marks, WORDS * v)
    ended = now_ns()
    core.waited_ns += ended - began
    if spent != 0:
        core.away_ns += ended - (spent_ns() - spent)
    return int(mark % OUTCOMES)


@state_kernel
def _add_up(st: Any, sounding: int) -> None:
    """Add the parts to the bus in the order of their voices."""
    for i in range(sounding):
        v = int(st.dealt[i])
        if _is_shared(st, v):
            add_part(st, v, st.monos[v], st.lines[v], _await(st, v))
        else:
            render_voice(st, v)


@state_kernel
def _together(st: Any, cores: int) -> int:
    """Render every voice that sounds with whoever helps; how many do."""
    core = st.core[0]
    sounding = _deal(st, cores)
    if sounding > 1:
        _call(st)
    st.told[COUNT] = 0
    work_off(st, 0)
    _add_up(st, sounding)
    own = st.told[COUNT]
    core.parts += sounding
    core.own_parts += own
    core.helped += sounding - own
    core.cores = cores
    return sounding


@state_kernel
def render_voices(st: Any) -> int:
    """One tick of every voice into the bus; how many sound. Thread: audio."""
    core = st.core[0]
    helpers = 0
    if core.helping != 0:
        helpers = min(load_acquire(st.crew, PRESENT), st.queue.shape[0] - 1)
    sounding = _together(st, helpers + 1) if helpers > 0 else _alone(st)
    core.thinned += st.tally[THINNED]
    core.undrawn += st.tally[UNDRAWN]
    st.tally[THINNED] = 0
    st.tally[UNDRAWN] = 0
    return sounding
