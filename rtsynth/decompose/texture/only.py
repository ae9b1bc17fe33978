"""A recording that is one texture: whether it is, and its score of one event. Thread: worker."""

import dataclasses

import numpy as np

from rtsynth.decompose.bake import score_of
from rtsynth.decompose.damped import Float
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.texture.fit import (
    LONGEST_S,
    SHORTEST_S,
    TextureFit,
    fit_texture,
    render_texture,
)
from rtsynth.decompose.texture.hum import find_hum, without_hum
from rtsynth.decompose.texture.statistics import band_levels, bands_below, texture_w1
from rtsynth.events import Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import tonality

__all__ = ["bake_texture", "only_texture", "steady"]

JUDGED_S = 3.0  # in less, a few notes may pass for a texture
STEADY_DB = 5.0
W1 = 0.03
TONAL = 0.3
LONGEST_CLICK_S = 0.1  # what rings longer is a note
RATE_HZ = 1.0


def only_texture(recording: Recording, wanted: bool | None) -> tuple[TextureFit | None, str]:
    """The texture that a recording is, and a note about it; None if it is to be taken apart.

    Args:
        recording: not silent.
        wanted: True for a texture whatever it is, None if it passes for one, False for never.
    """
    least = SHORTEST_S if wanted else JUDGED_S
    beginning = recording.frames[: round(LONGEST_S * recording.sample_rate)].astype(float)
    signal = mid_signal(beginning)
    if wanted is False or recording.seconds < least:
        note = f"too short for a texture: legal: {SHORTEST_S:g} s or more" if wanted else ""
        return None, note
    rate = recording.sample_rate
    if wanted is None and not (steady(signal, rate) and _toneless(signal, rate)):
        return None, ""
    fit = dataclasses.replace(fit_texture(signal, rate), seconds=recording.seconds)
    seconds = min(recording.seconds, 60.0)
    distance = texture_w1(signal[: round(seconds * rate)], render_texture(fit, rate, seconds), rate)
    if wanted is None and (distance >= W1 or not _noise_and_clicks(fit)):
        return None, ""
    return fit, f"one texture event: W1 against its own statistics {distance:.3f} (bar: {W1:g})"


def steady(signal: Float, sample_rate: int) -> bool:
    """Whether the bands' levels fall little below their medians: notes and pauses do not.

    Args:
        signal: [samples].
        sample_rate: Hz.
    """
    level = 10.0 * np.log10(band_levels(signal, sample_rate) + 1e-24)
    low, middle = np.quantile(level[:, : bands_below(sample_rate)], (0.1587, 0.5), axis=0)
    return float(np.median(middle - low)) < STEADY_DB


def _toneless(signal: Float, sample_rate: int) -> bool:
    """Whether little but noise is left once the hum is taken away."""
    hum_hz, _ = find_hum(signal, sample_rate)
    share = tonality(without_hum(signal, sample_rate, hum_hz))
    return share is not None and share < TONAL


def _noise_and_clicks(fit: TextureFit) -> bool:
    """Whether what clicks is short and frequent enough to be no instrument."""
    if fit.click_rate_hz == 0.0:
        return True
    energy = fit.click.energy()
    mean_s = float(np.sum(energy * fit.click.t60_s) / max(float(energy.sum()), 1e-30))
    return mean_s < LONGEST_CLICK_S and fit.click_rate_hz >= RATE_HZ


def bake_texture(fit: TextureFit, recording: Recording) -> tuple[Score, Instrument]:
    """Score and instrument of one event.

    Args:
        fit: what the recording is.
        recording: where it came from.
    """
    instrument = fit.instrument(recording.sample_rate)
    return score_of([fit.event()], instrument, recording), instrument
