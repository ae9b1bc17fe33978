"""Is what is left noise? Two statistics of a residual, in bounded memory. Thread: any."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter

from rtsynth.metrics.spectral import magnitudes

__all__ = ["noise_w1", "residual_w1", "tonality"]

SIZE, HOP = 1024, 256
NEIGHBOURS = 17
HALO = NEIGHBOURS // 2
SILENT = 1e-12  # of the loudest bin's power: digital silence says nothing about noise
STEP = 0.002  # of the histogram of ratios; the distance is exact to about its square
TONAL_RATIO = 10.0 ** (12.0 / 10.0)

Float = NDArray[np.float64]


def residual_w1(reference: Float, estimate: Float) -> float | None:
    """The noise statistic of what the estimate's magnitudes leave of the reference's.

    0.01 is noise, 0.03 as good as noise, 0.26 decaying tones, 0.7 clicks; None if nothing is left.

    Args:
        reference: [samples].
        estimate: [samples].
    """

    def power() -> Iterator[Float]:
        sounds = (magnitudes(sound, SIZE, HOP) for sound in (reference, estimate))
        for x, y in zip(*sounds, strict=True):
            yield np.maximum(x - y, 0.0) ** 2

    return _w1(power)


def noise_w1(power: Float) -> float | None:
    """Distance of power over its local mean from Exp(1), as locally stationary noise has it.

    The Wasserstein-1 distance ∫ |F(x) − (1 − e^−x)| dx, F being the distribution of the ratios of
    power to its mean over 17 x 17 neighbours.

    Args:
        power: [analysis frames, bins].
    """
    return _w1(lambda: iter([power]))


def _w1(blocks: Callable[[], Iterator[Float]]) -> float | None:
    """The statistic of consecutive blocks of analysis frames; they are asked for twice."""
    loudest = max((float(block.max(initial=0.0)) for block in blocks()), default=0.0)
    counts = np.zeros(round(NEIGHBOURS**2 / STEP) + 2)  # one bin cannot exceed its local sum
    for block, first, last in _with_halo(blocks()):
        local = uniform_filter(block, NEIGHBOURS, mode="nearest")[first:last]
        present = local > SILENT * loudest
        ratio = block[first:last][present] / local[present]
        place = np.minimum((ratio / STEP).astype(np.intp), len(counts) - 1)
        counts += np.bincount(place, minlength=len(counts))
    if not counts.any():
        return None
    edges = STEP * np.arange(1, len(counts) + 1)
    apart = np.cumsum(counts) / counts.sum() - (1.0 - np.exp(-edges))
    ends = np.abs(np.concatenate([[0.0], apart]))
    return float(STEP * np.sum((ends[1:] + ends[:-1]) / 2.0))


def _with_halo(blocks: Iterator[Float]) -> Iterator[tuple[Float, int, int]]:
    """Each block with the frames beside it that its local means need, and where it begins, ends."""
    before: Float | None = None
    for block, after in itertools.pairwise(itertools.chain(blocks, [None])):
        if block is None:
            continue
        parts = [block] if before is None else [before, block]
        first = 0 if before is None else len(before)
        parts += [] if after is None else [after[:HALO]]
        yield np.concatenate(parts), first, first + len(block)
        before = parts[-2 if after is not None else -1][-HALO:]


def tonality(residual: Float) -> float | None:
    """Share of the energy in bins more than 12 dB over the median of their 61 neighbours.

    0 for noise of any colour, 1 for tones only; None for silence.

    Args:
        residual: [samples].
    """
    tonal = total = 0.0
    for block in magnitudes(residual, 4096, 2048):
        power = block**2
        around = np.stack([median_filter(row, 61, mode="nearest") for row in power + 1e-20])
        tonal += float(power[power > TONAL_RATIO * around].sum())
        total += float(power.sum())
    return tonal / total if total > 0.0 else None
