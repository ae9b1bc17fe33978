"""Commands that wait for their frame: a binary heap by (frame, order of arrival). Thread: audio."""

from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.engine.ring import READ, publish_read, readable

__all__ = ["due", "pop_pending", "take_inbox"]


@kernel()
def before(a: Any, b: Any) -> bool:
    """Whether command a is due before command b."""
    return a.frame < b.frame or (a.frame == b.frame and a.sequence < b.sequence)


@kernel()
def copy_command(source: Any, target: Any) -> None:
    """Copy a record field by field (records have no assignment in compiled code)."""
    target.op = source.op
    target.target = source.target
    target.frame = source.frame
    target.request = source.request
    target.sequence = source.sequence
    for i in range(8):
        target.number[i] = source.number[i]


@kernel()
def take_inbox(core: Any, inbox: Any, inbox_at: Any, heap: Any) -> int:
    """Move commands from the inbox into the heap while both allow it.

    A command for no particular frame (negative) is due at once. Returns how many were moved. What
    finds the heap full stays in the inbox: its writer sees a full ring.
    """
    count = readable(inbox_at)
    moved = 0
    while moved < count and core.pending_count < heap.shape[0]:
        source = inbox[(inbox_at[READ] + moved) & (inbox.shape[0] - 1)]
        at = core.pending_count
        core.pending_count += 1
        core.sequence += 1
        source.sequence = core.sequence
        if source.frame < 0:
            source.frame = core.tick_frame
        while at > 0:
            parent = (at - 1) // 2
            if not before(source, heap[parent]):
                break
            copy_command(heap[parent], heap[at])
            at = parent
        copy_command(source, heap[at])
        moved += 1
    publish_read(inbox_at, moved)
    return moved


@kernel()
def due(core: Any, heap: Any, end_frame: int) -> bool:
    """Whether the first command is due before `end_frame`."""
    return core.pending_count > 0 and heap[0].frame < end_frame


@kernel()
def pop_pending(core: Any, heap: Any, out: Any) -> None:
    """Move the first command of a heap that is not empty to `out`."""
    copy_command(heap[0], out)
    core.pending_count -= 1
    count = core.pending_count
    last = heap[count]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and before(heap[child + 1], heap[child]):
            child += 1
        if not before(heap[child], last):
            break
        copy_command(heap[child], heap[at])
        at = child
    if at != count:
        copy_command(last, heap[at])
    last.sequence = 0  # no command stands here any more
