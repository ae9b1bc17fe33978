"""What lies where in the arena: every array of the engine's state by name, type and shape.

The manifest is the only description of the memory; Python and compiled code both build their views
from it, and a memory-mapped file can hold it for two processes. Thread: main.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.bend import CONTROLS
from rtsynth.dsp.draw import SEGMENT_POINTS
from rtsynth.dsp.modal import MODE_ALIGN, ROWS, TICK
from rtsynth.dsp.texture import BINS, GRAIN
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument import (
    BLOW_BANDS,
    ENVELOPE_POINTS,
    HUM_PARTIALS,
    MEMBERS,
    TEXTURE_BANDS,
)
from rtsynth.instrument import CONTROLS as DRAWN
from rtsynth.params import PARAMS

__all__ = [
    "CACHE_DTYPE",
    "COMMAND_DTYPE",
    "CORE_DTYPE",
    "NOTICE_DTYPE",
    "RESONANCE_DTYPE",
    "SLOT_DTYPE",
    "TEXTURE_DTYPE",
    "VOICE_DTYPE",
    "Sizes",
    "State",
    "manifest",
]

NUMBERS = 8  # floats in a command
CACHE_LINE = 64
BODIES = 16_384  # blocks whose durations are kept

CORE_DTYPE = np.dtype(
    [
        # set once, before the stream starts
        ("sample_rate", "<f8"),
        ("dc_radius", "<f8"),
        ("smooth_ticks", "<i8"),
        ("max_voices", "<i8"),
        ("device_channels", "<i8"),  # of the driver's buffer
        ("start_frames", "<i8"),  # length of the ramp at the start of a live stream, 0 offline
        # time
        ("frame", "<i8"),  # frames delivered to the device
        ("tick_frame", "<i8"),  # frames rendered: a multiple of TICK
        ("clock_ns", "<i8"),  # clock at the start of the last block …
        ("clock_frame", "<i8"),  # … and its first frame
        ("clock_count", "<i8"),  # odd while the two are written
        # transport
        ("playing", "<i8"),
        ("position", "<f8"),  # frames of the score
        ("cursor", "<i8"),  # next index in `order`
        ("loop_on", "<i8"),
        ("loop_begin", "<f8"),
        ("loop_end", "<f8"),
        # tables
        ("order_count", "<i8"),
        ("freeing", "<i8"),  # slots whose voices are still dying
        ("retiring", "<i8"),  # caches that voices still read
        ("pending_count", "<i8"),
        ("sequence", "<i8"),  # of commands, so that equal frames keep their order
        ("soloed", "<i8"),
        ("mute_from", "<f8"),
        ("mute_to", "<f8"),
        ("mute_at", "<i8"),
        # counters
        ("blocks", "<i8"),
        ("block_min", "<i8"),
        ("block_max", "<i8"),
        ("voices", "<i8"),
        ("voices_peak", "<i8"),
        ("load", "<f8"),
        ("load_peak", "<f8"),
        ("late", "<i8"),
        ("stolen", "<i8"),
        ("refused", "<i8"),
        ("nans", "<i8"),
        ("undrawn", "<i8"),  # ticks of voices whose curves were not there in time
        ("notices_lost", "<i8"),
        ("xruns_output", "<i8"),
        ("xruns_input", "<i8"),
        ("xruns_own", "<i8"),
        ("last_body_ns", "<i8"),
        ("peak", "<f8"),
        ("record_lost", "<i8"),
        ("recording", "<i8"),
    ],
    align=True,
)
"""The one record of scalars."""

SLOT_DTYPE = np.dtype(
    [
        ("onset", "<f8"),  # frames of the score
        ("duration", "<f8"),  # frames
        ("id", "<i8"),
        ("seed", "<i8"),
        ("gain", "<f8"),
        ("transpose", "<f8"),
        ("damp", "<f8"),
        ("bright", "<f8"),
        ("inharm", "<f8"),
        ("detune", "<f8"),
        ("vibrato_rate_hz", "<f8"),
        ("vibrato_depth", "<f8"),
        ("stretch", "<f8"),
        ("pan", "<f8"),
        ("release_s", "<f8"),
        ("resonance", "<i4"),
        ("group", "<i4"),
        ("kind", "<i4"),
        ("version", "<i4"),  # counts edits; a voice that sees a new one ramps to it
        ("used", "<i4"),
        ("muted", "<i4"),
        ("solo", "<i4"),
        ("freeing", "<i4"),
        ("cache", "<i4"),  # what the field drew for it, −1 if nothing yet
        ("padding", "<i4"),
    ],
    align=True,
)
"""One event as the engine plays it."""

VOICE_DTYPE = np.dtype(
    [
        ("state", "<i4"),  # FREE, SOUNDING, DYING
        ("slot", "<i4"),
        ("resonance", "<i4"),
        ("kind", "<i4"),
        ("modes", "<i4"),  # in use
        ("version", "<i4"),
        ("ramp_ticks", "<i4"),  # left until the controls are where they should be
        ("driven", "<i4"),  # 1 while the strike still injects
        ("released", "<i4"),
        ("from_score", "<i4"),
        ("fade_first", "<i4"),  # frame of the tick at which the fade begins
        ("cache", "<i4"),  # whose curves are read, −1 for none
        ("draw_ticks", "<i4"),  # left until the drawn controls have reached the curves
        ("attack_cache", "<i4"),  # whose attack sounds …
        ("attack_next", "<i4"),  # … and whose it fades to
        ("attack_ticks", "<i4"),  # left of that fade
        ("blowing", "<i4"),  # 1 once the ring holds the blown noise of this age
        ("padding", "<i4"),
        ("onset", "<i8"),  # frame of the stream; may lie before …
        ("begin", "<i8"),  # … the first frame rendered
        ("release", "<f8"),  # frame of the stream; infinite if it is never let go
        ("seed", "<i8"),
        ("velocity", "<f8"),
        ("gain", "<f8"),  # now: mono, left, right
        ("left", "<f8"),
        ("right", "<f8"),
        ("age", "<f8"),  # frames of its own time at the start of the tick
        ("attack_at", "<f8"),  # samples of the attack
        ("fade_from", "<f8"),
        ("fade_to", "<f8"),
        ("fade_at", "<i8"),
        ("level", "<f8"),  # bound on what is still to come, before the gain
    ],
    align=True,
)
"""One sounding event."""

RESONANCE_DTYPE = np.dtype(
    [
        ("modes", "<i8"),
        ("impulse", "<f8"),  # height of the driving sample
        ("strike_frames", "<f8"),
        ("strike_dry", "<f8"),
        ("strike_wet", "<f8"),
        ("blow_dry", "<f8"),
        ("blow_wet", "<f8"),
        ("bow", "<f8"),  # height of the bow's drive
        ("blown", "<i8"),  # 1 if it has blown noise
        ("sustained", "<i8"),  # 1 if it is bowed or blown
        ("attack_frames", "<i8"),  # up to the last sample that is not 0
        ("tail_frames", "<f8"),  # from the onset to −80 dB, as learned
    ],
    align=True,
)
"""What one resonance has besides its modes."""

CACHE_DTYPE = np.dtype(
    [
        ("leaving", "<i4"),  # 1 from its retirement until no voice reads it
        ("padding", "<i4"),
        ("attack_frames", "<i8"),
    ],
    align=True,
)
"""What the field drew for one event, besides the curves and the attack themselves."""

TEXTURE_DTYPE = np.dtype(
    [
        ("am_rate", "<f8"),  # per frame
        ("click_rate", "<f8"),  # clicks per frame
        ("click_gain", "<f8"),  # height of a median click's driving sample
        ("click_spread_db", "<f8"),
        ("hums", "<i8"),  # partials in use
    ],
    align=True,
)
"""What a texture has besides its bands; its clicks ring in the resonance's modes."""

