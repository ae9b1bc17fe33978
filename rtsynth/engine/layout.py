"""What lies where in the arena: every array of the engine's state by name, type and shape.

The manifest is the only description of the memory; Python and compiled code both build their views
from it, and a memory-mapped file can hold it for two processes. Thread: main.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.atomic import CACHE_LINE
from rtsynth.dsp.bend import CONTROLS
from rtsynth.dsp.draw import SEGMENT_POINTS
from rtsynth.dsp.fft import BINS, GRAIN
from rtsynth.dsp.grain import COLUMNS, HOP_TICKS
from rtsynth.dsp.grain import HOP as GRAIN_HOP
from rtsynth.dsp.modal import MODE_ALIGN, ROWS, TICK
from rtsynth.engine.record import (
    CACHE_DTYPE,
    COMMAND_DTYPE,
    CORE_DTYPE,
    GRAIN_DTYPE,
    HOP_DTYPE,
    NOTICE_DTYPE,
    RESONANCE_DTYPE,
    SLOT_DTYPE,
    TEXTURE_DTYPE,
    VOICE_DTYPE,
)
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument import CONTROLS as DRAWN
from rtsynth.instrument import ENVELOPE_POINTS, HUM_PARTIALS, MEMBERS, NOISE_BANDS
from rtsynth.params import PARAMS

__all__ = ["GROUP", "Manifest", "Sizes", "State", "manifest"]

GROUP = 8
"""Neighbouring voices that one core renders, into one sum; their records fill whole cache lines."""
BODIES = 16_384  # blocks whose durations are kept


@dataclasses.dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything an engine has; all fixed when it is built."""

    channels: int
    slots: int
    voices: int
    spare_voices: int
    resonances: int
    modes: int
    attack: int
    taps: int
    inbox: int
    pending: int
    outbox: int
    record_frames: int
    fade: int
    lookahead: int
    caches: int
    segments: int
    curves: int  # that the field draws
    drawn_attack: int
    ahead: int  # hops
    hops: int
    inputs: int
    input_frames: int
    cores: int

    @property
    def padded_modes(self) -> int:
        """Columns of the mode arrays."""
        return max(-(-self.modes // MODE_ALIGN), 1) * MODE_ALIGN


class State(NamedTuple):
    """Every array, as views into the arena; the order is the manifest's."""

    core: NDArray[Any]  # [1] CORE_DTYPE
    slots: NDArray[Any]  # [slots] SLOT_DTYPE
    vectors: NDArray[Any]  # [slots, VECTOR_DIM]
    order: NDArray[Any]  # [slots] slots sorted by onset, then by event id
    params: NDArray[Any]  # [PARAMS, 5]: target, now, ticks left, is smoothed, before the tick
    voices: NDArray[Any]  # [voices + spare] VOICE_DTYPE
    modes: NDArray[Any]  # [voices + spare, ROWS, M]
    controls: NDArray[Any]  # [voices + spare, CONTROLS]
    voice_vectors: NDArray[Any]  # [voices + spare, VECTOR_DIM]
    gain_db: NDArray[Any]  # [voices + spare, M] what the vector makes of the modes
    toned_db: NDArray[Any]  # [M] scratch: what vector and tone bands make of one voice's
    drawn: NDArray[Any]  # [voices + spare, DRAWN] the field's controls; bands: the last grain's
    target: NDArray[Any]  # [DRAWN] scratch: the curves at some age
    band_db: NDArray[Any]  # [NOISE_BANDS] scratch: the curves of the noise bands
    bend: NDArray[Any]  # [CONTROLS] scratch: controls with vibrato and field
    members: NDArray[Any]  # [K] gains of the field's members, as they are
    blown: NDArray[Any]  # [TICK] scratch: blown noise
    bowed: NDArray[Any]  # [TICK] scratch: the bow's share of the modes
    rings: NDArray[Any]  # [voices + spare, 2·GRAIN] overlap-add: a grain may begin within a tick
    caches: NDArray[Any]  # [caches] CACHE_DTYPE
    segments: NDArray[Any]  # [caches, segments] number of the segment that lies there, −1 none
    curves: NDArray[Any]  # [caches·segments, SEGMENT_POINTS + 1, C·K], C ≤ DRAWN
    drawn_attack: NDArray[Any]  # [caches·K, A]
    prototypes: NDArray[Any]  # [R] cache of each resonance's prototype, −1 none
    limits: NDArray[Any]  # [DRAWN, 2]
    bank: NDArray[Any]  # [R, 5, M]
    columns: NDArray[Any]  # [R, M] which mode of the instrument each is
    mode_map: NDArray[Any]  # [M, VECTOR_DIM]
    blow_gain: NDArray[Any]  # [R, NOISE_BANDS]
    blow_fall: NDArray[Any]  # [R, NOISE_BANDS] dB per frame by which each band dies away
    resonances: NDArray[Any]  # [R] RESONANCE_DTYPE
    attack: NDArray[Any]  # [R, A]
    envelope: NDArray[Any]  # [R, ENVELOPE_POINTS]
    taps: NDArray[Any]  # [R, K]
    texture_gain: NDArray[Any]  # [R, NOISE_BANDS]
    textures: NDArray[Any]  # [R] TEXTURE_DTYPE
    am_depth_db: NDArray[Any]  # [R, NOISE_BANDS]
    hums: NDArray[Any]  # [R, 2, HUM_PARTIALS]: Hz, amplitude
    band_weights: NDArray[Any]  # [NOISE_BANDS, BINS]
    band_spans: NDArray[Any]  # [NOISE_BANDS, 2]
    fft_tables: NDArray[Any]  # [4, BINS]
    window: NDArray[Any]  # [GRAIN]
    fade: NDArray[Any]  # [fade]
    bases: NDArray[Any]  # [voices + spare, 2, M] state from which a voice's sums count
    bows: NDArray[Any]  # [voices + spare, 3, M] phasors at that state, and what the bow has built
    hops: NDArray[Any]  # [H] HOP_DTYPE
    hops_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    hop_ticks: NDArray[Any]  # [H, HOP_TICKS + 1, 1 + K] level of the strike, the members' gains
    grain_voices: NDArray[Any]  # [H·V] GRAIN_DTYPE
    grain_rows: NDArray[Any]  # [H·V, HOP_TICKS, COLUMNS]
    grain_vectors: NDArray[Any]  # [H·V, HOP_TICKS + 1, VECTOR_DIM] before the hop, after each tick
    grain_bases: NDArray[Any]  # [H·V, 2, M]
    grain_bows: NDArray[Any]  # [H·V, 3, M]
    grain_gains: NDArray[Any]  # [H·V, channels, HOP] gain, pan and fade
    grain_numbers: NDArray[Any]  # [H] of the grains that have been rendered
    grains: NDArray[Any]  # [H, channels, 2·HOP]
    grains_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    grain: NDArray[Any]  # [2·channels, 2·HOP] the one that begins, then the one that ends
    halves: NDArray[Any]  # [2·HOP] the window
    share: NDArray[Any]  # [channels, TICK] scratch: gains of one voice
    ahead: NDArray[Any]  # [ticks, channels + 1, TICK] what waits to be heard, and its gain
    ahead_limits: NDArray[Any]  # [ticks, 2] ceiling, release
    bus_gain: NDArray[Any]  # [TICK]
    bus_limits: NDArray[Any]  # [2] ceiling, release
    work32: NDArray[Any]  # [6, M] scratch of the modal bank
    work64: NDArray[Any]  # [3, GRAIN] scratch of strike and clicks
    spectrum: NDArray[Any]  # [3, GRAIN] scratch of noise grains, which come out in row 0
    mono: NDArray[Any]  # [TICK] one voice
    rung: NDArray[Any]  # [TICK] its modes alone
    drive: NDArray[Any]  # [2, TICK] strike noise, drive of the modes
    command: NDArray[Any]  # [1] COMMAND_DTYPE, the one being carried out
    bus: NDArray[Any]  # [channels, TICK]
    dc: NDArray[Any]  # [2·channels]
    limiter: NDArray[Any]  # [3]
    limiter_gains: NDArray[Any]  # [2, W]
    limiter_delay: NDArray[Any]  # [channels, W − 1]
    inbox: NDArray[Any]  # [inbox] COMMAND_DTYPE
    inbox_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    drawing: NDArray[Any]  # [inbox] COMMAND_DTYPE, from the drawing worker: a ring has one writer
    drawing_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    pending: NDArray[Any]  # [pending] COMMAND_DTYPE, a heap by (frame, sequence)
    outbox: NDArray[Any]  # [outbox] NOTICE_DTYPE
    outbox_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    record: NDArray[Any]  # [record_frames, channels]
    record_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    body_ns: NDArray[Any]  # [BODIES] time each of the last blocks took, by the clock on the wall
    own_ns: NDArray[Any]  # [BODIES] the same in processor time, and what was waited for helpers
    coming: NDArray[Any]  # [inputs, TICK] what has come in since the last tick
    heard: NDArray[Any]  # [inputs, TICK] what came in during the tick before
    input: NDArray[Any]  # [input_frames, inputs] ring to a worker
    input_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    wet: NDArray[Any]  # [TICK] gain of all but the input
    dry: NDArray[Any]  # [channels, TICK] the input's share of the bus
    bypassed: NDArray[Any]  # [TICK] how far everything but the input is bypassed
    members_from: NDArray[Any]  # [K] gains of the field's members before this tick
    ceilings: NDArray[Any]  # [ticks] the limiter's ceiling in as many ticks as it looks ahead
    ahead_input: NDArray[Any]  # [ticks, channels + 1, TICK] what waits of dry and wet
    told: NDArray[Any]  # [CACHE_LINE/8] scratch: how a voice came out, how many were rendered
    sum: NDArray[Any]  # [channels, TICK] scratch: what a group of voices adds up to
    tally: NDArray[Any]  # [CACHE_LINE/8] what all threads count
    crew: NDArray[Any]  # [4·CACHE_LINE/8] calls, asleep, helpers there, end
    occupied: NDArray[Any]  # [groups] 1 if voices of this group sound
    left: NDArray[Any]  # [cores·CACHE_LINE/8] groups of each share that nobody has begun
    queue: NDArray[Any]  # [cores, groups] which they are
    sums: NDArray[Any]  # [groups, channels, TICK] what they add up to
    marks: NDArray[Any]  # [groups·CACHE_LINE/8] of which tick that is, how its voices came out


Manifest = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]


def manifest(sizes: Sizes) -> Manifest:
    """Type and shape of every array of `State`, in its order."""
    f8, f4, i8, i4 = (np.dtype(t) for t in ("<f8", "<f4", "<i8", "<i4"))
    pool, wide = sizes.voices + sizes.spare_voices, sizes.padded_modes
    r, c, w = sizes.resonances, sizes.channels, sizes.lookahead + 1
    n, s = max(sizes.caches, 1), sizes.segments
    indices = (2 * CACHE_LINE // 8,)
    groups = -(-pool // GROUP)
    h, places = max(sizes.hops, 1), max(sizes.hops * pool, 1)
    waiting = max(sizes.ahead * HOP_TICKS, 1)
    shapes: Manifest = {
        "core": (CORE_DTYPE, (1,)),
        "slots": (SLOT_DTYPE, (sizes.slots,)),
        "vectors": (f4, (sizes.slots, VECTOR_DIM)),
        "order": (i4, (sizes.slots,)),
        "params": (f8, (len(PARAMS), 5)),
        "voices": (VOICE_DTYPE, (pool,)),
        "modes": (f8, (pool, ROWS, wide)),
        "controls": (f8, (pool, CONTROLS)),
        "voice_vectors": (f4, (pool, VECTOR_DIM)),
        "gain_db": (f4, (pool, wide)),
        "toned_db": (f4, (wide,)),
        "drawn": (f8, (pool, len(DRAWN))),
        "target": (f8, (len(DRAWN),)),
        "band_db": (f4, (NOISE_BANDS,)),
        "bend": (f8, (CONTROLS,)),
        "members": (f8, (len(MEMBERS),)),
        "blown": (f4, (TICK,)),
        "bowed": (f4, (TICK,)),
        "rings": (f4, (pool, 2 * GRAIN)),
        "caches": (CACHE_DTYPE, (n,)),
        "segments": (i8, (n, s)),
        "curves": (f4, (n * s, SEGMENT_POINTS + 1, sizes.curves * len(MEMBERS))),
        "drawn_attack": (f4, (n * len(MEMBERS), max(sizes.drawn_attack, 1))),
        "prototypes": (i4, (r,)),
        "limits": (f4, (len(DRAWN), 2)),
        "bank": (f4, (r, 5, wide)),
        "columns": (i4, (r, wide)),
        "mode_map": (f4, (wide, VECTOR_DIM)),
        "blow_gain": (f4, (r, NOISE_BANDS)),
        "blow_fall": (f8, (r, NOISE_BANDS)),
        "resonances": (RESONANCE_DTYPE, (r,)),
        "attack": (f4, (r, max(sizes.attack, 1))),
        "envelope": (f4, (r, ENVELOPE_POINTS)),
        "taps": (f4, (r, sizes.taps)),
        "texture_gain": (f4, (r, NOISE_BANDS)),
        "textures": (TEXTURE_DTYPE, (r,)),
        "am_depth_db": (f4, (r, NOISE_BANDS)),
        "hums": (f4, (r, 2, HUM_PARTIALS)),
        "band_weights": (f4, (NOISE_BANDS, BINS)),
        "band_spans": (i8, (NOISE_BANDS, 2)),
        "fft_tables": (f4, (4, BINS)),
        "window": (f4, (GRAIN,)),
        "fade": (f4, (sizes.fade,)),
        "bases": (f8, (pool, 2, wide)),
        "bows": (f8, (pool, 3, wide)),
        "hops": (HOP_DTYPE, (h,)),
        "hops_at": (i8, indices),
        "hop_ticks": (f8, (h, HOP_TICKS + 1, 1 + len(MEMBERS))),
        "grain_voices": (GRAIN_DTYPE, (places,)),
        "grain_rows": (f8, (places, HOP_TICKS, COLUMNS)),
        "grain_vectors": (f4, (places, HOP_TICKS + 1, VECTOR_DIM)),
        "grain_bases": (f8, (places, 2, wide)),
        "grain_bows": (f8, (places, 3, wide)),
        "grain_gains": (f4, (places, c, GRAIN_HOP)),
        "grain_numbers": (i8, (h,)),
        "grains": (f4, (h, c, 2 * GRAIN_HOP)),
        "grains_at": (i8, indices),
        "grain": (f4, (2 * c, 2 * GRAIN_HOP)),
        "halves": (f4, (2 * GRAIN_HOP,)),
        "share": (f4, (c, TICK)),
        "ahead": (f4, (waiting, c + 1, TICK)),
        "ahead_limits": (f8, (waiting, 2)),
        "bus_gain": (f4, (TICK,)),
        "bus_limits": (f8, (2,)),
        "work32": (f4, (6, wide)),
        "work64": (f8, (3, GRAIN)),
        "spectrum": (f4, (3, GRAIN)),
        "mono": (f4, (TICK,)),
        "rung": (f4, (TICK,)),
        "drive": (f8, (2, TICK)),
        "command": (COMMAND_DTYPE, (1,)),
        "bus": (f4, (c, TICK)),
        "dc": (f8, (2 * c,)),
        "limiter": (f8, (3,)),
        "limiter_gains": (f8, (2, w)),
        "limiter_delay": (f4, (c, w - 1)),
        "inbox": (COMMAND_DTYPE, (sizes.inbox,)),
        "inbox_at": (i8, indices),
        "drawing": (COMMAND_DTYPE, (sizes.inbox,)),
        "drawing_at": (i8, indices),
        "pending": (COMMAND_DTYPE, (sizes.pending,)),
        "outbox": (NOTICE_DTYPE, (sizes.outbox,)),
        "outbox_at": (i8, indices),
        "record": (f4, (sizes.record_frames, c)),
        "record_at": (i8, indices),
        "body_ns": (i8, (BODIES,)),
        "own_ns": (i8, (BODIES,)),
        "coming": (f4, (max(sizes.inputs, 1), TICK)),
        "heard": (f4, (max(sizes.inputs, 1), TICK)),
        "input": (f4, (max(sizes.input_frames, 1), max(sizes.inputs, 1))),
        "input_at": (i8, indices),
        "wet": (f4, (TICK,)),
        "dry": (f4, (c, TICK)),
        "bypassed": (f4, (TICK,)),
        "members_from": (f8, (len(MEMBERS),)),
        "ceilings": (f8, (-(-w // TICK) + 1,)),
        "ahead_input": (f4, (waiting if sizes.inputs else 1, c + 1, TICK)),
        "told": (i8, (CACHE_LINE // 8,)),
        "sum": (f4, (c, TICK)),
        "tally": (i8, (CACHE_LINE // 8,)),
        "crew": (i8, (4 * CACHE_LINE // 8,)),
        "occupied": (i8, (groups,)),
        "left": (i8, (sizes.cores * CACHE_LINE // 8,)),
        "queue": (i4, (sizes.cores, groups)),
        "sums": (f4, (groups, c, TICK)),
        "marks": (i8, (groups * CACHE_LINE // 8,)),
    }
    assert tuple(shapes) == State._fields
    return shapes
