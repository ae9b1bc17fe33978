"""Each note of a line by itself: its partials over time, and when it is let go.

The notes are taken in order, each from what the ones before it leave: while two sound together the
earlier goes on as it was, then dies away, and that is taken off before the later one is measured.
Thread: worker.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from rtsynth.decompose.damped import Complex, Float
from rtsynth.decompose.held.legato import HeldNote
from rtsynth.decompose.held.voicing import PATH_STEP_S
from rtsynth.decompose.sustained.holding import fit_release
from rtsynth.decompose.sustained.pitch import STEP_S, phase_of, refine_track, turned_down, window_s
from rtsynth.units import LN1000

__all__ = ["MeasuredNote", "measure_notes"]

TOP_HZ = 20_000.0
LEAD_S, TAIL_S = 0.03, 0.4  # of the recording looked at around a note
BLENDED_S = 0.03  # after it comes to the front, a pitch is not yet sure
HELDS_S = np.arange(0.0, 0.161, 0.016)  # how long a note may sound on at its level
RELEASES_T60_S = np.array([0.05, 0.08, 0.12, 0.18, 0.27, 0.4, 0.6, 0.9, 1.4])
BEFORE_S = 0.03  # of level before the end that is taken for its own
PARTED = 2.4  # periods of the slower beat in a window: lines so far apart do not disturb each other
SEEN_S = 0.04
FOLLOWED_DB, LOUDEST_MISFIT_DB = 25.0, 12.0
SAME_SEMITONES = 0.5
AS_SLOW = 1.5  # times the T60 seen after the end: what falls slower only fades before it is let go
EDGE_S = 0.005
SILENT = 1e-6


@dataclasses.dataclass(frozen=True)
class MeasuredNote:
    """One note of a line, every `STEP_S` from its onset on.

    Attributes:
        onset: sample.
        duration_s: how long it is held.
        release_t60_s: of its partials after that.
        pitch_hz: its mean.
        bend: [points] semitones above that.
        ratio: [partials] over the pitch.
        level: [partials, points] amplitudes.
    """

    onset: int
    duration_s: float
    release_t60_s: float
    pitch_hz: float
    bend: Float
    ratio: Float
    level: Float


def measure_notes(
    signal: Float, sample_rate: float, notes: list[HeldNote], modes: int = 32
) -> tuple[list[MeasuredNote], Float]:
    """The notes of a line as measured, and what they leave of the signal.

    Args:
        signal: [samples].
        sample_rate: Hz.
        notes: as `find_held_notes` gives them.
        modes: at most so many partials each.

    Returns:
        those notes that show partials, and [samples] the signal without them.
    """
    left = signal.copy()
    found = []
    for index, note in enumerate(notes):
        after = notes[index + 1] if index + 1 < len(notes) else None
        measured = _measure(left, sample_rate, note, after, modes)
        if measured is not None:
            found.append(measured)
    return found, left


def _measure(
    left: Float, sample_rate: float, note: HeldNote, after: HeldNote | None, modes: int
) -> MeasuredNote | None:
    first = max(0, note.onset - round(LEAD_S * sample_rate))
    last = min(len(left), note.end + round(TAIL_S * sample_rate))
    part = left[first:last].copy()
    held = (note.end - first) / sample_rate / STEP_S  # points
    track = _track(part, sample_rate, note, first)
    cut = note.end - first
    own = _faded(part, 0, cut, sample_rate)
    amplitude = _harmonics(own, sample_rate, track, modes)
    ratio = np.arange(1.0, len(amplitude) + 1.0)
    start = round((note.onset - first) / sample_rate / STEP_S)
    stop = max(start + 2, int(held))
    level = np.abs(amplitude[:, start:stop])
    hold_s, t60_s = _release(part, sample_rate, track, ratio, note, after, cut)
    if float(level.max()) < SILENT:
        return None
    sound = _sound(
        amplitude, track, sample_rate, int(held), hold_s, t60_s, len(part), cut
    )  # fmt: skip
    left[first:last] -= sound
    extra = max(0, min(round(hold_s / STEP_S), len(track) - stop))
    level = np.concatenate([level, np.repeat(level[:, -1:], extra, axis=1)], axis=1)
    pitch = _mean_pitch(track[start:stop], level[:, : stop - start])
    bend = 12.0 * np.log2(track[start : start + level.shape[1]] / pitch)
    total = np.sqrt(np.sum(level**2, axis=0))
    if after is None or not after.joined:  # it may have been let go before its pitch was gone
        points, let_go_s = fit_release(total, STEP_S)
        if let_go_s is not None and let_go_s < AS_SLOW * t60_s:
            level, bend, t60_s = level[:, :points], bend[:points], let_go_s
    return MeasuredNote(note.onset, level.shape[1] * STEP_S, t60_s, pitch, bend, ratio, level)


def _mean_pitch(track: Float, level: Float) -> float:
    weight = np.sum(level**2, axis=0) + SILENT**2
    return float(np.exp2(np.average(np.log2(track), weights=weight)))


def _harmonics(own: Float, sample_rate: float, track: Float, modes: int) -> Complex:
    """[partials, points] amplitudes of the first harmonics of a moving pitch.

    Harmonics, since what is driven keeps them in step, and a short note shows no lines.
    """
    phase = phase_of(track, len(own), sample_rate)
    seconds = window_s(float(np.median(track)))
    top = max(1, min(modes, int(min(TOP_HZ, 0.45 * sample_rate) / float(track.max()))))
    at = np.minimum(
        np.round(np.arange(len(track)) * STEP_S * sample_rate).astype(int), len(own) - 1
    )
    amplitude = np.empty((top, len(track)), complex)
    for index in range(top):
        amplitude[index] = turned_down(own, (index + 1) * phase, sample_rate, seconds)[at]
    return amplitude


def _track(part: Float, sample_rate: float, note: HeldNote, first: int) -> Float:
    """[points] Hz of the note over its part of the recording, even where another is in front."""
    points = int(len(part) / (STEP_S * sample_rate)) + 2
    time = first / sample_rate + STEP_S * np.arange(points)
    own = note.clear / sample_rate + PATH_STEP_S * np.arange(len(note.track))
    hz = 440.0 * np.exp2((note.track - 69.0) / 12.0)
    sure = np.abs(note.track - note.semitones) < 12.0
    coarse: Float = np.interp(time, own[sure], gaussian_filter1d(hz[sure], 1.0))
    begin = (
        max(note.clear + round(BLENDED_S * sample_rate), note.onset) if note.joined else note.onset
    )
    begin = min(begin, (note.onset + note.end) // 2)
    own_part = _faded(part, begin - first, note.end - first, sample_rate)  # no other note's phases
    fine = refine_track(coarse, own_part, sample_rate)
    near = np.abs(np.log2(fine / coarse)) < 1.0 / 12.0
    clear = near & (time >= begin / sample_rate) & (time < note.end / sample_rate)
    if np.count_nonzero(clear) < 4:
        return coarse
    found: Float = np.interp(time, time[clear], fine[clear])
    return found


def _faded(part: Float, first: int, last: int, sample_rate: float) -> Float:
    """The part from `first` to `last`, silent before and after, with edges of 5 ms."""
    edge = max(2, round(EDGE_S * sample_rate))
    gate = np.zeros(len(part))
    gate[max(0, first) : last] = 1.0
    ramp = np.ones(edge) / edge
    gate = np.convolve(gate, ramp, "same") if len(gate) > edge else gate
    found: Float = part * gate
    return found


def _release(
    part: Float, sample_rate: float, track: Float, ratio: Float, note: HeldNote,
    after: HeldNote | None, cut: int,
) -> tuple[float, float]:  # fmt: skip
    """Seconds the note sounds on past its end, and the T60 it then dies away with."""
    pitch = float(np.interp(cut / sample_rate / STEP_S, np.arange(len(track)), track))
    freq = ratio * pitch
    clear = np.ones(len(freq), bool)
    if after is not None and abs(after.semitones - note.semitones) <= SAME_SEMITONES:
        return 0.0, float(RELEASES_T60_S[1])
    if after is not None and after.onset - note.end < SEEN_S * sample_rate:
        other = 440.0 * 2.0 ** ((after.semitones - 69.0) / 12.0)
        nearest = other * np.maximum(np.round(freq / other), 1.0)
        clear = np.abs(freq - nearest) > PARTED / SEEN_S
    if not clear.any():
        return 0.0, float(RELEASES_T60_S[1])
    hop = round(STEP_S * sample_rate)
    begin = max(0, cut - round(BEFORE_S * sample_rate))
    centres = np.arange(begin, len(part), hop)
    level = _lines(part, sample_rate, freq[clear], centres)
    before = max(1, (cut - begin) // hop)
    held = np.sqrt(np.mean(level[:, :before] ** 2, axis=1))
    strongest = np.argsort(-held)[:6]
    level, held = level[strongest], held[strongest]
    floor = held * 10.0 ** (-FOLLOWED_DB / 20.0)
    seen = 20.0 * np.log10(np.maximum(level, floor[:, None]) + 1e-6)
    age = (centres - cut) / sample_rate
    best, found = np.inf, (0.0, float(RELEASES_T60_S[0]))
    for hold_s in HELDS_S:
        for t60_s in RELEASES_T60_S:
            shape = np.exp(-LN1000 * np.maximum(age - hold_s, 0.0) / t60_s)
            made = 20.0 * np.log10(np.maximum(held[:, None] * shape, floor[:, None]) + 1e-6)
            # what is louder than the note's own tail is something else
            misfit = float(np.sum(np.minimum(np.abs(made - seen), LOUDEST_MISFIT_DB)))
            if misfit < best:
                best, found = misfit, (float(hold_s), float(t60_s))
    if found[1] >= RELEASES_T60_S[-1]:  # it does not fall: what is seen there is another sound
        return 0.0, float(RELEASES_T60_S[1])
    return found


def _lines(part: Float, sample_rate: float, freq_hz: Float, centres: NDArray[np.integer]) -> Float:
    """[freqs, centres] amplitude of each line around each centre."""
    half = round(SEEN_S * sample_rate / 2)
    window = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(part, (half, half))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)[centres]
    time = np.arange(-half, half + 1) / sample_rate
    basis = window[:, None] * np.exp(-2j * np.pi * np.outer(time, freq_hz))
    found: Float = np.abs(frames @ basis).T * 2.0 / window.sum()
    return found


def _sound(
    amplitude: Complex, track: Float, sample_rate: float, held: int,
    hold_s: float, t60_s: float, length: int, cut: int,
) -> Float:  # fmt: skip
    """[length] the partials as they were until `cut`, then as they go on and die away."""
    phase = phase_of(track, length, sample_rate)
    place = np.minimum(np.arange(length) / (STEP_S * sample_rate), held - 4)
    age = np.maximum(np.arange(length) - cut, 0) / sample_rate
    shape = np.exp(-LN1000 * np.maximum(age - hold_s, 0.0) / t60_s)
    points = np.arange(amplitude.shape[1])
    sound = np.zeros(length)
    for number, own in enumerate(amplitude, start=1):
        level = np.interp(place, points, own.real) + 1j * np.interp(place, points, own.imag)
        sound += (level * np.exp(1j * number * phase)).real
    return sound * shape