COMMAND_DTYPE = np.dtype(
    [
        ("op", "<i4"),
        ("target", "<i4"),
        ("frame", "<i8"),
        ("request", "<i8"),
        ("sequence", "<i8"),
        ("number", "<f8", (NUMBERS,)),
    ],
    align=True,
)
NOTICE_DTYPE = np.dtype(
    [
        ("kind", "<i4"),
        ("padding", "<i4"),
        ("frame", "<i8"),
        ("event", "<i8"),
        ("request", "<i8"),
        ("value", "<f8"),
    ],
    align=True,
)


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
    drawn_attack: int

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
    params: NDArray[Any]  # [PARAMS, 4]: target, now, ticks left, whether it is smoothed
    voices: NDArray[Any]  # [voices + spare] VOICE_DTYPE
    modes: NDArray[Any]  # [voices + spare, ROWS, M]
    controls: NDArray[Any]  # [voices + spare, CONTROLS]
    voice_vectors: NDArray[Any]  # [voices + spare, VECTOR_DIM]
    gain_db: NDArray[Any]  # [voices + spare, M] what the vector makes of the modes
    drawn: NDArray[Any]  # [voices + spare, DRAWN] the field's controls as they are
    target: NDArray[Any]  # [2, DRAWN] scratch: the curves at some age
    band_db: NDArray[Any]  # [BLOW_BANDS] scratch: the curves of the noise bands
    bend: NDArray[Any]  # [CONTROLS] scratch: controls with vibrato and field
    members: NDArray[Any]  # [K] gains of the field's members, as they are
    blown: NDArray[Any]  # [TICK] scratch: blown noise
    bowed: NDArray[Any]  # [TICK] scratch: the bow's share of the modes
    rings: NDArray[Any]  # [voices + spare, 2·GRAIN] overlap-add: a grain may begin within a tick
    caches: NDArray[Any]  # [caches] CACHE_DTYPE
    segments: NDArray[Any]  # [caches, segments] number of the segment that lies there, −1 none
    curves: NDArray[Any]  # [caches·segments, SEGMENT_POINTS + 1, K·DRAWN]
    drawn_attack: NDArray[Any]  # [caches·K, A]
    prototypes: NDArray[Any]  # [R] cache of each resonance's prototype, −1 none
    limits: NDArray[Any]  # [DRAWN, 2]
    bank: NDArray[Any]  # [R, 5, M]
    columns: NDArray[Any]  # [R, M] which mode of the instrument each is
    mode_map: NDArray[Any]  # [M, VECTOR_DIM]
    blow_gain: NDArray[Any]  # [R, BLOW_BANDS]
    blow_weights: NDArray[Any]  # [BLOW_BANDS, BINS]
    resonances: NDArray[Any]  # [R] RESONANCE_DTYPE
    attack: NDArray[Any]  # [R, A]
    envelope: NDArray[Any]  # [R, ENVELOPE_POINTS]
    taps: NDArray[Any]  # [R, K]
    texture_gain: NDArray[Any]  # [R, TEXTURE_BANDS]
    textures: NDArray[Any]  # [R] TEXTURE_DTYPE
    am_depth_db: NDArray[Any]  # [R, TEXTURE_BANDS]
    hums: NDArray[Any]  # [R, 2, HUM_PARTIALS]: Hz, amplitude
    band_weights: NDArray[Any]  # [TEXTURE_BANDS, BINS]
    twiddles: NDArray[Any]  # [2, GRAIN/2]
    window: NDArray[Any]  # [GRAIN]
    fade: NDArray[Any]  # [fade]
    work32: NDArray[Any]  # [6, M] scratch of the modal bank
    work64: NDArray[Any]  # [3, GRAIN] scratch of texture and strike
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
    pending: NDArray[Any]  # [pending] COMMAND_DTYPE, a heap by (frame, sequence)
    outbox: NDArray[Any]  # [outbox] NOTICE_DTYPE
    outbox_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    record: NDArray[Any]  # [record_frames, channels]
    record_at: NDArray[Any]  # [2·CACHE_LINE/8]: written, read
    body_ns: NDArray[Any]  # [BODIES] time each of the last blocks took


