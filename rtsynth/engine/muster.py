"""When helpers are called: only where one core is not enough, and as long as they are a help.

    above 50 %      of a block's period, if the audio thread rendered all: they are called
    above 80 %      in one block: at once
    below 35 %      for a second: they are let go
    a block held up by a helper whose core was taken away: they rest for ten seconds, unless voices
                    would have to be shed without them

An engine that renders offline has its helpers always. Thread: audio.
"""

from typing import Any

from rtsynth.engine.compile import state_kernel

__all__ = ["weigh_help"]

CALL_LOAD, CALL_NOW_LOAD, DISMISS_LOAD = 0.5, 0.8, 0.35
NEED_LOAD = 0.8  # a little below the load at which voices are shed
MEMORY_S = 0.02
DISMISS_S, REST_S = 1.0, 10.0
LONG_WAIT = 0.25  # of a block's period


@state_kernel
def _note_waiting(st: Any, frames: int) -> None:
    """Let helpers rest that have held this block up."""
    core = st.core[0]
    if core.waited_ns * 1e-9 * core.sample_rate > LONG_WAIT * frames:
        core.waits += 1
        core.rest_frames = int(REST_S * core.sample_rate)
    core.rest_frames = max(core.rest_frames - frames, 0)
    core.waited_ns = 0
    core.away_ns = 0


@state_kernel
def weigh_help(st: Any, load: float, frames: int) -> None:
    """Judge from the block just rendered whether the next one needs helpers.

    Args:
        st: State.
        load: share of its period that the audio thread took; `core.assumed_load` replaces it.
        frames: of the block.
    """
    core = st.core[0]
    if core.most_cores < 2 or core.realtime == 0:
        return
    if core.assumed_load >= 0.0:
        load = core.assumed_load
    alone = load * core.rendered / max(core.own, 1) if core.rendered > 0 else load
    core.rendered = 0
    core.own = 0
    _note_waiting(st, frames)
    core.alone += (alone - core.alone) * min(frames / (MEMORY_S * core.sample_rate), 1.0)
    core.calm_frames = core.calm_frames + frames if core.alone < DISMISS_LOAD else 0
    needed = core.alone > NEED_LOAD
    if needed or (core.rest_frames == 0 and (core.alone > CALL_LOAD or alone > CALL_NOW_LOAD)):
        core.helping = 1
    elif core.rest_frames > 0 or core.calm_frames > DISMISS_S * core.sample_rate:
        core.helping = 0
