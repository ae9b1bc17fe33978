"""A line of sustained notes that was taken for struck ones: told by which of the two is closer.

Some held notes fade after every onset, and speech is hardly periodic, so no rule about the sound
alone parts the held from the struck. Their models do: strikes that are none leave much, and a line
that is none has one pitch where there are several. Chords that are held have a common period: as
a line they are one event each, which is not what was played, but sounds like it, as strikes do not.
Thread: worker.
"""

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.disk import Samples
from rtsynth.decompose.held.draft import LONGEST_S, measured_line
from rtsynth.decompose.held.legato import split_path
from rtsynth.decompose.held.line import HeldLine
from rtsynth.decompose.held.or_struck import later_louder
from rtsynth.decompose.held.sounding import line_sound
from rtsynth.decompose.held.voicing import PitchPath, pitch_path
from rtsynth.decompose.panning import mid_signal, one_channel_of
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.sustained.blowing import band_power
from rtsynth.metrics import snr

__all__ = ["band_error", "clearly_closer", "line_if_closer", "may_be_line"]

EXPLAINED_DB = 20.0  # strikes whose sum is as close as that are strikes
VOICED = 0.6  # of the energy lies on the path of one pitch; of speech 0.63 to 1
SWELLING = 0.1  # of the notes' time, in those that grow after their beginning: plucks have less
SNRS_DB, SHARES = (8.0, 16.0), (0.8, 0.4)  # of the strikes, and most of their error it may have
LOOK_S = 5.0  # the loudest so long is looked at first
FLOOR_DB = 60.0  # below the loudest band
STEP_S = 0.008  # between the points at which levels are compared


def may_be_line(recording: Recording) -> bool:
    """Whether a recording's loudest seconds have one pitch, in notes that swell now and then."""
    if recording.seconds > LONGEST_S:
        return False
    signal = mid_signal(recording.frames)
    part = signal[_loudest(signal, recording.sample_rate)]
    return _swells(*_notes(part, recording.sample_rate))


def line_if_closer(recording: Recording, resynthesis: Samples, modes: int) -> HeldLine | None:
    """A recording that may be a line as one, if that is clearly closer than its strikes.

    Args:
        recording: not silent.
        resynthesis: [frames, channels] of the strikes.
        modes: at most so many partials of a note.

    Returns:
        None where the strikes explain the recording, or a line does not explain it better.
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


def band_error(signal: Float, other: Float, sample_rate: float) -> float:
    """Mean difference in decibels of the levels in 32 bands every 8 ms.

    Args:
        signal: [samples].
        other: [samples] as long.
        sample_rate: Hz.
    """
    count = int(len(signal) / (STEP_S * sample_rate)) + 1
    one, two = (band_power(s, sample_rate, 0, count, STEP_S) for s in (signal, other))
    floor = float(one.max()) * 10.0 ** (-FLOOR_DB / 10.0) + np.finfo(float).tiny
    return float(np.mean(np.abs(10.0 * np.log10((one + floor) / (two + floor)))))


def clearly_closer(of_line: float, of_strikes: float, snr_db: float) -> bool:
    """Whether a line's band error is so much smaller than that of strikes with such an SNR."""
    if snr_db > EXPLAINED_DB:
        return False
    return of_line < float(np.interp(snr_db, SNRS_DB, SHARES)) * of_strikes


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
    if not _swells(path, pieces):
        return None
    line = measured_line(signal, path, pieces, sample_rate, modes)
    if line is None:
        return None
    partials, noise = line_sound(line, sample_rate, len(signal))
    of_line = band_error(signal, partials + noise, sample_rate)
    of_strikes = band_error(signal, struck, sample_rate)
    return line if clearly_closer(of_line, of_strikes, _snr_db(signal, struck)) else None


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
