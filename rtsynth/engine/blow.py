"""One tick of a blown voice's noise: bands shaped by the field's curves, by overlap-add.

Grain k covers frames k·HOP … k·HOP + GRAIN since the onset and has the curves of its centre; its
noise is keyed by the event's seed. Noise that does not die away by itself has no grain −1: it fades
in with grain 0, within a hop, for one cut off at the onset clicks. Thread: audio, helper.
"""

import math
from typing import Any

import numpy as np

from rtsynth.dsp.atomic import LINE, prefetch
from rtsynth.dsp.bend import DAMP, STRETCH
from rtsynth.dsp.blown import blown_grain
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.mix import add_scaled
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.ramp import apply_line
from rtsynth.dsp.texture import (
    DB_PER_OCTAVE,
    HOP,
    grain_lead,
    overlap_add,
    silence_before,
    take_out,
)
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.controls import bands_at, is_blown
from rtsynth.engine.patch import BEFORE, BLOW_LEVEL, DRAWN_DRY, DRAWN_WET, NOW

__all__ = ["blow", "fetch_noise"]

SILENT_DB = -1e4


@state_kernel
def _add_grain(st: Any, v: int, index: int, age: int) -> None:
    """Grain `index`, drawn while the voice is `age` frames old."""
    voice = st.voices[v]
    drawn = st.drawn[v]
    centre = voice.age + (index * HOP + HOP - age) * st.controls[v, STRETCH]
    bands_at(st, v, centre, drawn)
    aged = max(centre, 0.0) / st.controls[v, DAMP]
    for b in range(st.band_db.shape[0]):
        fall = st.blow_fall[voice.resonance, b]
        st.band_db[b] = drawn[b] * DB_PER_OCTAVE - fall * aged
        if index < 0 and fall == 0.0:
            st.band_db[b] = SILENT_DB
    blown_grain(
        voice.seed,
        index,
        st.blow_gain[voice.resonance],
        st.band_db,
        st.band_weights,
        st.band_spans,
        st.window,
        st.fft_tables,
        st.spectrum,
    )
    overlap_add(st.spectrum[0], st.window, index * HOP, st.rings[v])


@state_kernel
def _open_ring(st: Any, v: int, age: int, end: int) -> None:
    """Fill the ring with what sounds from this age on, of all grains that begin before `end`."""
    ring = st.rings[v]
    for i in range(ring.shape[0]):
        ring[i] = 0.0
    for index in range(age // HOP - 1, (end - 1) // HOP + 1):
        _add_grain(st, v, index, age)
    silence_before(age, ring)


@kernel()
def _fade_released(st: Any, faded: int, noise: Any) -> None:
    """Fade out a tick that begins `faded` frames after the release, before it if negative."""
    for n in range(max(-faded, 0), TICK):
        at = faded + n
        noise[n] *= 1.0 - st.fade[at] if at < st.fade.shape[0] else 0.0


@state_kernel
def fetch_noise(st: Any, v: int) -> None:
    """Begin to fetch the tick of its ring that a blown voice plays next; it has long been idle."""
    if not is_blown(st, v):
        return
    ring = st.rings[v]
    at = st.core[0].tick_frame - st.voices[v].onset
    for n in range(0, TICK + LINE, LINE):
        prefetch(ring, (at + n) % ring.shape[0])


@state_kernel
def blow(st: Any, v: int, first: int) -> None:
    """Add the dry noise of frames first … TICK to st.mono and the wet to st.drive[1].

    After the release it fades out within the 5 ms of every fade.
    """
    voice = st.voices[v]
    res = st.resonances[voice.resonance]
    age = st.core[0].tick_frame - voice.onset
    end = age + TICK + grain_lead(voice.seed)
    if voice.blowing == 0:
        voice.blowing = 1
        _open_ring(st, v, age + first, end)
    elif (end - 1) // HOP != (end - TICK - 1) // HOP:  # a grain's turn has come
        _add_grain(st, v, (end - 1) // HOP, age)
    noise = st.blown
    take_out(age, first, st.rings[v], noise)
    apply_line(st.params[BLOW_LEVEL, BEFORE], st.params[BLOW_LEVEL, NOW], noise)
    if voice.release < st.core[0].tick_frame + TICK:
        _fade_released(st, age - (math.ceil(voice.release) - voice.onset), noise)
    dry = np.float32(res.blow_dry * 2.0 ** st.drawn[v, DRAWN_DRY])
    wet = res.blow_wet * 2.0 ** st.drawn[v, DRAWN_WET]
    add_scaled(noise, dry, st.mono)
    if wet > 0.0:
        add_scaled(noise, wet, st.drive[1])
