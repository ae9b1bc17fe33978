"""What comes in: kept for a worker, mixed into the output, guarded against feedback.

A tick hears the input of the tick before it, whole: so the delay is one tick however the device
cuts its blocks. Where a worker renders ahead, the input waits as long as the sound does, so both
stay aligned. Thread: audio.
"""

import math
from typing import Any

from rtsynth.dsp.modal import TICK
from rtsynth.dsp.ramp import apply_fade, apply_line
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.ops import NoticeKind
from rtsynth.engine.patch import (
    MONITOR_GAIN,
    MONITOR_GUARD,
    MONITOR_PAN,
    MONITOR_WET,
    NOW,
    TARGET,
)
from rtsynth.engine.ring import write_frames
from rtsynth.engine.voice import notify

__all__ = ["add_input", "take_input"]

FEEDBACK = int(NoticeKind.FEEDBACK)
SQRT2 = math.sqrt(2.0)
WINDOW_S = 0.05
WINDOWS = 8  # in a row that must rise, or be as loud as a loop at its limit
RISE = 1.122  # of the power from one to the next: 0.5 dB …
WHOLE_RISE = 15.85  # … and 12 dB over all of them …
AUDIBLE = 1e-4  # … to above −40 dBFS
LOUD = 0.25  # power: −6 dBFS
SHARE_LEFT = 0.5  # of the monitor's gain after each howl
REST_S = 0.25  # of silence, for a room to fall quiet


@state_kernel
def take_input(st: Any) -> None:
    """Hand this tick the input of the last one, and put it into the ring if somebody listens."""
    core = st.core[0]
    for c in range(core.inputs):
        for n in range(TICK):
            st.heard[c, n] = st.coming[c, n]
    if core.listening != 0 and not write_frames(st.input, st.input_at, st.heard):
        core.input_lost += TICK


@state_kernel
def _power(st: Any) -> float:
    """Mean power of this tick's input, of its loudest channel."""
    largest = 0.0
    for c in range(st.core[0].inputs):
        total = 0.0
        for n in range(TICK):
            total += st.heard[c, n] * st.heard[c, n]
        largest = max(largest, total / TICK)
    return largest


@state_kernel
def _howls(st: Any) -> bool:
    """Whether the input has risen without end, or stays as loud as a loop at its limit."""
    core = st.core[0]
    core.guard_power += _power(st)
    core.guard_ticks += 1
    if core.guard_ticks * TICK < WINDOW_S * core.sample_rate:
        return False
    power = core.guard_power / core.guard_ticks
    core.guard_power = 0.0
    core.guard_ticks = 0
    if power < core.guard_last * RISE:
        core.guard_run = 0
    if core.guard_run == 0:
        core.guard_base = power
    core.guard_run += 1
    core.guard_loud = core.guard_loud + 1 if power > LOUD else 0
    core.guard_last = power
    rose = core.guard_run > WINDOWS and power > WHOLE_RISE * core.guard_base and power > AUDIBLE
    return bool(rose or core.guard_loud >= WINDOWS)


@state_kernel
def _guard(st: Any) -> float:
    """The guard's factor on the monitor's gain at the end of this tick."""
    core = st.core[0]
    if st.params[MONITOR_GAIN, TARGET] != core.guard_gain_set:
        core.guard_gain_set = st.params[MONITOR_GAIN, TARGET]
        core.guard = 1.0
    heard = st.params[MONITOR_GAIN, NOW] > 0.0 or core.bypass_to > 0.0
    howls = _howls(st)
    if howls and heard and st.params[MONITOR_GUARD, NOW] != 0.0:
        core.howls += 1
        core.guard *= SHARE_LEFT
        core.guard_rest = core.tick_frame + int(REST_S * core.sample_rate)
        core.guard_run = 0
        core.guard_loud = 0
        notify(st, FEEDBACK, core.tick_frame, -1, 0, core.guard)
    target = core.guard if core.tick_frame >= core.guard_rest else 0.0
    step = TICK / st.fade.shape[0]
    return float(core.guard_now + min(max(target - core.guard_now, -step), step))


@state_kernel
def _lay_input(st: Any) -> None:
    """The input's share into st.dry, the gain of everything else into st.wet."""
    core = st.core[0]
    for n in range(TICK):
        st.wet[n] = 1.0
        st.bypassed[n] = 1.0
    apply_line(core.wet_now, st.params[MONITOR_WET, NOW], st.wet)
    core.wet_now = st.params[MONITOR_WET, NOW]
    core.bypass_at = apply_fade(
        st.fade, core.bypass_from, core.bypass_to, core.bypass_at, 0, TICK, st.bypassed
    )
    guard = _guard(st)
    angle = (st.params[MONITOR_PAN, NOW] + 1.0) * 0.25 * math.pi
    gain = st.params[MONITOR_GAIN, NOW]
    channels, inputs = st.dry.shape[0], core.inputs
    for c in range(channels):
        target = gain
        if channels > 1:
            target *= SQRT2 * (math.cos(angle) if c == 0 else math.sin(angle))
        start = core.monitor_left if c == 0 else core.monitor_right
        if c == 0:
            core.monitor_left = target
        else:
            core.monitor_right = target
        for n in range(TICK):
            t = (n + 1.0) / TICK
            x = st.heard[min(c, inputs - 1), n]
            if channels < inputs:
                x = 0.5 * (st.heard[0, n] + st.heard[1, n])
            share = st.bypassed[n]
            dry = (start + (target - start) * t) * (1.0 - share) + share
            st.dry[c, n] = x * dry * (core.guard_now + (guard - core.guard_now) * t)
    core.guard_now = guard
    for n in range(TICK):
        st.wet[n] *= 1.0 - st.bypassed[n]


@state_kernel
def _wait(st: Any) -> None:
    """Exchange this tick's shares for those that are due where a worker renders ahead."""
    waits = st.ahead_input[st.core[0].tick_frame // TICK % st.ahead_input.shape[0]]
    channels = st.dry.shape[0]
    for n in range(TICK):
        wet = waits[channels, n]
        waits[channels, n] = st.wet[n]
        st.wet[n] = wet
        for c in range(channels):
            dry = waits[c, n]
            waits[c, n] = st.dry[c, n]
            st.dry[c, n] = dry


@state_kernel
def add_input(st: Any) -> None:
    """Mix the input into the bus."""
    core = st.core[0]
    if core.inputs == 0:
        return
    _lay_input(st)
    if core.ahead > 0:
        _wait(st)
    for c in range(st.bus.shape[0]):
        for n in range(TICK):
            st.bus[c, n] = st.bus[c, n] * st.wet[n] + st.dry[c, n]
