"""The notes of several held voices at once: from when to when, and on which pitch.

A key that sounds is a note; it begins where those of its partials rise that no other note is near,
and is two where they all dip, the sound with them, and an onset follows that no other note makes.
Thread: worker.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.entering import clear_of, line_levels, rise_of
from rtsynth.decompose.held.or_struck import THRESHOLD
from rtsynth.decompose.keys.keyboard import key_hz
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.voices.note import VoiceNote, harmonics
from rtsynth.decompose.voices.roll import COLUMN_S, Roll

__all__ = ["notes_of"]

PARTIALS = 16
APART_HZ = 35.0  # in the window by which their levels are seen
SHORTEST_S = 0.08
BEFORE_S, AFTER_S = 0.18, 0.22  # around where the roll has a note begin, up to 0.14 s too soon
ALREADY_S, STILL_S = 0.06, 0.15  # before its beginning: a note sounds already, has just ended
SAME_ONSET_S = 0.08  # a note whose entry is hidden enters with one whose is not
LOOK_S = 0.008
DEEP_DB = 7.0  # of a dip that is one though another note enters there
DIP_DB, BOTTOM_DB, SPLIT_S, FELL_S, RISES_S, RISING_S = 6.0, 3.0, 0.12, 0.2, 0.2, 0.08
ONSET_S, OTHERS_S = (-0.06, 0.1), (-0.06, 0.1)  # of the end of a dip
FEWEST, SEEN_DB, SMOOTHING = 3, 30.0, 1.5


def notes_of(roll: Roll, signal: Float, sample_rate: float) -> list[VoiceNote]:
    """Every note of a roll, in order of onset.

    Args:
        roll: of the signal.
        signal: [samples].
        sample_rate: Hz.
    """
    column = round(COLUMN_S * sample_rate)
    rough = [
        VoiceNote(first * column, min(last * column, len(signal)), key_hz(float(key), roll.tuning))
        for first, last, key in roll.runs()
        if first * column < len(signal)
    ]
    onsets = find_onsets(signal, int(sample_rate), THRESHOLD).astype(float)
    entries = [_entry(note, rough, signal, sample_rate) for note in rough]
    known = np.array([entry for entry in entries if entry is not None])
    entered = [
        _entering(note, entry, known, sample_rate)
        for note, entry in zip(rough, entries, strict=True)
    ]
    return sorted(
        part for note in entered for part in _split(note, entered, onsets, signal, sample_rate)
    )


def _entry(
    note: VoiceNote, notes: list[VoiceNote], signal: Float, sample_rate: float
) -> int | None:
    """Sample at which partials of a note rise that no note before it is near; None if none do."""
    sounding = [
        other.pitch_hz
        for other in notes
        if other is not note
        and other.onset < note.onset - ALREADY_S * sample_rate
        and other.end > note.onset - STILL_S * sample_rate
    ]
    freq_hz = harmonics(note.pitch_hz, PARTIALS, sample_rate)
    freq_hz = freq_hz[clear_of(freq_hz, sounding, APART_HZ)]
    first = note.onset - round(BEFORE_S * sample_rate)
    last = min(len(signal), note.onset + round(AFTER_S * sample_rate))
    found = rise_of(signal, sample_rate, freq_hz, first, last)
    return None if found is None else max(0, found)


def _entering(
    note: VoiceNote, entry: int | None, known: NDArray[np.int64], sample_rate: float
) -> VoiceNote:
    """The note from its entry on; from another's beside it, or as the roll has it, without one."""
    if entry is None and len(known):
        nearest = int(known[np.argmin(np.abs(known - note.onset))])
        if abs(nearest - note.onset) < SAME_ONSET_S * sample_rate:
            entry = nearest
    if entry is None or note.end - entry < SHORTEST_S * sample_rate:
        return note
    return dataclasses.replace(note, onset=entry)


def _split(
    note: VoiceNote, notes: list[VoiceNote], onsets: Float, signal: Float, sample_rate: float
) -> list[VoiceNote]:
    """A note as those it is, if it is played again."""
    if note.end - note.onset < 2.0 * SPLIT_S * sample_rate:
        return [note]
    beside = [other for other in notes if other is not note]
    margin = STILL_S * sample_rate
    others = [o.pitch_hz for o in beside if o.sounds(note.onset - margin, note.end)]
    freq_hz = harmonics(note.pitch_hz, PARTIALS, sample_rate)
    freq_hz = freq_hz[clear_of(freq_hz, others, APART_HZ)]
    if len(freq_hz) < FEWEST:
        return [note]
    centres = np.arange(note.onset, note.end, round(LOOK_S * sample_rate))
    level = line_levels(signal, sample_rate, freq_hz, centres)
    usual = np.median(level, axis=1)
    seen = usual > usual.max() - SEEN_DB
    if np.count_nonzero(seen) < FEWEST:
        return [note]
    each = gaussian_filter1d(np.median(level[seen], axis=0), SMOOTHING)
    power = np.sum(10.0 ** (level[seen] / 10.0), axis=0)
    together = gaussian_filter1d(10.0 * np.log10(power), SMOOTHING)
    entering = np.array([other.onset for other in beside], float)
    parts, latest = [note], note.end - round(SHORTEST_S * sample_rate)
    for first, last in _dips(each):
        after = float(centres[last])
        depth = min(_depth(each, first, last), _depth(together, first, last))
        hidden = _any_within(entering - after, OTHERS_S, sample_rate) and depth < DEEP_DB
        if depth < DIP_DB or hidden or not _any_within(onsets - after, ONSET_S, sample_rate):
            continue
        begin = round(after - RISING_S * sample_rate)
        end = min(len(signal), round(after + RISES_S * sample_rate))
        again = rise_of(signal, sample_rate, freq_hz[seen], begin, end)
        onset = int(after) if again is None else min(again, latest)
        before = dataclasses.replace(parts[-1], end=int(centres[first]))
        parts[-1:] = [before, dataclasses.replace(note, onset=onset)]
    return parts


def _dips(level_db: Float) -> list[tuple[int, int]]:
    """First and last point of every dip that is deep enough, none near another or an end."""
    inner = np.flatnonzero((level_db[1:-1] < level_db[:-2]) & (level_db[1:-1] <= level_db[2:])) + 1
    apart = round(SPLIT_S / LOOK_S)
    kept: list[tuple[int, int]] = []
    for place in sorted(inner.tolist(), key=lambda i: float(level_db[i])):
        higher = np.flatnonzero(level_db > level_db[place] + BOTTOM_DB)
        before, after = higher[higher < place], higher[higher > place]
        if not len(before) or not len(after):
            continue
        first, last = int(before[-1]), int(after[0])
        ends = (-1, len(level_db), *(end for dip in kept for end in dip))
        far = all(end <= first - apart or end >= last + apart for end in ends)
        if far and _depth(level_db, first, last) > DIP_DB:
            kept.append((first, last))
    return sorted(kept)


def _depth(level_db: Float, first: int, last: int) -> float:
    """How far below both what was and what comes a dip reaches, dB."""
    before = level_db[max(0, first - round(FELL_S / LOOK_S)) : first + 1]
    after = level_db[last : last + round(RISES_S / LOOK_S)]
    return float(min(before.max(), after.max()) - level_db[first : last + 1].min())


def _any_within(
    away: Float | NDArray[np.int64], seconds: tuple[float, float], sample_rate: float
) -> bool:
    """Whether any distance in samples lies between two times."""
    low, high = seconds
    return bool(np.any((away > low * sample_rate) & (away < high * sample_rate)))
