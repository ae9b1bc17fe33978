"""Where an event sits between left and right. Thread: any."""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.disk import Samples
from rtsynth.decompose.draft import Draft, strike_signal
from rtsynth.decompose.recording import Recording

__all__ = ["fit_pans", "mid_signal", "mid_weights", "one_channel_of"]

SPAN_S = 0.5
BLOCK = 1 << 20  # frames at once
CENTRE = 0.02  # smaller pans are rounding
OPPOSED = 0.1  # a mid signal with less of the energy than this has cancelled


def mid_signal(frames: Float) -> Float:
    """[samples] the one channel that is analysed: the mean, or the louder if the two cancel.

    Args:
        frames: [frames, 1 or 2].
    """
    mid: Float = frames @ mid_weights(frames)
    return mid


def mid_weights(frames: Samples) -> Float:
    """[channels] what the one channel that is analysed takes of each.

    Args:
        frames: [frames, 1 or 2], of any length: they are looked at in blocks.
    """
    channels = frames.shape[1]
    mid, energy = 0.0, np.zeros(channels)
    for first in range(0, len(frames), BLOCK):
        block = frames[first : first + BLOCK].astype(float)
        mid += float(np.sum(block.mean(axis=1) ** 2))
        energy += np.sum(block**2, axis=0)
    if mid >= OPPOSED * float(energy.mean()):
        return np.full(channels, 1.0 / channels)
    weights = np.zeros(channels)
    weights[int(np.argmax(energy))] = 1.0
    return weights


def one_channel_of(resynthesis: Samples, recording: Recording) -> Float:
    """[samples] as many as the recording has, of the one channel of it that was analysed.

    Args:
        resynthesis: [frames, channels] of the same channels.
        recording: with [frames, channels].
    """
    frames = recording.frames
    mixed: Float = resynthesis[: len(frames)] @ mid_weights(frames)
    padded: Float = np.pad(mixed, (0, len(frames) - len(mixed)))
    return padded


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
