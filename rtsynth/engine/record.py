"""The records of the engine's state, field by field. Thread: any."""

import numpy as np

from rtsynth.events import VECTOR_DIM

__all__ = [
    "CACHE_DTYPE",
    "COMMAND_DTYPE",
    "CORE_DTYPE",
    "GRAIN_DTYPE",
    "HOP_DTYPE",
    "NOTICE_DTYPE",
    "RESONANCE_DTYPE",
    "SLOT_DTYPE",
    "TEXTURE_DTYPE",
    "VOICE_DTYPE",
    "CURVES",
    "ENGINE",
    "NOTHING",
    "NUMBERS",
    "TO_ENGINE",
    "TO_WORKER",
    "WHOLE",
    "WORKER",
    "THINNED",
    "UNDRAWN",
]

NUMBERS = 8  # floats in a command

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
        ("chase", "<i8"),  # events of `order` that may yet be opened in their middle …
        ("chases", "<i8"),  # … in this chase, from 1
        ("chase_wrapped", "<f8"),  # frames of the score that a loop has gone back in it
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
        # grains
        ("ahead", "<i8"),  # frames that sound lags behind the stream's time, for the worker
        ("grains", "<i8"),  # 1 while a worker renders what it can
        ("hop_open", "<i8"),  # whether this hop has a record
        ("hop_voices", "<i8"),  # in it
        ("late_run", "<i8"),  # grains in a row that were late …
        ("ready_run", "<i8"),  # … or in time while the engine renders all
        ("ready_hops", "<i8"),  # in time in a row until the worker is trusted again
        ("ready_most", "<i8"),  # to which every fall-back doubles it at most
        # overload: see rtsynth.engine.ladder
        ("realtime", "<i8"),  # 1 where blocks are due in time, 0 offline
        ("priority", "<f8"),  # gain that a trigger needs while voices are shed
        ("assumed_load", "<f8"),  # instead of the measured one, if not negative
        ("strain", "<f8"),  # load over the last 20 ms or so
        ("overload", "<i8"),  # the step of the ladder
        ("full_blocks", "<i8"),  # in a row that took longer than their period
        ("hot_frames", "<i8"),  # in a row above the first step's load …
        ("cool_frames", "<i8"),  # … or low enough to take a step back
        ("shed_frames", "<i8"),  # since voices were shed
        ("quiet_frames", "<i8"),  # that the bus has been at rest
        # cores: see rtsynth.engine.share and rtsynth.engine.muster
        ("most_cores", "<i8"),
        ("helping", "<i8"),  # whether helpers are called
        ("cores", "<i8"),  # that voices were shared among in the last tick
        ("rendered", "<i8"),  # voices in the ticks of this block …
        ("own", "<i8"),  # … and of those on the audio thread
        ("alone", "<f8"),  # load that one core would have, smoothed
        ("calm_frames", "<i8"),  # in a row in which it would have been enough
        ("waited_ns", "<i8"),  # for helpers in this block …
        ("away_ns", "<i8"),  # … and of that without the processor
        ("rest_frames", "<i8"),  # until helpers that were waited for are trusted again
        # counters
        ("helped", "<i8"),  # … and in all ticks so far by helpers
        ("waits", "<i8"),  # blocks held up by a helper
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
        ("thinned", "<i8"),  # modes
        ("shed", "<i8"),  # voices
        ("turned_away", "<i8"),  # triggers
        ("silenced", "<i8"),
        ("nans", "<i8"),
        ("undrawn", "<i8"),  # ticks of voices whose curves were not there in time
        ("grains_late", "<i8"),
        ("notices_lost", "<i8"),
        ("xruns_output", "<i8"),
        ("xruns_input", "<i8"),
        ("xruns_own", "<i8"),
        ("last_body_ns", "<i8"),
        ("peak", "<f8"),
        ("record_lost", "<i8"),
        ("recording", "<i8"),
        # the stream's clock as a line: rtsynth.engine.clock
        ("line_frame", "<i8"),
        ("line_ns", "<f8"),  # monotonic time of that frame
        ("line_period", "<f8"),  # ns per frame
        ("line_s", "<f8"),  # of sound since the line began, or opened up again
        ("line_blocks", "<i8"),
        ("line_first", "<f8"),  # ns by which the first of the blocks left out was off …
        ("line_least", "<f8"),  # … and the one that was off least
        ("line_held", "<i8"),  # blocks in a row too far off to be followed (or clock.MOVED) …
        ("line_held_ns", "<f8"),  # … from this time on
        ("line_seen", "<i8"),  # frame of the last block, followed or not …
        ("line_off", "<f8"),  # … and ns by which it was off
        ("line_jitter", "<f8"),  # ns from one block's to the next one's, smoothed over a second
        ("lead_ns", "<f8"),  # mean time from a call to its sound, if the host says it; else 0
        ("clock_error_ns", "<f8"),  # of blocks, smoothed over a second
        ("clock_relocks", "<i8"),
        # what comes in: rtsynth.engine.monitor
        ("inputs", "<i8"),  # channels
        ("listening", "<i8"),  # whether a worker reads the input ring
        ("input_lost", "<i8"),  # frames that it did not read in time
        ("wet_now", "<f8"),
        ("monitor_left", "<f8"),
        ("monitor_right", "<f8"),
        ("bypass_from", "<f8"),
        ("bypass_to", "<f8"),
        ("bypass_at", "<i8"),
        ("howls", "<i8"),  # how often the feedback guard has stepped in
        ("guard", "<f8"),  # its factor on the monitor's gain …
        ("guard_now", "<f8"),  # … as it is
        ("guard_rest", "<i8"),  # frame until which the monitor is silent
        ("guard_gain_set", "<f8"),  # gain for which the factor holds
        ("guard_power", "<f8"),  # of this window …
        ("guard_ticks", "<i8"),
        ("guard_last", "<f8"),  # … of the last one …
        ("guard_base", "<f8"),  # … and of the one from which it has been rising
        ("guard_run", "<i8"),
        ("guard_loud", "<i8"),  # windows in a row as loud as a loop at its limit
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
        ("choked", "<i4"),  # in this chase, or made in it: it is left alone then
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
        ("hand", "<i4"),  # who renders it: ENGINE, WORKER, or both while it is handed over
        ("place", "<i4"),  # in this hop's record, −1 if not there
        ("stale", "<i4"),  # 1 if its controls have moved since its poles were made
        ("onset", "<i8"),  # frame of the stream; may lie before …
        ("begin", "<i8"),  # … the first frame rendered
        ("release", "<f8"),  # frame of the stream; infinite if it is never let go
        ("seed", "<i8"),
        ("velocity", "<f8"),
        ("gain", "<f8"),  # now: mono, left, right
        ("left", "<f8"),
        ("right", "<f8"),
        ("panned", "<f8"),  # pan that the next two are of
        ("panned_left", "<f8"),
        ("panned_right", "<f8"),
        ("age", "<f8"),  # frames of its own time at the start of the tick
        ("attack_at", "<f8"),  # samples of the attack
        ("fade_from", "<f8"),
        ("fade_to", "<f8"),
        ("fade_at", "<i8"),
        ("level", "<f8"),  # bound on what is still to come, before the gain
        ("ratio", "<f8"),  # how its modes are bent: frequency …
        ("fall", "<f8"),  # … decay …
        ("let", "<f8"),  # … nepers per frame besides …
        ("bright", "<f8"),  # … dB/octave
        ("turned", "<f8"),  # sums of the first three since the base, as in rtsynth.dsp.grain
        ("aged", "<f8"),
        ("lost", "<f8"),
    ],
    align=True,
)
"""One sounding event."""

