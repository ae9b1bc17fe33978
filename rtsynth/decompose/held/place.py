"""Where the notes of held voices sit between left and right.

One voice after the other sits where the recording does. Of notes that sound together each sits
where its own partials are, those that no other note is near. Thread: worker.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.entering import clear_of, line_levels
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.panning import mid_weights
from rtsynth.decompose.recording import Recording

__all__ = ["overlap", "places"]

CENTRE = 0.02  # smaller pans are rounding
TOGETHER = 0.5  # of the time of notes, in which another sounds: of legato melodies 0 … 0.2
PARTIALS, TOP_HZ, APART_HZ, EVERY_S, EDGE_S = 12, 9_000.0, 35.0, 0.032, 0.05
Place = tuple[float, float]


def overlap(onset_s: Float, end_s: Float) -> bool:
    """Whether in most of the time in which notes are held more than one is.

    Args:
        onset_s: [notes].
        end_s: [notes].
    """
    begins, ends = np.sort(onset_s), np.sort(end_s)
    moments = np.unique(np.concatenate([begins, ends]))
    held = np.searchsorted(begins, moments, "right") - np.searchsorted(ends, moments, "right")
    lasts = np.diff(moments, append=moments[-1:])
    return float(lasts[held > 1].sum()) > TOGETHER * float(lasts[held > 0].sum())


def places(notes: list[MeasuredNote], recording: Recording) -> list[Place]:
    """Of each note its pan, −1 … 1, and the gain that keeps its level there.

    Args:
        notes: as measured on the recording's one channel.
        recording: they are of, one channel or two.
    """
    if recording.channels == 1:
        return [(0.0, 1.0)] * len(notes)
    weights = mid_weights(recording.frames)
    if not weights.all():  # the channels cancel: what was analysed is one of them
        return [(0.0, 1.0)] * len(notes)
    left, right = np.maximum(recording.frames.T @ (recording.frames @ weights), 0.0)
    all_of_them = _place(float(left), float(right))
    rate = recording.sample_rate
    pitched = [note for note in notes if len(note.ratio)]
    onset_s = np.array([note.onset / rate for note in pitched])
    if not overlap(onset_s, onset_s + np.array([note.duration_s for note in pitched])):
        return [all_of_them] * len(notes)
    return [
        _own_place(note, pitched, recording) if len(note.ratio) else all_of_them for note in notes
    ]


def _own_place(note: MeasuredNote, notes: list[MeasuredNote], recording: Recording) -> Place:
    rate = recording.sample_rate
    end = _end(note, rate)
    beside = [
        n.pitch_hz for n in notes if n is not note and n.onset < end and _end(n, rate) > note.onset
    ]
    count = max(1, min(PARTIALS, len(note.ratio), int(min(TOP_HZ, 0.45 * rate) / note.pitch_hz)))
    freq_hz = note.pitch_hz * note.ratio[:count]
    clear = clear_of(freq_hz, beside, APART_HZ)
    freq_hz = freq_hz[clear] if clear.any() else freq_hz
    edge = min(EDGE_S * rate, 0.25 * (end - note.onset))
    last = min(len(recording.frames), round(end - edge))
    centres = np.arange(
        min(round(note.onset + edge), last - 1), last, max(1, round(EVERY_S * rate))
    )
    left, right = (
        float(np.sqrt(np.mean(10.0 ** (line_levels(side, rate, freq_hz, centres) / 10.0))))
        for side in recording.frames.T.astype(float)
    )
    return _place(left, right)


def _end(note: MeasuredNote, sample_rate: float) -> float:
    return note.onset + note.duration_s * sample_rate


def _place(left: float, right: float) -> Place:
    """Pan and gain of a sound that is so loud on each side."""
    pan = float(np.arctan2(right, left)) * 4.0 / np.pi - 1.0
    pan = float(np.clip(pan, -1.0, 1.0)) if abs(pan) > CENTRE else 0.0
    angle = (pan + 1.0) * np.pi / 4.0
    return pan, float(np.sqrt(2.0) / (np.cos(angle) + np.sin(angle)))
