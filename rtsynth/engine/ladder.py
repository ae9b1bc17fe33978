"""What the engine gives up, step by step, when it has not the time for all, and how it recovers.

    above 70 % for 100 ms    thin: voices let go of their weakest modes, together below −80 dB, and
                             those that are bent get new poles in every other tick only
    above 85 %               shed: the quietest voices fade away, quiet triggers are turned away
    above 100 % in 8 blocks  silence: every voice fades away, triggers are turned away, and a
                             quarter of a second later the engine plays again

Load is the share of a block's period that the audio thread spent, over the last 20 ms or so. Each
step is undone only well below where it began. It depends on measured time and therefore never on
an engine that renders offline: `core.realtime` is 0 there. Thread: audio.
"""

import math
from typing import Any

from rtsynth.engine.compile import state_kernel
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.voice import SOUNDING, let_die, notify, quietest_voice

__all__ = ["CALM", "SHEDDING", "SILENT", "THINNING", "weigh_block"]

CALM, THINNING, SHEDDING, SILENT = range(4)

THIN_LOAD, SHED_LOAD, FULL_LOAD = 0.70, 0.85, 1.0
CALM_LOAD = 0.5
MEMORY_S = 0.02
THIN_AFTER_S = 0.1
FULL_BLOCKS = 8
SHED_EVERY_S = 0.04  # a voice's fade and the load's memory in between
SHED_MOST = 32
SHED_CALM_S, THIN_CALM_S, SILENCE_S = 0.25, 0.5, 0.25

THINNED, SHED = int(NoticeKind.THINNED), int(NoticeKind.SHED)
SILENCED, CALMED = int(NoticeKind.SILENCED), int(NoticeKind.CALMED)


@state_kernel
def _enter(st: Any, stage: int, kind: int, value: float) -> None:
    """Go to a step and say so."""
    core = st.core[0]
    core.overload = stage
    core.hot_frames = 0
    core.cool_frames = 0
    notify(st, kind, core.tick_frame, -1, 0, value)


@state_kernel
def _shed(st: Any, v: int) -> None:
    voice = st.voices[v]
    st.core[0].shed += 1
    notify(st, SHED, st.core[0].tick_frame, st.slots[voice.slot].id, 0, 0.0)
    let_die(st, voice, 0)


@state_kernel
def _shed_some(st: Any) -> None:
    """As many of the quietest voices as stand for the load above THIN_LOAD, one at least."""
    core = st.core[0]
    count = math.ceil(core.voices * (1.0 - THIN_LOAD / core.strain))
    for _ in range(min(max(count, 1), SHED_MOST)):
        v = quietest_voice(st)
        if v < 0:
            break
        _shed(st, v)
    core.shed_frames = 0


@state_kernel
def _silence(st: Any) -> None:
    """Let every voice fade away."""
    st.core[0].silenced += 1
    _enter(st, SILENT, SILENCED, st.core[0].strain)
    for v in range(st.voices.shape[0]):
        if st.voices[v].state == SOUNDING:
            _shed(st, v)


@state_kernel
def _climb(st: Any) -> None:
    """Take the next step where the load asks for it."""
    core = st.core[0]
    rate = core.sample_rate
    if core.full_blocks >= FULL_BLOCKS:
        _silence(st)
    elif core.strain > SHED_LOAD:
        if core.overload < SHEDDING:
            if core.overload < THINNING:
                _enter(st, THINNING, THINNED, core.strain)
            core.overload = SHEDDING
            _shed_some(st)
        elif core.shed_frames >= SHED_EVERY_S * rate:
            _shed_some(st)
    elif core.overload == CALM and core.hot_frames >= THIN_AFTER_S * rate:
        _enter(st, THINNING, THINNED, core.strain)


@state_kernel
def _descend(st: Any) -> None:
    """Take back the last step once the load has been low for long enough."""
    core = st.core[0]
    rest_s, stage = THIN_CALM_S, CALM
    if core.overload == SHEDDING:
        rest_s, stage = SHED_CALM_S, THINNING
    elif core.overload == SILENT:
        rest_s = SILENCE_S
    if core.overload != CALM and core.cool_frames >= rest_s * core.sample_rate:
        _enter(st, stage, CALMED, float(stage))


@state_kernel
def weigh_block(st: Any, load: float, frames: int) -> None:
    """Judge the block just rendered; what is given up, goes from the next tick on.

    Args:
        st: State.
        load: share of its period that the block took; `core.assumed_load` replaces it if ≥ 0.
        frames: of the block.
    """
    core = st.core[0]
    if core.realtime == 0:
        return
    if core.assumed_load >= 0.0:
        load = core.assumed_load
    core.strain += (load - core.strain) * min(frames / (MEMORY_S * core.sample_rate), 1.0)
    core.full_blocks = core.full_blocks + 1 if load > FULL_LOAD else 0
    core.hot_frames = core.hot_frames + frames if core.strain > THIN_LOAD else 0
    low = THIN_LOAD if core.overload == SHEDDING else CALM_LOAD
    core.cool_frames = core.cool_frames + frames if core.strain < low else 0
    core.shed_frames += frames
    if core.overload != SILENT:
        _climb(st)
    _descend(st)
