"""What a voice gives up while the engine is short of time: weak modes, every other bend.

Thread: audio, helper.
"""

from typing import Any

from rtsynth.dsp.atomic import fetch_add
from rtsynth.dsp.bend import INHARM, STRETCH
from rtsynth.dsp.modal import TICK, padded_columns
from rtsynth.dsp.registers import G0, ZI, ZR
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.controls import is_blown, is_bowed, is_toned
from rtsynth.engine.record import THINNED

__all__ = ["bends_now", "thin_voice"]

TICKS = 16  # between two looks at a voice
WEAK = 1e-4  # −80 dB re full scale, what is let go of in one look, added up


@state_kernel
def bends_now(st: Any, v: int) -> bool:
    """Whether voice v gets new poles in this tick: under overload in every other one."""
    core = st.core[0]
    return core.overload == 0 or (core.tick_frame // TICK + v) % 2 == 0


@state_kernel
def _may_thin(st: Any, v: int) -> bool:
    """Whether the modes of voice v can only become weaker."""
    voice = st.voices[v]
    if voice.driven != 0 or is_blown(st, v) or is_bowed(st, v) or is_toned(st, v):
        return False
    return st.controls[v, STRETCH] >= 0.0 and st.controls[v, INHARM] == 0.0


@state_kernel
def thin_voice(st: Any, v: int) -> None:
    """Under overload, let go of the last modes of voice v that together are below −80 dB.

    The resonance's last columns are the weakest modes as a rule. They do not come back: a voice
    that was thinned stays so.
    """
    core = st.core[0]
    voice = st.voices[v]
    if core.overload == 0 or (core.tick_frame // TICK + v) % TICKS != 0 or not _may_thin(st, v):
        return
    modes = st.modes[v]
    left, kept = WEAK / max(voice.gain, 0.05), voice.modes
    while kept > 0:
        left -= modes[G0, kept - 1] * (abs(modes[ZR, kept - 1]) + abs(modes[ZI, kept - 1]))
        if left < 0.0:
            break
        kept -= 1
    whole = padded_columns(kept)  # as many as a tick renders anyway
    if whole < voice.modes:
        fetch_add(st.tally, THINNED, voice.modes - whole)
        voice.modes = whole
