"""The transport: plays the score, each event on its frame, with seek, loop and tempo.

Thread: audio.
"""

import math
from typing import Any

from rtsynth.engine.chase import begin_chase
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.order import position_of
from rtsynth.engine.patch import NOW, TEMPO
from rtsynth.engine.voice import FREE, let_die, start_voice

__all__ = ["play", "roll", "seek"]

SHORTEST_LOOP = 64.0  # frames


@state_kernel
def play(st: Any) -> None:
    """Start the transport from where it stands."""
    core = st.core[0]
    if core.playing == 0:
        core.playing = 1
        begin_chase(st)


@state_kernel
def seek(st: Any, position: float, first: int) -> None:
    """Go to a position in frames of the score: what it had started fades, the rest is chased."""
    core = st.core[0]
    for v in range(st.voices.shape[0]):
        voice = st.voices[v]
        if voice.state != FREE and voice.from_score != 0:
            let_die(st, voice, first)
    core.position = position
    begin_chase(st)


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
        core.cursor = position_of(st, core.loop_begin, -1)
        core.chase_wrapped += core.loop_end - core.loop_begin
