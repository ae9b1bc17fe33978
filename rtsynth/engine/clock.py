"""The stream's clock: a straight line through the times at which blocks were asked for.

A delay-locked loop of second order (F. Adriaensen, "Using a DLL to filter time", LAC 2005), fed at
the start of every block, with blocks of any sizes: its gains follow from the time that the frames
since the last block last. It begins like a least-squares fit, wide, and narrows to `BANDWIDTH_HZ`.

A block may be late, as under load, and the next ones make up for it: a block is left out that is
off, and off from the one before it, by far more than is usual from one block to the next. If all of
them stay off by as much for `HOLD_S`, frames have been dropped: the line moves there at once and
keeps its slope, so that drops do not turn it. Where blocks come off it little by little, the rate
has changed, or was not yet known: the line follows, and opens up again.

Thread: audio.
"""

import math
from typing import Any

from rtsynth.dsp.compile import kernel

__all__ = ["BANDWIDTH_HZ", "HOLD_S", "LOST_NS", "follow_clock"]

BANDWIDTH_HZ = 0.012
WIDEST_HZ = 1.0
NARROWING = 0.4  # of bandwidth times age: the gains of a least-squares line
LOST_NS = 50e6  # larger than what most hosts that cut their buffer into bursts are off by
SURE_S = 0.3  # from this age on a line knows how much blocks usually differ …
OUTLIER = 6.0  # … and leaves out what is so many times further off …
LEAST_OUTLIER_NS = 0.2e6  # … and a little more
HOLD_S = 0.05
HOLD_BLOCKS = 8
MOVED = -1  # held, right after a move: what is still left was dropped meanwhile, and is no drift
SHRINKING = 0.75  # of where it began: blocks are catching up
RATE_RANGE = 0.005  # a stream's rate is its nominal one, give or take far more than any crystal's
REOPENED_S = 4.0  # as old as which a line is taken to be that the stream drifts off
LEAD_SHARE = 1e-4  # of the mean time to the converter, per block


@kernel()
def _begin_line(core: Any, t_ns: float) -> None:
    """A line through this block at the nominal rate."""
    core.line_frame = core.frame
    core.line_seen = core.frame
    core.line_ns = t_ns
    core.line_period = 1e9 / core.sample_rate
    core.line_s = 0.0
    core.line_blocks = 1
    core.line_held = 0
    core.line_off = 0.0


@kernel()
def _largest_error(core: Any) -> float:
    """Up to which a block is followed, ns."""
    if core.line_s < SURE_S:
        return LOST_NS
    return float(min(OUTLIER * core.line_jitter + LEAST_OUTLIER_NS, LOST_NS))


@kernel()
def _leave_out(core: Any, t_ns: float, error_ns: float) -> None:
    """Count a block that is too far off; move the line if all have been for long enough."""
    size = abs(error_ns)
    turned = error_ns * core.line_first < 0.0
    if core.line_held <= 0 or turned or size < SHRINKING * abs(core.line_first):
        core.line_held = 0
        core.line_held_ns = t_ns
        core.line_first = error_ns
        core.line_least = error_ns
    if size < abs(core.line_least):
        core.line_least = error_ns
    core.line_held += 1
    waited_ns = t_ns - core.line_held_ns  # by the clock: a burst of blocks takes no time
    if core.line_held >= HOLD_BLOCKS and waited_ns >= HOLD_S * 1e9:
        core.line_ns += core.line_least
        core.line_off -= core.line_least
        core.line_held = MOVED
        core.clock_relocks += 1


@kernel()
def _turn_line(core: Any, t_ns: float, error_ns: float) -> None:
    """Move the line towards a block that is `error_ns` after where the line has it."""
    passed = core.frame - core.line_frame
    nominal = 1e9 / core.sample_rate
    seconds = passed / core.sample_rate
    core.line_held = 0
    core.line_s += seconds
    core.line_blocks += 1
    bandwidth = min(max(NARROWING / core.line_s, BANDWIDTH_HZ), WIDEST_HZ)
    omega = min(2.0 * math.pi * bandwidth * seconds, 0.5)
    follow = max(math.sqrt(2.0) * omega, 1.0 / core.line_blocks)
    core.line_ns = t_ns - error_ns + follow * error_ns
    core.line_frame = core.frame
    period = core.line_period + omega * omega * error_ns / passed
    core.line_period = min(max(period, nominal * (1.0 - RATE_RANGE)), nominal * (1.0 + RATE_RANGE))


@kernel()
def follow_clock(core: Any, now_ns: float, lead_ns: float) -> None:
    """At the start of a block: move the line.

    Args:
        core: the scalars; `frame` is the block's first.
        now_ns: the monotonic clock.
        lead_ns: until its first frame reaches the converter as the host says, ≤ 0 if it does not:
            then the time of the call is all there is. Its mean is taken out, so that the line is
            that of calls, free of how late each was.
    """
    t_ns = now_ns
    if lead_ns > 0.0:
        if core.lead_ns == 0.0:
            core.lead_ns = lead_ns
        t_ns += lead_ns - core.lead_ns
        core.lead_ns += (lead_ns - core.lead_ns) * max(1.0 / (core.line_blocks + 1), LEAD_SHARE)
    if core.line_blocks == 0:
        _begin_line(core, t_ns)
        return
    passed = core.frame - core.line_frame
    if passed <= 0:
        return
    error_ns = t_ns - (core.line_ns + passed * core.line_period)
    largest = _largest_error(core)
    since = min((core.frame - core.line_seen) / core.sample_rate, 1.0)
    before = core.line_off
    core.line_seen = core.frame
    core.line_off = error_ns
    drifts = core.line_held == 0 and core.line_s >= SURE_S and abs(error_ns - before) <= largest
    if drifts and largest < abs(error_ns) <= LOST_NS:
        core.line_s = min(core.line_s, REOPENED_S)
    if abs(error_ns) <= largest or drifts:
        _turn_line(core, t_ns, error_ns)
    else:
        _leave_out(core, t_ns, error_ns)
    core.clock_error_ns += (min(abs(error_ns), 2.0 * largest) - core.clock_error_ns) * since
    differs = min(abs(error_ns - before), 2.0 * largest)
    core.line_jitter += (differs - core.line_jitter) * max(since, 1.0 / core.line_blocks)