ENGINE, WORKER, TO_ENGINE, TO_WORKER = range(4)
"""Who renders a voice; in the last two both do, for the hop in which one hands it over."""

THINNED, UNDRAWN = range(2)
"""Places in `State.tally`: what all threads that render count, until the end of the tick."""

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
        ("noise_cap", "<f8"),  # |z/a| that noise drives a mode to at most, about
        ("blow_level", "<f8"),  # RMS amplitude of the dry noise, curves at 0
        ("blow_fall", "<f8"),  # dB per frame by which its slowest band dies away
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
        ("kept", "<i4"),  # 1 from when the worker claims it until the audio thread gives it back
        ("drawn", "<i4"),  # how much of it: NOTHING, CURVES or WHOLE
        ("resonance", "<i4"),  # what it was drawn from: a new worker goes on where one was killed
        ("attack_frames", "<i8"),
        ("duration_s", "<f8"),
        ("vector", "<f4", (VECTOR_DIM,)),
    ],
    align=True,
)
"""What the field drew for one event, besides the curves and the attack themselves."""

NOTHING, CURVES, WHOLE = range(3)
"""How much of a cache is drawn: with `CURVES` its attack is another's."""

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


HOP_DTYPE = np.dtype(
    [("number", "<i8"), ("voices", "<i8")],
    align=True,
)
"""One hop of the stream, as the worker is told of it."""

GRAIN_DTYPE = np.dtype(
    [
        ("resonance", "<i4"),
        ("attacking", "<i4"),  # 1 if its attack is heard in this hop
        ("bowed", "<i4"),  # 1 if a bow drives it
        ("padding", "<i4"),
        ("seed", "<i8"),
        ("event", "<i8"),
        ("inharm", "<f8"),
        ("detune", "<f8"),
        ("duration", "<f8"),  # frames
    ],
    align=True,
)
"""One voice in one hop, besides its ticks."""
