"""A tick's voices shared out among processor cores: dealt, rendered side by side, added in order.

Neighbouring voices make a group, which one core renders into one sum. Every core has a share of
the groups, and begins with its own: a voice stays on one core as long as nobody runs idle, and its
modes in that core's cache. Who is done takes over groups of others that nobody has begun. So the
audio thread never waits for a helper that has not come; for one in the middle of a group it must.

Within a group the voices are added in their order, then the groups in theirs, on one core as on
many: the samples do not depend on who rendered what, nor on how many there are. Groups with voices
that a grain worker renders too are the audio thread's. Thread: audio, helper.
"""

from typing import Any

from rtsynth.dsp.atomic import CACHE_LINE, exchange, fetch_add, prefetch, relax
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import load_acquire, now_ns, spent_ns, store_release
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.pour import pour
from rtsynth.dsp.sleep import sleep_while, wake_all, yield_thread
from rtsynth.engine.blow import fetch_noise
from rtsynth.engine.compile import door, state_kernel
from rtsynth.engine.controls import fetch_curves
from rtsynth.engine.layout import GROUP
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.part import COUNT, KEPT, MAD, OUTCOME, render_voice
from rtsynth.engine.record import ENGINE, THINNED, UNDRAWN
from rtsynth.engine.state import state_at
from rtsynth.engine.voice import FREE, notify

__all__ = ["ASLEEP", "FINISH", "PRESENT", "TURN", "render_voices", "work_off"]

WORDS = CACHE_LINE // 8
"""Numbers in a cache line; what several threads write stands on a line of its own."""

TURN, ASLEEP, PRESENT, FINISH = (WORDS * i for i in range(4))
"""Places in `State.crew`: calls so far, 1 once a helper sleeps, helpers there, 1 at the end."""

DEALT = 1  # beside the number of groups left in a share: how many there were
SPIN_NS = 20_000  # to wait for a helper that has its core …
YIELD_NS = 100_000  # … that may want this one, at the same priority …
NAP_NS = 20_000  # … at a lower
AHEAD = 2  # groups whose sums are fetched before they are needed
NAN, END = int(NoticeKind.NAN), int(NoticeKind.END)

# what a group's voices came to, as one number: their outcomes, 2 bits each, and how many sounded
OUTCOME_BITS = 2
SOUNDED = 1 << OUTCOME_BITS * GROUP
RESULTS = 1 << 24


@state_kernel
def _render_group(st: Any, group: int) -> int:
    """Add one tick of a group's voices to st.sum, which is silent; what they came to."""
    result = 0
    first = GROUP * group
    count = min(GROUP, st.voices.shape[0] - first)
    for i in range(count):
        if i + 1 < count and st.voices[first + i + 1].state != FREE:
            fetch_curves(st, first + i + 1)
            fetch_noise(st, first + i + 1)
        if st.voices[first + i].state != FREE:
            render_voice(st, first + i)
            result += SOUNDED + (st.told[OUTCOME] << OUTCOME_BITS * i)
    return result


@state_kernel
def _tell_end(st: Any, v: int, outcome: int) -> None:
    """Tell how a voice ended that is free by now."""
    core = st.core[0]
    event = st.slots[st.voices[v].slot].id
    if outcome == MAD:
        core.nans += 1
        notify(st, NAN, core.tick_frame, event, 0, 0.0)
    else:
        notify(st, END, core.tick_frame + TICK, event, 0, 0.0)


@state_kernel
def _tell_ends(st: Any, group: int, result: int) -> None:
    """Tell who ended; nobody looks at a group again in which nobody goes on."""
    left = result // SOUNDED
    for i in range(GROUP):
        outcome = (result >> (OUTCOME_BITS * i)) % (1 << OUTCOME_BITS)
        if outcome != KEPT:
            left -= 1
            _tell_end(st, GROUP * group + i, outcome)
    if left == 0:
        st.occupied[group] = 0


@kernel()
def _take_in(st: Any, group: int, found: Any, result: int) -> int:
    """Add what a group adds up to to the bus, tell who ended; how many sounded."""
    bus = st.bus
    for c in range(bus.shape[0]):
        pour(found[c], bus[c])
    sounded = result // SOUNDED
    if result % SOUNDED != 0:
        _tell_ends(st, group, result)
    return int(sounded)


@state_kernel
def _render_alone(st: Any, group: int) -> int:
    """One tick of a group's voices into the bus; how many sounded."""
    result = _render_group(st, group)
    st.told[COUNT] += result // SOUNDED
    return int(_take_in(st, group, st.sum, result))


@state_kernel
def _claim(st: Any, share: int) -> int:
    """A group of this share that nobody has begun, now the caller's; −1 if there is none."""
    if load_acquire(st.left, WORDS * share) <= 0:
        return -1
    at = fetch_add(st.left, WORDS * share, -1) - 1
    return int(st.queue[share, at]) if at >= 0 else -1


