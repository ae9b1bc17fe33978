"""What every stateful part promises: blocks change nothing, reset repeats, nothing is allocated."""

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BLOCK_SIZES = (1, 64, 65, 480, 8193)
SLACK_BYTES, TRIES = 2048, 3
"""What a call may box for a moment: a few integers and an array header, but no audio."""


class Stateful(Protocol):
    """A part that makes sound block by block."""

    channels: int

    def process(self, out: NDArray[np.float32]) -> None:
        """The next frames into `out`, [frames, channels]."""

    def reset(self) -> None:
        """Back to how it was made."""


def verify_contract(
    make: Callable[[], Stateful], frames: int, *, random_partitions: int = 3, seed: int = 0
) -> None:
    """Hold a part to its promises.

    Args:
        make: a fresh part.
        frames: to compare; several times the part's longest period, > 8193 to use every size.
        random_partitions: how often to cut at random.
        seed: of the cuts.
    """
    part = make()
    whole = _run(part, frames, iter([frames]))
    assert np.isfinite(whole).all(), "the part is no steady one: it makes NaN or infinity"
    assert whole.any(), "a silent part proves nothing"

    part.reset()
    assert np.array_equal(whole, _run(part, frames, iter([frames]))), "reset does not repeat"

    rng = np.random.default_rng(seed)
    partitions = {f"blocks of {n}": _every(n) for n in BLOCK_SIZES}
    for trial in range(random_partitions):
        partitions[f"random partition {trial}"] = _random(rng)
    for name, sizes in partitions.items():
        pieces = _run(make(), frames, sizes)
        different = np.flatnonzero((whole != pieces).any(axis=1))
        assert len(different) == 0, f"{name} differ from the whole from frame {different[0]} on"

    # a reset in the middle of a tick leaves nothing behind
    part.reset()
    _run(part, min(1_001, frames), _random(rng))
    part.reset()
    assert np.array_equal(whole, _run(part, frames, _random(rng))), "reset forgets something"
    verify_no_allocation(make())


def verify_no_allocation(part: Stateful, blocks: int = 40, block_size: int = 1024) -> None:
    """Hold `process` to leaving the Python heap as it is, NumPy's buffers included.

    The least of a few tries counts: what a call allocates it allocates every time, what another
    thread of the process does meanwhile is not its own.
    """
    out = np.zeros((block_size, part.channels), np.float32)
    tries = [_allocated(part, out, blocks) for _ in range(TRIES)]
    moment, kept = (min(column) for column in zip(*tries, strict=True))
    assert moment < SLACK_BYTES, f"process allocates {moment} bytes for a moment"
    assert kept < SLACK_BYTES, f"process keeps {kept} bytes"


def _allocated(part: Stateful, out: NDArray[np.float32], blocks: int) -> tuple[int, int]:
    """Bytes for a moment, and bytes that are kept."""
    part.reset()
    part.process(out)  # what is done once, is done
    tracemalloc.start()
    try:
        part.process(out)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(blocks):
            part.process(out)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before, after - before


def _run(part: Stateful, frames: int, sizes: Iterator[int]) -> NDArray[np.float32]:
    out = np.full((frames, part.channels), np.nan, np.float32)  # what is not written, shows
    at = 0
    while at < frames:
        size = min(next(sizes), frames - at)
        part.process(out[at : at + size])
        at += size
    return out


def _every(size: int) -> Iterator[int]:
    while True:
        yield size


def _random(rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield int(rng.integers(1, 2_000))
