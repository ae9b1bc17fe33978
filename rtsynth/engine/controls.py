"""A voice's controls on their way to where its event wants them. Thread: audio."""

from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.modal import CONTROLS
from rtsynth.dsp.ramp import ease
from rtsynth.engine.voice import (
    BANK_BRIGHT,
    BANK_DAMP,
    BANK_TRANSPOSE,
    TICKS_LEFT,
    target_controls,
)

__all__ = ["move_controls"]


@kernel()
def move_controls(st: Any, v: int) -> bool:
    """One tick's step of the voice's controls to their targets; whether the modes must bend."""
    voice = st.voices[v]
    slot = st.slots[voice.slot]
    if voice.version != slot.version:
        voice.version = slot.version
        voice.ramp_ticks = st.core[0].smooth_ticks
    moving = max(
        st.params[BANK_TRANSPOSE, TICKS_LEFT],
        st.params[BANK_DAMP, TICKS_LEFT],
        st.params[BANK_BRIGHT, TICKS_LEFT],
    )
    if moving >= 0.0 and voice.ramp_ticks == 0:
        voice.ramp_ticks = 1
    if voice.ramp_ticks == 0:
        return slot.vibrato_depth > 0.0
    share = ease(float(voice.ramp_ticks), float(st.core[0].smooth_ticks))
    target = st.work64[2][:CONTROLS]
    target_controls(st, v, target)
    for k in range(CONTROLS):
        st.controls[v, k] += (target[k] - st.controls[v, k]) * share
    for k in range(st.vectors.shape[1]):
        st.voice_vectors[v, k] += (st.vectors[voice.slot, k] - st.voice_vectors[v, k]) * share
    voice.ramp_ticks -= 1
    return True
