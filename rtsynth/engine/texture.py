"""One tick of a texture voice: noise by overlap-add. Thread: audio."""

import math
from typing import Any

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.texture import HOP, overlap_add, texture_grain
from rtsynth.engine.controls import move_controls
from rtsynth.engine.voice import let_die

__all__ = ["render_texture"]


@kernel()
def render_texture(st: Any, v: int, first: int) -> None:
    """One tick of a texture voice into st.mono."""
    voice = st.voices[v]
    move_controls(st, v)
    ring = st.rings[v]
    age = st.core[0].tick_frame - voice.onset
    if voice.driven != 0:
        voice.driven = 0
        _open_texture(st, v, age + first)
    elif (age + TICK - 1) // HOP != (age - 1) // HOP:  # a grain begins within this tick
        _add_grain(st, v, (age + TICK - 1) // HOP)
    for n in range(first, TICK):
        slot = (age + n) % ring.shape[0]
        st.mono[n] += ring[slot]
        ring[slot] = 0.0
    voice.level = 1.0
    if voice.release < st.core[0].tick_frame + TICK:
        let_die(st, voice, max(first, math.ceil(voice.release) - st.core[0].tick_frame))


@kernel()
def _open_texture(st: Any, v: int, age: int) -> None:
    """Fill the ring with the two grains that sound at this age, and with nothing before it."""
    ring = st.rings[v]
    index = age // HOP
    _add_grain(st, v, index - 1)
    for i in range(HOP):
        ring[((index - 1) * HOP + i) % ring.shape[0]] = 0.0
    _add_grain(st, v, index)
    for i in range(index * HOP, age):
        ring[i % ring.shape[0]] = 0.0


@kernel()
def _add_grain(st: Any, v: int, index: int) -> None:
    voice = st.voices[v]
    texture_grain(
        voice.seed,
        index,
        st.texture_gain[voice.resonance],
        st.voice_vectors[v],
        st.band_weights,
        st.twiddles,
        st.work64,
    )
    position = (index * HOP) % st.rings.shape[1]
    overlap_add(st.work64[0], st.window, position, st.rings[v])
