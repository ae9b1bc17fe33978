"""All distances between two sounds in one dictionary. Thread: any."""

import numpy as np
from numpy.typing import ArrayLike

from rtsynth.metrics.information import flac_bits
from rtsynth.metrics.passage import one_channel, passages
from rtsynth.metrics.residual import residual_w1, tonality
from rtsynth.metrics.spectral import (
    log_spectral_distance,
    multi_resolution,
    relative_l1,
    si_sdr,
    snr,
)

__all__ = ["compare"]


def compare(reference: ArrayLike, estimate: ArrayLike, sample_rate: int) -> dict[str, float | None]:
    """How far an estimate is from a reference, by every measure that is reported.

    Of sounds over two minutes, twelve passages of 10 s, evenly spread, are compared.

    Args:
        reference: [frames] or [frames, channels]; channels are averaged.
        estimate: likewise; the shorter of the two counts.
        sample_rate: Hz.

    Returns:
        `sc`, `log_mag` (nepers), `relative_l1`, `lsd_db`, `snr_db`, `si_sdr_db`, `w1`, `tonality`
        and `flac_bits` (per sample) of the residual, `flac_bits_reference`: plain finite numbers,
        None where undefined.
    """
    x, y = passages(one_channel(reference), one_channel(estimate), sample_rate)
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
        "flac_bits": flac_bits(x - y, sample_rate),
        "flac_bits_reference": flac_bits(x, sample_rate),
    }
    return {name: v if v is not None and np.isfinite(v) else None for name, v in values.items()}
