"""A recording that is a texture, or several in turn: whether it is, and its score.

Thread: worker.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.bake import score_of
from rtsynth.decompose.damped import Float
from rtsynth.decompose.onset import find_onsets
from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.texture.changes import find_changes
from rtsynth.decompose.texture.fit import (
    LONGEST_S,
    SHORTEST_S,
    SILENCE,
    TextureFit,
    fit_texture,
    render_texture,
)
from rtsynth.decompose.texture.hum import find_hum, without_hum
from rtsynth.decompose.texture.statistics import band_levels, bands_below, texture_w1
from rtsynth.events import Event, Score
from rtsynth.instrument import Instrument
from rtsynth.metrics import tonality

__all__ = ["Textures", "bake_texture", "only_texture", "steady"]

JUDGED_S = 3.0  # in less, a few notes may pass for a texture
STEADY_DB = 5.0
W1 = 0.1  # water, a printer, hiss, a worn record: 0.002 … 0.073; a dense drum loop has 0.14
TONAL = 0.5  # of the same at most 0.42; a dense drum loop has 0.55, notes 0.7 and more
COMPARED_S = 60.0
AFTER_S, BEFORE_S = (0.02, 0.08), (0.04, 0.005)
LASTING_DB = 3.0  # textures have 1 at most, cymbals struck six or eight times a second 5 and more
LONGEST_CLICK_S = 0.1  # what rings longer is a note
RATE_HZ = 1.0


@dataclasses.dataclass(frozen=True)
class Textures:
    """Textures one after another.

    Attributes:
        fits: what each is, silence too; their lengths add up to the recording's.
    """

    fits: list[TextureFit]

    @property
    def sounding(self) -> list[TextureFit]:
        """All but silence."""
        return [fit for fit in self.fits if fit.sounds]

    def events(self) -> list[Event]:
        """One event each, on resonances from 0 up."""
        onset_s, events, alone = 0.0, list[Event](), len(self.sounding) == 1
        for fit in self.fits:
            if fit.sounds:
                index = len(events)
                name = "texture" if alone else f"texture-{index + 1}"
                event = fit.event(index + 1, index)
                events.append(dataclasses.replace(event, onset_s=onset_s, name=name))
            onset_s += fit.seconds
        return events

    def instrument(self, sample_rate: int) -> Instrument:
        """A resonance for each that sounds."""
        modes = max(1, *(len(fit.click) for fit in self.fits))
        made = Instrument.blank(len(self.sounding), modes, attack_rate=sample_rate)
        for index, fit in enumerate(self.sounding):
            fit.write(made, index)
        return made


def only_texture(recording: Recording, wanted: bool | None) -> tuple[Textures | None, str]:
    """The texture, or textures in turn, that a recording is, and a note about it.

    Args:
        recording: not silent.
        wanted: True for one texture whatever it is, None for what passes for textures, False for
            never.

    Returns:
        the textures, None if the recording is to be taken apart; and what to tell people.
    """
    least = SHORTEST_S if wanted else JUDGED_S
    beginning = recording.frames[: round(LONGEST_S * recording.sample_rate)].astype(float)
    signal = mid_signal(beginning)
    if wanted is False or recording.seconds < least:
        note = f"too short for a texture: legal: {SHORTEST_S:g} s or more" if wanted else ""
        return None, note
    rate = recording.sample_rate
    if wanted:
        fit, distance = _fitted(signal, rate)
        return _lasting([fit], recording), f"one texture event: {_told(distance)}"
    # of a longer recording only the beginning is known: one texture or none
    cuts = find_changes(signal, rate) if recording.seconds <= LONGEST_S else []
    fits, distances = [], []
    for part in np.split(signal, cuts):
        silent = float(part.std()) < SILENCE
        judged = (TextureFit.silence(len(part) / rate), 0.0) if silent else _judged(part, rate)
        if judged is None:
            return None, ""
        fits.append(judged[0])
        distances.append(judged[1])
    found = _lasting(fits, recording)
    count = len(found.sounding)
    events = f"{count} texture events" if count > 1 else "one texture event"
    return found, f"{events}: {_told(max(distances))}"


def _told(distance: float) -> str:
    return f"W1 against its own statistics {distance:.3f} (bar: {W1:g})"


def _lasting(fits: list[TextureFit], recording: Recording) -> Textures:
    """Textures of which the last goes on to the end of the recording."""
    known = sum(fit.seconds for fit in fits[:-1])
    last = dataclasses.replace(fits[-1], seconds=recording.seconds - known)
    return Textures([*fits[:-1], last])


def _judged(signal: Float, sample_rate: int) -> tuple[TextureFit, float] | None:
    """A texture that a signal passes for, and how far it is from it; None if it is none."""
    if not (steady(signal, sample_rate) and _toneless(signal, sample_rate)):
        return None
    if _struck(signal, sample_rate):
        return None
    fit, distance = _fitted(signal, sample_rate)
    return (fit, distance) if distance < W1 and _noise_and_clicks(fit) else None


def _fitted(signal: Float, sample_rate: int) -> tuple[TextureFit, float]:
    """The texture that fits a signal best, and how far apart their statistics are."""
    fit = fit_texture(signal, sample_rate)
    seconds = min(len(signal) / sample_rate, COMPARED_S)
    made = render_texture(fit, sample_rate, seconds)
    distance = texture_w1(signal[: round(seconds * sample_rate)], made, sample_rate)
    return fit, distance


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


def _struck(signal: Float, sample_rate: int) -> bool:
    """Whether the noise itself is louder after onsets than before them, as a cymbal's is.

    Medians of the squares: clicks are too short to count.
    """
    power, rises_db = signal**2, []
    for onset in find_onsets(signal, sample_rate):
        begin, end = (onset + round(s * sample_rate) for s in AFTER_S)
        first, last = (max(0, onset - round(s * sample_rate)) for s in BEFORE_S)
        if first < last and end <= len(power):
            parts = power[first:last], power[begin:end]
            levels = [float(np.median(part)) + 1e-20 for part in parts]
            rises_db.append(10.0 * np.log10(levels[1] / levels[0]))
    return bool(rises_db) and float(np.median(rises_db)) > LASTING_DB


def _noise_and_clicks(fit: TextureFit) -> bool:
    """Whether what clicks is short and frequent enough to be no instrument."""
    if fit.click_rate_hz == 0.0:
        return True
    energy = fit.click.energy()
    mean_s = float(np.sum(energy * fit.click.t60_s) / max(float(energy.sum()), 1e-30))
    return mean_s < LONGEST_CLICK_S and fit.click_rate_hz >= RATE_HZ


def bake_texture(textures: Textures, recording: Recording) -> tuple[Score, Instrument]:
    """Score and instrument of one event per texture.

    Args:
        textures: what the recording is.
        recording: where it came from.
    """
    instrument = textures.instrument(recording.sample_rate)
    return score_of(textures.events(), instrument, recording), instrument
