"""After a seek: opens the events in whose middle it landed, a few in every tick. Thread: audio."""

from typing import Any

from rtsynth.engine.compile import state_kernel
from rtsynth.engine.order import position_of, support
from rtsynth.engine.patch import NOW, TEMPO
from rtsynth.engine.voice import FREE, SHEDDING, SOUNDING, count_voices, start_voice

__all__ = ["begin_chase", "chase"]

OPENED_PER_TICK = 2  # each follows its past, which takes some 20 … 100 µs
LOOKED_AT_PER_TICK = 512  # events of a long score


@state_kernel
def _is_sounding(st: Any, slot_index: int) -> bool:
    """Whether a voice of the event sounds that is not dying."""
    for v in range(st.voices.shape[0]):
        if st.voices[v].state == SOUNDING and st.voices[v].slot == slot_index:
            return True
    return False


@state_kernel
def begin_chase(st: Any) -> None:
    """Stand at the position: what begins there falls due, what began before it may be opened."""
    core = st.core[0]
    core.cursor = position_of(st, core.position, -1)
    core.chase = core.cursor
    core.chase_wrapped = 0.0
    core.chases += 1


@state_kernel
def chase(st: Any) -> None:
    """Open some of the events that began before the position, still sound and have no voice yet.

    Called at the start of every tick. After a seek the latest come first, so few in a tick that
    many cost no block its time; each at the age that it then has, and fading in. Dying voices are
    waited for, none that sounds is stolen, half of the spare ones are left to triggers, and an
    overload is let pass.
    """
    core = st.core[0]
    if core.playing == 0 or core.overload >= SHEDDING:
        return
    spare = st.voices.shape[0] - core.max_voices
    opened, looked_at = 0, 0
    while core.chase > 0 and opened < OPENED_PER_TICK and looked_at < LOOKED_AT_PER_TICK:
        slot_index = st.order[core.chase - 1]
        slot = st.slots[slot_index]
        age = (core.position + core.chase_wrapped - slot.onset) / st.params[TEMPO, NOW]
        looked_at += 1
        covered = 0.0 <= age < support(st, slot) and slot.choked != core.chases
        if covered and not _is_sounding(st, slot_index):
            if count_voices(st, SOUNDING) >= core.max_voices:
                core.chase = 0
                return
            if count_voices(st, FREE) <= spare // 2:
                return
            start_voice(st, slot_index, 0, 1.0, 1, int(age))
            opened += 1
        core.chase -= 1
