"""The door between the audio driver and the engine: addresses in, a block out, no interpreter.

Thread: audio. A device gives PortAudio the address of `callback` and, as its user data, that of the
engine's table; nothing here takes the interpreter's lock, allocates or waits.
"""

import ctypes
from typing import Any

import numba
import numpy as np
from numba import int32, int64, types

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import (
    array_at,
    flush_denormals,
    now_ns,
    pointer_to_address,
    spent_ns,
)
from rtsynth.engine.clock import follow_clock
from rtsynth.engine.compile import state_kernel
from rtsynth.engine.ladder import weigh_block
from rtsynth.engine.muster import weigh_help
from rtsynth.engine.state import state_at
from rtsynth.engine.tick import process

__all__ = ["callback", "run_block"]


INPUT_FLAGS, OUTPUT_FLAGS = 0x1 | 0x2, 0x4 | 0x8
CONTINUE = 0
LONGEST_LEAD_S = 2.0

# PortAudio counts frames and flags in C's unsigned long: 32 bits on Windows, else 64
ULONG = types.uint32 if ctypes.sizeof(ctypes.c_ulong) == 4 else types.uint64
SIGNATURE = types.int32(types.voidptr, types.voidptr, ULONG, types.voidptr, ULONG, types.voidptr)


@state_kernel
def _account(st: Any, begin_ns: int, spent_before: int, frames: int) -> None:
    """How long the block that began at `begin_ns` took, as a share of its period.

    The overload ladder is shown what this thread spent, and what it waited for helpers: what others
    take of the processor would not come back by playing less.
    """
    core = st.core[0]
    body = now_ns() - begin_ns
    core.last_body_ns = body
    st.body_ns[core.blocks & (st.body_ns.shape[0] - 1)] = body
    load = body * 1e-9 * core.sample_rate / max(frames, 1)
    core.load += (load - core.load) * 0.02
    core.load_peak = max(core.load_peak, load)
    spent = spent_ns() - spent_before + core.away_ns
    st.own_ns[core.blocks & (st.own_ns.shape[0] - 1)] = spent
    share = spent * 1e-9 * core.sample_rate / max(frames, 1)
    weigh_help(st, share, frames)
    weigh_block(st, share, frames)


@kernel("void(int64, float32[:,::1], float32[:,::1], float64)")
def run_block(user: int, heard: Any, out: Any, lead_ns: float) -> None:
    """One block: follow the clock, render, account.

    Args:
        user: address of the user data.
        heard: [frames, inputs] what came in, or [0, inputs].
        out: [frames, channels] is filled.
        lead_ns: until its first frame is heard, as the host says; ≤ 0 if it does not.
    """
    flush_denormals()
    st = state_at(user)
    core = st.core[0]
    begin, spent = now_ns(), spent_ns()
    core.clock_count += 1
    core.clock_ns = begin
    core.clock_frame = core.frame
    follow_clock(core, float(begin), lead_ns)
    core.clock_count += 1
    process(st, heard, out)
    _account(st, begin, spent, out.shape[0])


@kernel("float64(int64)")
def _lead_ns(info: int) -> float:
    """From now to the converter's time of a block by PortAudio's time info; −1 if it says none."""
    if info == 0:
        return -1.0
    times = array_at(info, (3,), np.float64)  # of the input, now, of the output: seconds
    lead_s = times[2] - times[1]
    return lead_s * 1e9 if times[1] > 0.0 and 0.0 < lead_s < LONGEST_LEAD_S else -1.0


@kernel("int32(int64, int64, int64, int64, int64, int64)")
def _called(input_: int, output: int, frames: int, info: int, flags: int, user: int) -> int:
    core = state_at(user).core[0]
    heard = array_at(input_, (frames if input_ != 0 else 0, core.inputs), np.float32)
    out = array_at(output, (frames, core.device_channels), np.float32)
    if flags & INPUT_FLAGS:
        core.xruns_input += 1
    if flags & OUTPUT_FLAGS:
        core.xruns_output += 1
        if core.last_body_ns > 0.5e9 * frames / core.sample_rate:
            core.xruns_own += 1
    run_block(user, heard, out, _lead_ns(info))
    return CONTINUE


@numba.cfunc(SIGNATURE, nopython=True, cache=True, error_model="numpy", _nrt=False)
def callback(
    input_: Any, output: Any, frames: Any, time_info: Any, flags: Any, user_data: Any
) -> int:
    """PortAudio's stream callback."""
    heard, out = pointer_to_address(input_), pointer_to_address(output)
    info, user = pointer_to_address(time_info), pointer_to_address(user_data)
    return int32(_called(heard, out, int64(frames), info, int64(flags), user))