@state_kernel
def _hand_in(st: Any, group: int, result: int) -> None:
    """Lay what was just rendered where the audio thread finds it."""
    found, out = st.sum, st.sums[group]  # silent since the audio thread took in what was there
    for c in range(out.shape[0]):
        pour(found[c], out[c])
    tick = st.core[0].tick_frame + TICK  # it is not over before this is handed in
    store_release(st.marks, WORDS * group, RESULTS * tick + result)


@door
def work_off(address: int, core: int) -> None:
    """Render until no group is left that nobody has begun, those of one's own share first."""
    st = state_at(address)
    shares = st.queue.shape[0]
    for i in range(shares):
        share = (core + i) % shares
        group = _claim(st, share)
        while group >= 0:
            result = _render_group(st, group)
            st.told[COUNT] += result // SOUNDED
            _hand_in(st, group, result)
            group = _claim(st, share)


@state_kernel
def _is_shared(st: Any, group: int) -> bool:
    """Whether any core may render this group."""
    if st.core[0].ahead > 0:
        first = GROUP * group
        for v in range(first, min(first + GROUP, st.voices.shape[0])):
            if st.voices[v].state != FREE and st.voices[v].hand != ENGINE:
                return False
    return True


@state_kernel
def _deal(st: Any, cores: int) -> int:
    """Deal the groups that may be shared, each to the same core in every tick; how many."""
    dealt = 0
    for k in range(cores):
        st.left[WORDS * k + DEALT] = 0
    for group in range(st.occupied.shape[0]):
        if st.occupied[group] != 0 and _is_shared(st, group):
            share = group % cores
            at = WORDS * share + DEALT
            st.queue[share, st.left[at]] = group
            st.left[at] += 1
            dealt += 1
    for k in range(cores):
        store_release(st.left, WORDS * k, st.left[WORDS * k + DEALT])
    return dealt


@state_kernel
def _call(st: Any) -> None:
    """Say that there is work; wake who sleeps, once."""
    asleep = exchange(st.crew, ASLEEP, 0)
    fetch_add(st.crew, TURN, 1)
    if asleep != 0:
        wake_all(st.crew, TURN)


@state_kernel
def _await(st: Any, group: int) -> int:
    """What a group came to, once it has been handed in."""
    core = st.core[0]
    tick = core.tick_frame + TICK
    mark = load_acquire(st.marks, WORDS * group)
    if mark // RESULTS == tick:
        return int(mark % RESULTS)
    began, spent = now_ns(), 0
    while mark // RESULTS != tick:
        relax()
        waited = now_ns() - began
        if waited > SPIN_NS and spent == 0:
            spent = spent_ns()
            core.away_ns -= now_ns()
        if waited > YIELD_NS:
            sleep_while(st.marks, WORDS * group, mark, NAP_NS)
        elif waited > SPIN_NS:
            yield_thread()
        mark = load_acquire(st.marks, WORDS * group)
    ended = now_ns()
    core.waited_ns += ended - began
    if spent != 0:
        core.away_ns += ended - (spent_ns() - spent)
    return int(mark % RESULTS)


@state_kernel
def _fetch(st: Any, group: int) -> None:
    """Begin to fetch what another core may have written."""
    if group < st.occupied.shape[0] and st.occupied[group] != 0:
        prefetch(st.marks, WORDS * group)
        sums = st.sums[group]
        for c in range(sums.shape[0]):
            for n in range(0, TICK, TICK // 2):
                prefetch(sums[c], n)


@state_kernel
def _together(st: Any, cores: int) -> int:
    """Render every voice that sounds with whoever helps; how many do."""
    if _deal(st, cores) > 1:
        _call(st)
    work_off(st, 0)
    sounding = 0
    for group in range(st.occupied.shape[0]):
        _fetch(st, group + AHEAD)
        if st.occupied[group] == 0:
            continue
        if _is_shared(st, group):
            sounding += _take_in(st, group, st.sums[group], _await(st, group))
        else:
            sounding += _render_alone(st, group)
    return sounding


@state_kernel
def _alone(st: Any) -> int:
    """Render every voice that sounds; how many do."""
    sounding = 0
    for group in range(st.occupied.shape[0]):
        if st.occupied[group] != 0:
            sounding += _render_alone(st, group)
    return sounding


@state_kernel
def render_voices(st: Any) -> int:
    """One tick of every voice into the bus; how many sound. Thread: audio."""
    core = st.core[0]
    helpers = 0
    if core.helping != 0:
        helpers = min(load_acquire(st.crew, PRESENT), st.queue.shape[0] - 1)
    st.told[COUNT] = 0
    sounding = _together(st, helpers + 1) if helpers > 0 else _alone(st)
    core.cores = helpers + 1
    core.rendered += sounding
    core.own += st.told[COUNT]
    core.helped += sounding - st.told[COUNT]
    core.thinned += st.tally[THINNED]
    core.undrawn += st.tally[UNDRAWN]
    st.tally[THINNED] = 0
    st.tally[UNDRAWN] = 0
    return sounding
