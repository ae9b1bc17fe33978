"""An ear-like score through an optional package, with its floor always beside it. Thread: any.

Zimtohrli (Alakuijala et al. 2025) is a psychoacoustic distance without weights. Where the package
`zimtohrli` is not installed, every value is None.
"""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from rtsynth.metrics.passage import one_channel, passages
from rtsynth.metrics.vocoder import noise_vocoder

__all__ = ["ear_scores", "mean_opinion"]

EAR_RATE = 48_000
SHORTEST_S = 0.1
PIECE_S = 30.0  # the package's own memory grows with what it is given

Float = NDArray[np.float64]


def ear_scores(reference: Float, estimate: Float, sample_rate: int) -> dict[str, float | None]:
    """`mos` of the estimate and `mos_floor` of a noise vocoder with no events, 1 … 5.

    Args:
        reference: [frames] or [frames, channels]; channels are averaged.
        estimate: likewise; the shorter of the two counts.
        sample_rate: Hz.
    """
    x, y = passages(one_channel(reference), one_channel(estimate), sample_rate)
    floor = mean_opinion(x, noise_vocoder(x, sample_rate), sample_rate) if _package() else None
    return {"mos": mean_opinion(x, y, sample_rate), "mos_floor": floor}


def mean_opinion(reference: Float, estimate: Float, sample_rate: int) -> float | None:
    """Zimtohrli's mean opinion score, 1 bad … 5 the same; None without package or sound.

    Args:
        reference: [samples].
        estimate: [samples], equally long.
        sample_rate: Hz.
    """
    package = _package()
    if package is None or len(reference) < SHORTEST_S * sample_rate or not reference.any():
        return None
    model = package.Pyohrli()
    piece = round(PIECE_S * sample_rate)
    distances, lengths = [], []
    for first in range(0, len(reference), piece):
        x, y = (s[first : first + piece] for s in (reference, estimate))
        if first and len(x) < SHORTEST_S * sample_rate:
            break
        distances.append(float(model.distance(_heard(x, sample_rate), _heard(y, sample_rate))))
        lengths.append(len(x))
    distance = float(np.average(distances, weights=lengths))
    score = float(package.mos_from_zimtohrli(distance))
    return score if np.isfinite(score) else None


def _heard(sound: Float, sample_rate: int) -> NDArray[np.float32]:
    if sample_rate != EAR_RATE:
        sound = soxr.resample(sound, sample_rate, EAR_RATE, "HQ")
    return np.ascontiguousarray(np.clip(sound, -1.0, 1.0), np.float32)


def _package() -> Any:
    try:
        import zimtohrli
    except ImportError:
        return None
    return zimtohrli
