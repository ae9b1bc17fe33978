"""One tick of a texture voice: noise by overlap-add, clicks in its modes, hum.

Thread: audio, helper.
"""

import math
from typing import Any

from rtsynth.dsp.click import (
    CELLS_PER_S,
    MAX_CLICKS,
    clicks_before,
    drive_clicks,
    open_clicks,
)
from rtsynth.dsp.hum import add_hum
from rtsynth.dsp.modal import (
    TICK,
    drive_modes,
    drive_tick,
    ring_modes,
)
from rtsynth.dsp.registers import G0, G1, PI, PR, ZI, ZR
from rtsynth.dsp.texture import (
    HOP,
    grain_lead,
    overlap_add,
    silence_before,
    take_out,
    texture_grain,
)
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.controls import bend_voice, move_controls
from rtsynth.engine.voice import let_die

__all__ = ["render_texture"]

SILENT = 1e-9
"""Modes below it rest at 0 until the next click: ever smaller numbers are slow to compute."""

OPEN_CLICKS, OPEN_WORK = 256, 16_384
"""A texture opened in its middle hears at most its last 256 clicks, fewer with many modes."""

OPEN_LONGEST_S = 30.0
OPEN_NEPERS = math.log(10.0) * 5.0
"""How far back it listens: until its longest mode has fallen by 100 dB."""


@state_kernel
def _add_grain(st: Any, v: int, index: int) -> None:
    voice = st.voices[v]
    texture_grain(
        voice.seed,
        index,
        st.texture_gain[voice.resonance],
        st.voice_vectors[v],
        st.am_depth_db[voice.resonance],
        st.textures[voice.resonance].am_rate,
        st.band_weights,
        st.band_spans,
        st.fft_tables,
        st.spectrum,
    )
    overlap_add(st.spectrum[0], st.window, index * HOP, st.rings[v])


@state_kernel
def _open_noise(st: Any, v: int, age: int, end: int) -> None:
    """Fill the ring with what sounds from this age on, of all grains that begin before `end`."""
    ring = st.rings[v]
    for i in range(ring.shape[0]):
        ring[i] = 0.0
    for index in range(age // HOP - 1, (end - 1) // HOP + 1):
        _add_grain(st, v, index)
    silence_before(age, ring)


@state_kernel
def _click(st: Any, v: int, first: int, moved: bool) -> None:
    """Let this tick's clicks ring in the modes, into st.mono."""
    voice = st.voices[v]
    texture = st.textures[voice.resonance]
    modes, drive, out = st.modes[v], st.drive[1], st.rung
    age = st.core[0].tick_frame - voice.onset
    for n in range(TICK):
        drive[n] = 0.0
    count = drive_clicks(
        voice.seed,
        age + first,
        age + TICK,
        texture.click_rate,
        st.core[0].sample_rate / CELLS_PER_S,
        texture.click_spread_db,
        texture.click_gain,
        drive[first:],
    )
    if moved:
        bend_voice(st, v)
    if first > 0:
        level = drive_modes(modes, voice.modes, drive, first, TICK, out)
    elif count > 0 or moved:
        level = drive_tick(modes, voice.modes, drive, out)
    else:
        level = ring_modes(modes, voice.modes, out)
    for n in range(first, TICK):
        st.mono[n] += out[n]
    if level < SILENT:
        for m in range(voice.modes):
            modes[ZR, m] = 0.0
            modes[ZI, m] = 0.0


@state_kernel
def _open_clicks(st: Any, v: int, age: int) -> None:
    """Set the modes to what the clicks before this age have left in them."""
    voice = st.voices[v]
    texture = st.textures[voice.resonance]
    modes = st.modes[v]
    bend_voice(st, v)
    radius = 0.0
    for m in range(voice.modes):
        modes[G0, m] = modes[G1, m]
        radius = max(radius, modes[PR, m] ** 2 + modes[PI, m] ** 2)
    if age <= 0:
        return
    longest = OPEN_LONGEST_S * st.core[0].sample_rate
    reach = min(OPEN_NEPERS / max(-0.5 * math.log(radius), 1e-12), longest)
    count = clicks_before(
        voice.seed,
        age,
        reach,
        texture.click_rate,
        st.core[0].sample_rate / CELLS_PER_S,
        texture.click_spread_db,
        texture.click_gain,
        min(OPEN_CLICKS, max(OPEN_WORK // voice.modes, MAX_CLICKS)),
        st.work64,
    )
    open_clicks(st.work64, count, voice.modes, modes)


@state_kernel
def render_texture(st: Any, v: int, first: int) -> None:
    """One tick of a texture voice into st.mono."""
    voice = st.voices[v]
    texture = st.textures[voice.resonance]
    moved = move_controls(st, v)
    age = st.core[0].tick_frame - voice.onset
    clicking = texture.click_rate > 0.0 and texture.click_gain > 0.0 and voice.modes > 0
    end = age + TICK + grain_lead(voice.seed)
    if voice.driven != 0:
        voice.driven = 0
        _open_noise(st, v, age + first, end)
        if clicking:
            _open_clicks(st, v, age + first)
    elif (end - 1) // HOP != (end - TICK - 1) // HOP:  # a grain's turn has come
        _add_grain(st, v, (end - 1) // HOP)
    take_out(age, first, st.rings[v], st.blown)
    blown, mono = st.blown, st.mono
    for n in range(TICK):
        mono[n] += blown[n]
    if clicking:
        _click(st, v, first, moved)
    if texture.hums > 0:
        add_hum(st.hums[voice.resonance], texture.hums, age, st.core[0].sample_rate, first, st.mono)
    voice.level = 1.0
    if voice.release < st.core[0].tick_frame + TICK:
        let_die(st, voice, max(first, math.ceil(voice.release) - st.core[0].tick_frame))
