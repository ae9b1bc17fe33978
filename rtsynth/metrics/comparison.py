"""All distances between two sounds in one dictionary. Thread: any."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtsynth.metrics.residual import residual_w1, tonality
from rtsynth.metrics.spectral import (
    log_spectral_distance,
    multi_resolution,
    relative_l1,
    si_sdr,
    snr,
)

__all__ = ["compare"]

LONGEST_S = 120.0  # statistics of a longer recording are those of its beginning


def compare(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> dict[str, float | None]:
    """How far an estimate is from a reference, by every measure that is reported.

    Args:
        reference: [frames] or [frames, channels]; channels are averaged for the spectra.
        estimate: likewise; the shorter of the two counts.
        sample_rate: Hz.

    Returns:
        `sc`, `log_mag` (nepers), `relative_l1`, `lsd_db`, `snr_db`, `si_sdr_db`, `w1`, `tonality`
        of the residual: plain finite numbers, None where undefined.
    """
    x, y = _one_channel(reference), _one_channel(estimate)
    count = min(len(x), len(y), int(LONGEST_S * sample_rate))
    x, y = x[:count], y[:count]
    convergence, log_mag = multi_resolution(x, y)
    values: dict[str, float | None] = {
        "sc": convergence,
        "log_mag": log_mag,
        "relative_l1": relative_l1(x, y),
        "lsd_db": log_spectral_distance(x, y),
        "snr_db": snr(x, y),
        "si_sdr_db": si_sdr(x, y),
        "w1": residual_w1(x, y),
        "tonality": tonality(x - y),
    }
    return {name: v if v is not None and np.isfinite(v) else None for name, v in values.items()}


def _one_channel(sound: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(sound, float)
    return array if array.ndim == 1 else array.mean(axis=1)
