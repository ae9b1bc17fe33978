"""Clicks: a Poisson process by counter, so that any stretch may be asked for in any order.

Time is cut into cells of 1/64 s. How many clicks a cell has, where they lie in it and how strong
they are is read from the seed's stream at the cell's number (inversion of the Poisson
distribution: Devroye 1986, III.3). Thread: audio.
"""

import math

import numpy as np

from rtsynth.dsp.compile import kernel
from rtsynth.dsp.noise import normal_at, uniform_at
from rtsynth.dsp.registers import AI, AR, PI, PR, ZI, ZR

__all__ = [
    "CELLS_PER_S",
    "MAX_CLICKS",
    "clicks_before",
    "count_clicks",
    "drive_clicks",
    "open_clicks",
    "place_click",
    "size_click",
]

CELLS_PER_S = 64.0
MAX_CLICKS = 15
"""In one cell; at 50 per second more are met once in 10^16 cells."""

TIMES = np.uint64(0xC11C_0000_0000_0001)
SIZES = np.uint64(0xC11C_0000_0000_0002)
"""What the event's seed is mixed with, so that clicks are independent of its noise."""

DB_TO_LN = math.log(10.0) / 20.0


@kernel("int64(uint64, int64, float64)")
def count_clicks(seed: np.uint64, cell: int, mean: float) -> int:
    """How many clicks the cell has: Poisson of this mean, at most MAX_CLICKS."""
    u = uniform_at(seed ^ TIMES, cell * (MAX_CLICKS + 1))
    share = math.exp(-mean)
    total, count = share, 0
    while u >= total and count < MAX_CLICKS:
        count += 1
        share *= mean / count
        total += share
    return count


@kernel("int64(uint64, int64, int64, float64)")
def place_click(seed: np.uint64, cell: int, number: int, cell_frames: float) -> int:
    """Frame of a click of the cell, counted from the event's onset."""
    u = uniform_at(seed ^ TIMES, cell * (MAX_CLICKS + 1) + 1 + number)
    return math.floor((cell + u) * cell_frames)


@kernel("float64(uint64, int64, int64, float64)")
def size_click(seed: np.uint64, cell: int, number: int, spread_db: float) -> float:
    """Strength of a click against the median one: log-normal, of this standard deviation in dB."""
    return math.exp(
        DB_TO_LN * spread_db * normal_at(seed ^ SIZES, cell * (MAX_CLICKS + 1) + number)
    )


@kernel("int64(uint64, int64, int64, float64, float64, float64, float64, float64[::1])")
def drive_clicks(
    seed: np.uint64,
    first: int,
    last: int,
    rate: float,
    cell_frames: float,
    spread_db: float,
    height: float,
    drive: np.ndarray,
) -> int:
    """Add the clicks of frames first … last to a drive.

    Args:
        seed: of the event.
        first: frame since the onset, that of drive[0]; before the onset nothing clicks.
        last: frame to end before.
        rate: clicks per frame.
        cell_frames: frames per cell.
        spread_db: standard deviation of their strength.
        height: of a median click.
        drive: [≥ last − first] float64, added to.

    Returns:
        How many there were.
    """
    found = 0
    cell = math.floor(max(first, 0) / cell_frames)
    while cell * cell_frames < last:
        for i in range(count_clicks(seed, cell, rate * cell_frames)):
            frame = place_click(seed, cell, i, cell_frames)
            if first <= frame < last:
                drive[frame - first] += height * size_click(seed, cell, i, spread_db)
                found += 1
        cell += 1
    return found


@kernel("int64(uint64, int64, float64, float64, float64, float64, float64, int64, float64[:,::1])")
def clicks_before(
    seed: np.uint64,
    age: int,
    reach: float,
    rate: float,
    cell_frames: float,
    spread_db: float,
    height: float,
    most: int,
    out: np.ndarray,
) -> int:
    """The latest clicks before a frame: frames since each into out[0], heights into out[1].

    Args:
        seed: of the event.
        age: frame since the onset.
        reach: frames to look back.
        rate: clicks per frame.
        cell_frames: frames per cell.
        spread_db: standard deviation of their strength.
        height: of a median click.
        most: so many clicks at most, and MAX_CLICKS − 1 more.
        out: [≥ 2, ≥ most + MAX_CLICKS] float64.

    Returns:
        How many there are.
    """
    found = 0
    cell = math.floor((age - 1) / cell_frames)
    while found < most and cell >= 0 and (cell + 1) * cell_frames > age - reach:
        for i in range(count_clicks(seed, cell, rate * cell_frames)):
            frame = place_click(seed, cell, i, cell_frames)
            if frame < age:
                out[0, found] = age - 1 - frame
                out[1, found] = height * size_click(seed, cell, i, spread_db)
                found += 1
        cell -= 1
    return found


@kernel("void(float64[:,::1], int64, int64, float64[:,::1])")
def open_clicks(clicks: np.ndarray, count: int, size: int, modes: np.ndarray) -> None:
    """The modes' state after past clicks, in closed form: `z = Σ a·height·p^age`.

    Args:
        clicks: [≥ 2, ≥ count] from `clicks_before`.
        count: of clicks.
        size: modes in use.
        modes: [ROWS, M] of `rtsynth.dsp.modal`; ZR and ZI are written.
    """
    for m in range(size):
        log_radius = 0.5 * math.log(modes[PR, m] * modes[PR, m] + modes[PI, m] * modes[PI, m])
        angle = math.atan2(modes[PI, m], modes[PR, m])
        re = im = 0.0
        for i in range(count):
            level = clicks[1, i] * math.exp(log_radius * clicks[0, i])
            re += level * math.cos(angle * clicks[0, i])
            im += level * math.sin(angle * clicks[0, i])
        modes[ZR, m] = modes[AR, m] * re - modes[AI, m] * im
        modes[ZI, m] = modes[AR, m] * im + modes[AI, m] * re
