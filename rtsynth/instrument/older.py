"""Instruments of format 1, whose blown noise had 16 bands: each was two of today's. Thread: any."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.instrument.bands import NOISE_BANDS, NOISE_EDGES_HZ

__all__ = ["with_fine_bands"]

COARSE_BANDS = NOISE_BANDS // 2
BLOWN = ("blow_gain", "blow_t60_s")
DRAWING = ("field.controls.w2", "field.controls.b2")

Array = NDArray[Any]


def with_fine_bands(arrays: dict[str, Array]) -> dict[str, Array]:
    """What a file of format 1 held as one of today would hold it, sounding alike.

    A band's power is spread evenly over its width, as it was when it was played. The noise itself
    is another one: a drum's attack, fitted beside its very noise, no longer fits as well.

    Args:
        arrays: by name. Nothing is known of their shapes: those that cannot be of format 1 are left
            for `Instrument.validate` to refuse.
    """
    finer = {}
    for name in BLOWN:
        if name in arrays and arrays[name].ndim == 2:
            finer[name] = np.repeat(arrays[name], 2, axis=1)
    if "blow_gain" in finer and finer["blow_gain"].shape[1] == NOISE_BANDS:
        width = np.diff(NOISE_EDGES_HZ).reshape(COARSE_BANDS, 2)
        share = np.sqrt(width / width.sum(axis=1, keepdims=True)).ravel()
        finer["blow_gain"] = finer["blow_gain"] * share.astype(finer["blow_gain"].dtype)
    for name in DRAWING:
        if name in arrays and arrays[name].ndim > 0:
            noise, others = np.split(arrays[name], [COARSE_BANDS], axis=-1)
            finer[name] = np.concatenate([np.repeat(noise, 2, axis=-1), others], axis=-1)
    return arrays | finer
