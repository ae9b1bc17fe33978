"""Noise that moves: an event per stretch of it, its levels in 32 bands drawn by a field.

A texture of statistics has the colour of wind, waves or a machine and nothing of their course; and
where such a recording has onsets, strikes that are none are found at them. Noise whose bands follow
the recording is right in both, and stays noise: its phases are random, and past what was recorded
the field goes on drawing. Steady noise has no course: statistics are all there is to know of it.
Thread: worker.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.disk import Samples
from rtsynth.decompose.held.band_error import band_error
from rtsynth.decompose.held.draft import LONGEST_S
from rtsynth.decompose.held.line import HeldLine
from rtsynth.decompose.held.noise_line import noise_line
from rtsynth.decompose.held.sounding import line_sound
from rtsynth.decompose.panning import mid_signal, one_channel_of
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.texture.fit import TextureFit, render_texture
from rtsynth.decompose.texture.only import Textures
from rtsynth.instrument import NOISE_BANDS
from rtsynth.metrics import multi_resolution, snr, tonality

__all__ = ["may_be_noise", "noise_if_closer", "textures_move"]

MOVES = 1.1  # times the difference of two steady noises: steady noise has 0.99 to 1.01
HUM = 0.01  # of the noise: as noise in its band more would be heard
TONAL = 0.75  # of the energy in lines: what has more is no noise
EXPLAINED_DB, FURTHER = 6.0, 1.25  # strikes with such an SNR stay, others if so much further off


def textures_move(textures: Textures, signal: Float, sample_rate: int) -> bool:
    """Whether a texture of several in turn is further from steady noise than chance takes it.

    Clicks are no motion, wherever they come; hum is no noise: where it is heard, all stand still.

    Args:
        textures: one after another.
        signal: [samples] of them all.
        sample_rate: Hz.
    """
    ends = np.cumsum([round(fit.seconds * sample_rate) for fit in textures.fits])
    parts = np.split(signal, ends[:-1])
    if any(_hums(fit) for fit in textures.fits):
        return False
    return any(
        fit.sounds and _moves(fit, part, sample_rate)
        for fit, part in zip(textures.fits, parts, strict=True)
    )


def _hums(fit: TextureFit) -> bool:
    return 0.5 * float(np.sum(fit.hum_gain**2)) > HUM * float(np.sum(fit.band_gain**2))


def _moves(fit: TextureFit, signal: Float, sample_rate: int) -> bool:
    steady = dataclasses.replace(fit, am_depth_db=np.zeros(NOISE_BANDS), am_rate_hz=0.0)
    one, other = (
        render_texture(steady, sample_rate, len(signal) / sample_rate, seed) for seed in (1, 2)
    )
    chance = band_error(one, other, sample_rate)
    return band_error(signal, one, sample_rate) > MOVES * chance


def may_be_noise(recording: Recording) -> bool:
    """Whether little of a recording's energy lies in lines, and a field can learn all of it."""
    if recording.seconds > LONGEST_S:
        return False
    share = tonality(mid_signal(recording.frames))
    return share is not None and share < TONAL


def noise_if_closer(recording: Recording, resynthesis: Samples) -> HeldLine | None:
    """A recording as noise that moves, if that is clearly closer to it than its strikes are.

    Closer in the mean difference of log-magnitudes, several resolutions together; strikes that
    explain most of the waveform are strikes, for they can be played one by one.

    Args:
        recording: not silent.
        resynthesis: [frames, channels] of the strikes.
    """
    signal, rate = mid_signal(recording.frames), recording.sample_rate
    struck = one_channel_of(resynthesis, recording)
    explained_db = snr(signal, struck)
    if explained_db is None or explained_db > EXPLAINED_DB:
        return None
    line = noise_line(signal, rate)
    if line is None:
        return None
    noise = line_sound(line, rate, len(signal))[1]
    loud = 1.0 / float(np.abs(signal).max())  # the distance has a floor of its own
    of_strikes, of_noise = (
        multi_resolution(loud * signal, loud * sound)[1] for sound in (struck, noise)
    )
    return line if of_strikes > FURTHER * of_noise else None
