"""Where an event sits between left and right. Thread: any."""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft, strike_signal

__all__ = ["fit_pans", "mid_signal"]

SPAN_S = 0.5
CENTRE = 0.02  # smaller pans are rounding
OPPOSED = 0.1  # a mid signal with less of the energy than this has cancelled


def mid_signal(frames: Float) -> Float:
    """[samples] the one channel that is analysed: the mean, or the louder if the two cancel.

    Args:
        frames: [frames, 1 or 2].
    """
    mid: Float = frames.mean(axis=1)
    energy = np.sum(frames**2, axis=0)
    if np.sum(mid**2) < OPPOSED * float(energy.mean()):
        mid = frames[:, int(np.argmax(energy))]
    return np.ascontiguousarray(mid)


def fit_pans(draft: Draft, frames: Float) -> None:
    """Give each strike its pan, and the gain that keeps its level, in place.

    Args:
        draft: fitted to the mid signal.
        frames: [frames, 2].
    """
    span = round(SPAN_S * draft.sample_rate)
    for strike in draft.strikes:
        resonance = draft.resonances[strike.resonance]
        sound = strike_signal(strike, resonance, draft.sample_rate, span)
        part = frames[strike.onset : strike.onset + len(sound)]
        sound = sound[: len(part)]
        left, right = np.maximum(part.T @ sound / (float(sound @ sound) + 1e-20), 0.0)
        if left + right <= 0.0:
            continue
        pan = float(np.arctan2(right, left)) * 4.0 / np.pi - 1.0
        strike.pan = float(np.clip(pan, -1.0, 1.0)) if abs(pan) > CENTRE else 0.0
        angle = (strike.pan + 1.0) * np.pi / 4.0
        strike.gain *= np.sqrt(2.0) / float(np.cos(angle) + np.sin(angle))
