"""The score's events in the order of their onsets. Thread: audio."""

import math
from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.controls import TEXTURE
from rtsynth.engine.patch import BANK_DAMP, NOW
from rtsynth.events.table import LONGEST_BACKWARDS_S

__all__ = ["enter_order", "leave_order", "position_of", "score_end", "support"]


@state_kernel
def position_of(st: Any, onset: float, event: int) -> int:
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
    at = position_of(st, slot.onset, slot.id)
    for i in range(core.order_count, at, -1):
        st.order[i] = st.order[i - 1]
    st.order[at] = slot_index
    core.order_count += 1
    core.chase += 1 if at < core.chase else 0
    core.cursor = position_of(st, core.position, -1)


@state_kernel
def leave_order(st: Any, slot_index: int) -> None:
    """Take an event out of the score."""
    core = st.core[0]
    slot = st.slots[slot_index]
    at = position_of(st, slot.onset, slot.id)
    if at >= core.order_count or st.order[at] != slot_index:
        return
    core.order_count -= 1
    core.chase -= 1 if at < core.chase else 0
    for i in range(at, core.order_count):
        st.order[i] = st.order[i + 1]
    core.cursor = position_of(st, core.position, -1)


@kernel()
def support(st: Any, slot: Any) -> float:
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
        length = support(st, slot)
        end = max(end, slot.onset + (length if length < math.inf else 0.0))
    return end
