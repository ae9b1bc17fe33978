"""Does one event sound like the one thing it stands for? Against known stems. Thread: any.

A stem is what one true event adds to a recording. A matched event is soloed and compared with it by
SI-SDR over all the time that either of them sounds.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtsynth.metrics.spectral import si_sdr

__all__ = ["Placed", "StemScores", "stem_scores", "stem_si_sdr"]

HIGHEST_DB, LOWEST_DB = 200.0, -200.0


@dataclasses.dataclass(frozen=True)
class Placed:
    """A sound and where in the recording it begins.

    Attributes:
        first: frame of its first sample; below 0 what lies before the recording is ignored.
        samples: [samples].
    """

    first: int
    samples: NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class StemScores:
    """Agreement of soloed events with stems.

    Attributes:
        median_db: (lower) median of the SI-SDR, a stem without an event counting as the worst;
            None if that is the median, or without stems.
        matched_median_db: of the stems that have an event; None without any.
        matched: share of stems that have an event, 0 … 1; None without stems.
    """

    median_db: float | None
    matched_median_db: float | None
    matched: float | None


def stem_scores(stems: Sequence[Placed], solos: Sequence[Placed | None]) -> StemScores:
    """Medians over stems.

    Args:
        stems: what each true event adds.
        solos: the event matched to each, alone; None where none was.
    """
    values = [
        None if solo is None else stem_si_sdr(stem, solo)
        for stem, solo in zip(stems, solos, strict=True)
    ]
    if not values:
        return StemScores(None, None, None)
    known = [value for value in values if value is not None]
    all_of_them = [LOWEST_DB if value is None else value for value in values]
    median = float(np.quantile(all_of_them, 0.5, method="lower"))
    share = sum(solo is not None for solo in solos) / len(values)
    return StemScores(
        median if median > LOWEST_DB else None, float(np.median(known)) if known else None, share
    )


def stem_si_sdr(stem: Placed, solo: Placed) -> float | None:
    """SI-SDR in dB of a soloed event against its stem, ±200 at most; None for a silent stem."""
    first = max(0, min(stem.first, solo.first))
    end = max(stem.first + len(stem.samples), solo.first + len(solo.samples))
    x, y = _laid(stem, first, end), _laid(solo, first, end)
    if not x.any():
        return None
    if not y.any() or x @ y == 0.0:
        return LOWEST_DB
    value = si_sdr(x, y)
    return HIGHEST_DB if value is None else float(np.clip(value, LOWEST_DB, HIGHEST_DB))


def _laid(sound: Placed, first: int, end: int) -> NDArray[np.float64]:
    out = np.zeros(max(0, end - first))
    skipped = max(0, first - sound.first)
    at = max(0, sound.first - first)
    kept = sound.samples[skipped:]
    out[at : at + len(kept)] = kept
    return out