Manifest = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]


def manifest(sizes: Sizes) -> Manifest:
    """Type and shape of every array of `State`, in its order."""
    f8, f4, i8, i4 = (np.dtype(t) for t in ("<f8", "<f4", "<i8", "<i4"))
    pool, wide = sizes.voices + sizes.spare_voices, sizes.padded_modes
    r, c, w = sizes.resonances, sizes.channels, sizes.lookahead + 1
    n, s = max(sizes.caches, 1), sizes.segments
    indices = (2 * CACHE_LINE // 8,)
    shapes: Manifest = {
        "core": (CORE_DTYPE, (1,)),
        "slots": (SLOT_DTYPE, (sizes.slots,)),
        "vectors": (f4, (sizes.slots, VECTOR_DIM)),
        "order": (i4, (sizes.slots,)),
        "params": (f8, (len(PARAMS), 4)),
        "voices": (VOICE_DTYPE, (pool,)),
        "modes": (f8, (pool, ROWS, wide)),
        "controls": (f8, (pool, CONTROLS)),
        "voice_vectors": (f4, (pool, VECTOR_DIM)),
        "gain_db": (f4, (pool, wide)),
        "drawn": (f8, (pool, len(DRAWN))),
        "target": (f8, (2, len(DRAWN))),
        "band_db": (f4, (BLOW_BANDS,)),
        "bend": (f8, (CONTROLS,)),
        "members": (f8, (len(MEMBERS),)),
        "blown": (f8, (TICK,)),
        "bowed": (f4, (TICK,)),
        "rings": (f4, (pool, 2 * GRAIN)),
        "caches": (CACHE_DTYPE, (n,)),
        "segments": (i8, (n, s)),
        "curves": (f4, (n * s, SEGMENT_POINTS + 1, len(MEMBERS) * len(DRAWN))),
        "drawn_attack": (f4, (n * len(MEMBERS), max(sizes.drawn_attack, 1))),
        "prototypes": (i4, (r,)),
        "limits": (f4, (len(DRAWN), 2)),
        "bank": (f4, (r, 5, wide)),
        "columns": (i4, (r, wide)),
        "mode_map": (f4, (wide, VECTOR_DIM)),
        "blow_gain": (f4, (r, BLOW_BANDS)),
        "blow_weights": (f4, (BLOW_BANDS, BINS)),
        "resonances": (RESONANCE_DTYPE, (r,)),
        "attack": (f4, (r, max(sizes.attack, 1))),
        "envelope": (f4, (r, ENVELOPE_POINTS)),
        "taps": (f4, (r, sizes.taps)),
        "texture_gain": (f4, (r, TEXTURE_BANDS)),
        "textures": (TEXTURE_DTYPE, (r,)),
        "am_depth_db": (f4, (r, TEXTURE_BANDS)),
        "hums": (f4, (r, 2, HUM_PARTIALS)),
        "band_weights": (f4, (TEXTURE_BANDS, BINS)),
        "twiddles": (f8, (2, GRAIN // 2)),
        "window": (f4, (GRAIN,)),
        "fade": (f4, (sizes.fade,)),
        "work32": (f4, (6, wide)),
        "work64": (f8, (3, GRAIN)),
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
        "pending": (COMMAND_DTYPE, (sizes.pending,)),
        "outbox": (NOTICE_DTYPE, (sizes.outbox,)),
        "outbox_at": (i8, indices),
        "record": (f4, (sizes.record_frames, c)),
        "record_at": (i8, indices),
        "body_ns": (i8, (BODIES,)),
    }
    assert tuple(shapes) == State._fields
    return shapes
