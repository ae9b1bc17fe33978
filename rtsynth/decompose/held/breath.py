"""What a line has between its notes: consonants, breath, the bow's noise, as blown events.

Thread: worker.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.smooth_power import smooth_power
from rtsynth.decompose.sustained.blowing import blow_curves
from rtsynth.decompose.sustained.pitch import STEP_S

__all__ = ["measure_breaths"]

HEARD_DB = 35.0  # below the line's loudest 20 ms
SHORTEST_S = 0.04
LEVEL_S = 0.02
RINGING_DB = 30.0  # a note let go is not followed further down
RELEASE_S = 0.01


def measure_breaths(
    left: Float, signal: Float, sample_rate: float, notes: list[MeasuredNote]
) -> list[MeasuredNote]:
    """The stretches without a note that are heard, as notes without partials, in time.

    Args:
        left: [samples] the signal without its notes.
        signal: [samples].
        sample_rate: Hz.
        notes: of the line.
    """
    hop = STEP_S * sample_rate
    count = int(len(left) / hop)
    level = _level(left, sample_rate)[(np.arange(count) * hop).astype(int)]
    loudest = float(_level(signal, sample_rate).max(initial=0.0))
    free = level > loudest * 10.0 ** (-HEARD_DB / 20.0)
    for note in notes:
        tail_s = note.release_t60_s * RINGING_DB / 60.0
        stop = note.onset / sample_rate + note.duration_s + tail_s
        free[int(note.onset / hop) : int(stop / STEP_S) + 1] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(np.int8), [0]])))
    return [
        _breath(left, sample_rate, int(first), int(last))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
        if (last - first) * STEP_S >= SHORTEST_S
    ]


def _level(signal: Float, sample_rate: float) -> Float:
    level: Float = np.sqrt(smooth_power(signal, round(LEVEL_S * sample_rate)))
    return level


def _breath(left: Float, sample_rate: float, first: int, last: int) -> MeasuredNote:
    onset = round(first * STEP_S * sample_rate)
    gain, noise, common = blow_curves(left, sample_rate, onset, last - first, 0.0, 1.0)
    none = np.zeros((0, last - first))
    return MeasuredNote(
        onset, (last - first) * STEP_S, RELEASE_S, 0.0, np.zeros(last - first), np.zeros(0),
        none, gain, noise, common,
    )  # fmt: skip
