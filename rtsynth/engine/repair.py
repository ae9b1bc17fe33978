"""An arena whose process was killed in the middle of anything, made whole again.

Whatever can be told from something else is built anew: the order from the slots, the heap from its
commands, counts by counting. What is a matter of taste is made safe: filters and delays are silent,
ring indices that only the dead process used begin anew. Events, parameters, the transport and the
commands that wait are what they were. A command being carried out at that moment is carried out
again. Nobody renders meanwhile; control may go on with its ends of inbox and outbox.
Thread: main, of a process that is about to render.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.modal import TICK
from rtsynth.engine.ends import push
from rtsynth.engine.layout import State
from rtsynth.engine.ops import NoticeKind, Op
from rtsynth.engine.patch import (
    FIELD_LEVEL,
    MASTER_MUTE,
    NOW,
    TARGET,
    TICKS_LEFT,
)
from rtsynth.engine.record import NOTHING
from rtsynth.engine.ring import READ, WRITTEN
from rtsynth.engine.voice import FREE, SOUNDING
from rtsynth.params import PARAMS

__all__ = ["Alive", "repair", "tell_end"]

MOST_VELOCITY = 4.0
WORKERS = (int(Op.CACHE), int(Op.RETIRE), int(Op.PROTOTYPE))
STARTING = (int(Op.TRIGGER), int(Op.PLAY))


class Alive(NamedTuple):
    """What a voice was playing."""

    slot: int
    onset: int
    velocity: float
    from_score: int


def repair(state: State, *, silent: bool = False) -> list[Alive]:
    """Repair everything; returns what sounded, oldest first, in voices that are now free.

    Args:
        state: of a stream that nobody renders.
        silent: let nothing sound any more: no voice, no transport, no trigger that waits.
    """
    core = state.core[0]
    core["clock_count"] += core["clock_count"] % 2
    core["tick_frame"] -= core["tick_frame"] % TICK
    core["frame"] = core["tick_frame"]
    if silent:
        core["playing"] = 0
    _calm(state)
    _repair_schedule(state, silent)
    _repair_score(state)
    _repair_params(state)
    _repair_caches(state)
    _repair_bus(state)
    _repair_grains(state)
    _repair_crew(state)
    alive = _take_voices(state, silent)
    return sorted(alive, key=lambda voice: voice.onset)


def _calm(state: State) -> None:
    """No step of the overload ladder: what reopens shall not be turned away for it."""
    core = state.core[0]
    if core["overload"] > 0:
        _tell(state, NoticeKind.CALMED, -1)
    for name in ("overload", "full_blocks", "hot_frames", "cool_frames", "shed_frames", "strain"):
        core[name] = 0


def _tell(state: State, kind: NoticeKind, event: int, request: int = 0) -> None:
    frame = int(state.core[0]["frame"])
    push(state.outbox, state.outbox_at, (kind, 0, frame, event, request, 0.0))


def tell_end(state: State, slot: int) -> None:
    """That an event sounds no more."""
    _tell(state, NoticeKind.END, int(state.slots[slot]["id"]))


def _repair_schedule(state: State, silent: bool) -> None:
    """The heap of what waits, without what is in the inbox still, with what was being done."""
    core, heap = state.core[0], state.pending
    waiting = heap[: min(int(core["pending_count"]) + 1, len(heap))].copy()  # one may be moving
    doing = state.command.copy()
    _finish(state, doing[0])
    found = np.concatenate([waiting, doing])
    found = found[np.unique(found["sequence"], return_index=True)[1]]
    legal = (found["sequence"] > 0) & (found["sequence"] <= core["sequence"])
    legal &= ~np.isin(found["sequence"], _unread(state.inbox, state.inbox_at)["sequence"])
    legal &= ~np.isin(found["op"], WORKERS) & (found["op"] >= 0) & (found["op"] <= max(Op))
    if silent:
        starting = legal & np.isin(found["op"], STARTING)
        legal &= ~starting
        for command in found[starting & (found["request"] != 0)]:
            _tell(state, NoticeKind.REFUSED, -1, int(command["request"]))
    found = found[legal][: len(heap)]
    found = found[np.lexsort((found["sequence"], found["frame"]))]
    heap["sequence"] = 0
    heap[: len(found)] = found
    core["pending_count"] = len(found)
    state.command["sequence"] = 0
    state.drawing_at[READ] = state.drawing_at[WRITTEN]  # a new worker says it anew


def _unread(ring: NDArray[Any], at: NDArray[np.int64]) -> NDArray[Any]:
    return ring[np.arange(at[READ], at[WRITTEN]) % len(ring)]


def _finish(state: State, doing: Any) -> None:
    """End by hand what may be half done and cannot be done twice."""
    target = int(doing["target"])
    if doing["sequence"] <= 0 or not 0 <= target < len(state.slots):
        return
    slot = state.slots[target]
    if doing["op"] == Op.ACTIVATE:
        slot["used"] = 1
        doing["op"] = Op.SYNC
    elif doing["op"] == Op.FREE and slot["used"] == 0:
        slot["cache"], slot["solo"], slot["freeing"] = -1, 0, 1


def _repair_score(state: State) -> None:
    """Order, cursor and counts, from the slots."""
    core, slots = state.core[0], state.slots
    used = np.flatnonzero(slots["used"])
    order = used[np.lexsort((slots["id"][used], slots["onset"][used]))]
    state.order[: len(order)] = order
    core["order_count"] = len(order)
    for name in ("position", "loop_begin", "loop_end"):
        if not 0.0 <= core[name] < np.inf:
            core[name] = 0.0
    core["cursor"] = np.searchsorted(slots["onset"][order], core["position"])
    core["chase"] = np.clip(core["chase"], 0, len(order))
    if not 0.0 <= core["chase_wrapped"] < np.inf:
        core["chase_wrapped"] = 0.0
    core["soloed"] = np.count_nonzero(slots["solo"][used])
    core["freeing"] = np.count_nonzero(slots["freeing"])


def _repair_params(state: State) -> None:
    for row, param in zip(state.params, PARAMS, strict=True):
        if not param.minimum <= row[TARGET] <= param.maximum:
            row[TARGET] = param.default
        if not param.minimum <= row[NOW] <= param.maximum:
            row[NOW], row[TICKS_LEFT] = row[TARGET], -1.0
    state.members[:] = state.params[FIELD_LEVEL : FIELD_LEVEL + len(state.members), NOW]


def _repair_caches(state: State) -> None:
    """Keep what slots and prototypes name; nothing else is read, all voices being free."""
    slots, caches = state.slots, state.caches
    drawn = np.append((caches["kept"] != 0) & (caches["drawn"] != NOTHING), False)  # of −1: no
    slots["cache"][~drawn[slots["cache"]]] = -1
    state.prototypes[~drawn[state.prototypes]] = -1
    named = np.concatenate([slots["cache"][slots["used"] != 0], state.prototypes])
    caches["kept"] = 0
    caches["kept"][named[named >= 0]] = 1
    caches["leaving"] = 0
    state.core[0]["retiring"] = 0


def _repair_bus(state: State) -> None:
    """Silence behind, and a fade in from here."""
    core = state.core[0]
    for array in (state.dc, state.bus, state.limiter_delay, state.rings, state.coming, state.heard):
        array[:] = 0.0
    state.limiter[:] = 0.0, 1.0, state.limiter_gains.shape[1]
    state.limiter_gains[:] = 1.0
    core["mute_from"], core["mute_at"] = 0.0, 0
    core["mute_to"] = 1.0 - state.params[MASTER_MUTE, NOW]
    for name in ("load", "load_peak", "peak"):
        core[name] = 0.0


def _repair_grains(state: State) -> None:
    """Rings between engine and grain worker, who are one process; the worker must earn trust."""
    core = state.core[0]
    for array in (state.hops_at, state.grains_at, state.grain, state.ahead):
        array[:] = 0
    state.ahead_limits[:] = 1.0
    for name in ("hop_open", "hop_voices", "late_run", "ready_run", "grains"):
        core[name] = 0


def _repair_crew(state: State) -> None:
    """Nobody helps any more, and nobody is in the middle of a voice."""
    core = state.core[0]
    for array in (
        state.crew,
        state.left,
        state.marks,
        state.tally,
        state.occupied,
        state.sum,
        state.sums,
    ):
        array[:] = 0
    for name in ("rendered", "own", "alone", "calm_frames", "waited_ns", "away_ns"):
        core[name] = 0
    core["helping"] = core["most_cores"] > 1 and core["realtime"] == 0
    core["cores"], core["rest_frames"] = 1, 0


def _take_voices(state: State, silent: bool) -> list[Alive]:
    """Free all voices; what can go on is returned, of the rest the end is told."""
    alive = []
    for v in np.flatnonzero(state.voices["state"] != FREE):
        voice = state.voices[v]
        slot = int(voice["slot"])
        if not 0 <= slot < len(state.slots):
            continue
        if voice["state"] == SOUNDING and _sane(state, voice) and not silent:
            from_score = int(voice["from_score"] != 0)
            alive.append(Alive(slot, int(voice["onset"]), float(voice["velocity"]), from_score))
        else:
            tell_end(state, slot)
    state.voices["state"] = FREE
    return alive


def _sane(state: State, voice: Any) -> bool:
    soonest = int(state.core[0]["tick_frame"]) + TICK
    return bool(
        state.slots[int(voice["slot"])]["used"] == 1
        and voice["onset"] <= voice["begin"] <= soonest
        and 0.0 <= voice["velocity"] <= MOST_VELOCITY
    )
