"""Held or struck, one voice or several: told by which of the models is closer.

Some held notes fade after every onset, and speech is hardly periodic, so no rule about the sound
alone parts the held from the struck. Their models do: strikes that are none leave much, and a line
that is none has one pitch where there are several. Chords that are held have a common period, as
a line they are one event each; so where several keys sound at once their notes are measured, too,
and what is closer to the recording's levels is taken. Thread: worker.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.disk import Samples
from rtsynth.decompose.held.band_error import band_error, line_error
from rtsynth.decompose.held.draft import LONGEST_S, find_line, measured_line
from rtsynth.decompose.held.legato import split_path
from rtsynth.decompose.held.line import HeldLine
from rtsynth.decompose.held.or_struck import falling_after_onsets, later_louder
from rtsynth.decompose.held.voicing import PitchPath, level_path, pitch_path
from rtsynth.decompose.panning import mid_signal, one_channel_of
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.voices.line import measured_voices
from rtsynth.decompose.voices.roll import sounding_keys
from rtsynth.metrics import snr

__all__ = ["clearly_closer", "held_if_closer", "looks_held", "may_be_held", "surely_held"]

EXPLAINED_DB = 20.0  # strikes whose sum is as close as that are strikes
VOICED = 0.6  # of the energy lies on the path of one pitch; of speech 0.63 to 1
SWELLING = 0.1  # of the notes' time, in those that grow after their beginning: plucks have less
SNRS_DB, SHARES = (8.0, 16.0), (0.8, 0.4)  # of the strikes, and most of their error it may have
AS_CLOSE = 1.3  # times the band error of one line, in which chords are one event each
HARDLY_FALLING = 0.4  # share of the time after onsets; held chords have 0 to 0.34, struck 0.95 to 1
LOOK_S = 5.0  # the loudest so long is looked at first


def surely_held(recording: Recording, modes: int) -> HeldLine | None:
    """A recording that surely is held notes of one voice or several, which have no strikes.

    Args:
        recording: of any kind.
        modes: at most so many partials of a note.

    Returns:
        None for what is struck, and what may be either.
    """
    if recording.seconds > LONGEST_S:
        return None
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    found = find_line(recording)
    if found is None:
        return measured_voices(signal, rate, modes) if _hardly_falls(signal, rate) else None
    line, voices = measured_line(*found, rate, modes), measured_voices(signal, rate, modes)
    return _one_or_several(line, voices, signal, rate)[0]


def looks_held(recording: Recording) -> bool:
    """Whether a recording surely is held notes, before any of them is measured."""
    if recording.seconds > LONGEST_S:
        return False
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    if find_line(recording) is not None:
        return True
    return _hardly_falls(signal, rate) and sounding_keys(signal, rate).shows_several()


def may_be_held(recording: Recording) -> bool:
    """Whether a recording's loudest seconds have one pitch, in notes that swell, or several."""
    if recording.seconds > LONGEST_S:
        return False
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    part = signal[_loudest(signal, rate)]
    return _swells(*_notes(part, rate)) or sounding_keys(part, rate).shows_several()


def held_if_closer(recording: Recording, resynthesis: Samples, modes: int) -> HeldLine | None:
    """A recording that may be held as one voice or several, if clearly closer than its strikes.

    Args:
        recording: not silent.
        resynthesis: [frames, channels] of the strikes.
        modes: at most so many partials of a note.

    Returns:
        None where the strikes explain the recording, or nothing held explains it better.
    """
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    struck = one_channel_of(resynthesis, recording)
    if _snr_db(signal, struck) > EXPLAINED_DB:
        return None
    loudest = _loudest(signal, rate)
    if loudest != slice(0, len(signal)):
        if _closer(signal[loudest], struck[loudest], rate, modes) is None:
            return None
    return _closer(signal, struck, rate, modes)


def clearly_closer(of_line: float, of_strikes: float, snr_db: float) -> bool:
    """Whether a line's band error is so much smaller than that of strikes with such an SNR."""
    if snr_db > EXPLAINED_DB:
        return False
    return of_line < float(np.interp(snr_db, SNRS_DB, SHARES)) * of_strikes


def _hardly_falls(signal: Float, sample_rate: int) -> bool:
    level_db = level_path(signal, sample_rate)
    return falling_after_onsets(signal, sample_rate, level_db) < HARDLY_FALLING


def _notes(signal: Float, sample_rate: int) -> tuple[PitchPath, list[tuple[int, int]]]:
    path = pitch_path(signal, sample_rate)
    return path, split_path(path)


def _swells(path: PitchPath, pieces: list[tuple[int, int]]) -> bool:
    power = 10.0 ** (path.level_db / 10.0)
    voiced = float(power[np.isfinite(path.semitones)].sum())
    alone = voiced > VOICED * float(power.sum())
    return alone and later_louder(path.level_db, pieces) > SWELLING


def _closer(signal: Float, struck: Float, sample_rate: int, modes: int) -> HeldLine | None:
    path, pieces = _notes(signal, sample_rate)
    line = None
    if _swells(path, pieces):
        line = measured_line(signal, path, pieces, sample_rate, modes)
    voices = measured_voices(signal, sample_rate, modes)
    held, of_held = _one_or_several(line, voices, signal, sample_rate)
    if held is None:
        return None
    of_strikes = band_error(signal, struck, sample_rate)
    return held if clearly_closer(of_held, of_strikes, _snr_db(signal, struck)) else None


def _one_or_several(
    line: HeldLine | None, voices: HeldLine | None, signal: Float, sample_rate: int
) -> tuple[HeldLine | None, float]:
    """The voices unless one line is much closer, and how far that is, dB; infinite for none."""
    of_line, of_voices = (
        np.inf if held is None else line_error(held, signal, sample_rate) for held in (line, voices)
    )
    if of_voices < AS_CLOSE * of_line:
        return voices, of_voices
    return line, of_line


def _snr_db(signal: Float, struck: Float) -> float:
    found = snr(signal, struck)
    return np.inf if found is None else found


def _loudest(signal: Float, sample_rate: int) -> slice:
    length = round(LOOK_S * sample_rate)
    if len(signal) <= length:
        return slice(0, len(signal))
    total = np.concatenate([[0.0], np.cumsum(signal**2)])
    first = int(np.argmax(total[length:] - total[:-length]))
    return slice(first, first + length)
