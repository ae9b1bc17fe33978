"""How loud an event and each of its modes is over its time, in closed form: for pictures.

What the formula of `rtsynth.instrument` says, without phases: a struck mode falls, a bowed one goes
to its bow's curve with its own decay, noise has its envelope. What a wet drive adds is left out.
Thread: any.
"""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float
from rtsynth.decompose.drawn import Drawing, bent_modes, present_modes
from rtsynth.decompose.smooth_power import smooth_power
from rtsynth.events import Event, Kind
from rtsynth.instrument import NOISE_BANDS, Instrument
from rtsynth.instrument.field import BOW, DRY

__all__ = ["EventShape", "event_shape"]

POINTS = 240
AUDIBLE_LEVELS = 80.0 / 60.0
ATTACK_S = 0.01  # over which an attack's level is taken
SHORTEST_S = 0.02


@dataclasses.dataclass(frozen=True)
class EventShape:
    """An event over its own time.

    Attributes:
        age_s: [points] since its onset.
        freq_hz: [modes, points] as transposed and bent.
        amplitude: [modes, points] of each mode.
        level: [points] RMS amplitude of everything it is made of.
    """

    age_s: Float
    freq_hz: Float
    amplitude: Float
    level: Float


def event_shape(
    event: Event, instrument: Instrument, sample_rate: int, limit_s: float
) -> EventShape:
    """The shape of one event, until it has faded or `limit_s` is over.

    Args:
        event: of any kind; its stretch counts as at least 0.
        instrument: its bank and field.
        sample_rate: Hz.
        limit_s: seconds after the onset.
    """
    age_s = _ages(event, _end_s(event, instrument, limit_s))
    if event.kind == Kind.TEXTURE:
        gain = float(np.linalg.norm(instrument.texture_gain[event.resonance]))
        nothing = np.zeros((0, POINTS))
        return EventShape(age_s, nothing, nothing, np.full(POINTS, event.gain * gain))
    event = dataclasses.replace(event, stretch=max(event.stretch, 0.0))
    drawing = Drawing(event, instrument, float(sample_rate))
    freq, amplitude = _modes(drawing, age_s)
    power = 0.5 * np.sum(amplitude**2, axis=0) + _attack_power(drawing, age_s)
    level = np.sqrt(power + _strike_power(drawing, age_s) + _blown_power(drawing, age_s))
    return EventShape(age_s, freq, event.gain * amplitude, event.gain * level)


def _ages(event: Event, end_s: float) -> Float:
    """[POINTS] evenly, and when it is let go."""
    spread = np.linspace(0.0, end_s, POINTS - 1)
    return np.sort(np.append(spread, min(event.duration_s, end_s)))


def _end_s(event: Event, instrument: Instrument, limit_s: float) -> float:
    """Age at which everything has faded."""
    end = event.duration_s
    if event.kind != Kind.TEXTURE:
        stretch = max(event.stretch, 1e-6)
        tail = float(instrument.tail_s()[event.resonance]) * event.damp / stretch
        slowest = float(instrument.t60_s[event.resonance].max()) * event.damp / stretch
        rest = AUDIBLE_LEVELS / (1.0 / max(slowest, SHORTEST_S) + 1.0 / event.release_s)
        end = min(tail, event.duration_s + rest)
    return max(min(end, limit_s), SHORTEST_S)


def _modes(drawing: Drawing, age_s: Float) -> tuple[Float, Float]:
    """[modes, points] frequency and amplitude."""
    event, instrument, rate = drawing.event, drawing.instrument, drawing.sample_rate
    present, gains = present_modes(event, instrument)
    struck = np.abs(gains) * float(instrument.impulse[event.resonance])
    bow = np.abs(gains) * float(instrument.bow[event.resonance])
    amplitude = np.zeros((len(present), len(age_s)))
    controls = drawing.controls(age_s * event.stretch * rate)
    bowed, before = np.zeros(len(present)), 0.0
    let_go = age_s > event.duration_s
    s, gain = bent_modes(drawing, present, age_s, controls, let_go)
    for point, age in enumerate(age_s.tolist()):
        fallen = np.exp(s[point].real * rate * (age - before))
        target = np.zeros(len(present)) if let_go[point] else bow * 2.0 ** controls[point, BOW]
        struck, bowed, before = struck * fallen, target + (bowed - target) * fallen, age
        amplitude[:, point] = gain[point] * (struck + bowed)
    return s.imag.T * rate / (2.0 * np.pi), amplitude


def _attack_power(drawing: Drawing, age_s: Float) -> Float:
    attack = drawing.instrument.attack[drawing.event.resonance].astype(float)
    if not attack.any():
        return np.zeros(len(age_s))
    rate = drawing.instrument.attack_rate
    smooth = smooth_power(attack, round(ATTACK_S * rate), "nearest")
    power: Float = np.interp(age_s, np.arange(len(smooth)) / rate, smooth, right=0.0)
    return power


def _strike_power(drawing: Drawing, age_s: Float) -> Float:
    """Of the strike's noise as it is heard dry."""
    index, instrument = drawing.event.resonance, drawing.instrument
    length = float(instrument.strike_s[index])
    if length <= 0:
        return np.zeros(len(age_s))
    envelope = instrument.strike_envelope[index].astype(float)
    place = np.linspace(0.0, length, len(envelope))
    loud = float(instrument.strike_dry[index] * np.linalg.norm(instrument.strike_filter[index]))
    level: Float = loud * np.interp(age_s, place, envelope, right=0.0)
    return level**2


def _blown_power(drawing: Drawing, age_s: Float) -> Float:
    """Of the blown noise as it is heard dry."""
    event, instrument = drawing.event, drawing.instrument
    index = event.resonance
    aged = age_s * event.stretch
    controls = drawing.controls(aged * drawing.sample_rate)
    t60 = instrument.blow_t60_s[index].astype(float)
    fall = np.where(t60 > 0, 3.0 / np.maximum(t60, 1e-3), 0.0) / event.damp
    band = (
        instrument.blow_gain[index]
        * 2.0 ** controls[:, :NOISE_BANDS]
        * 10.0 ** -(aged[:, None] * fall)
    )
    dry = float(instrument.blow_dry[index]) * 2.0 ** controls[:, DRY]
    power: Float = np.sum(band**2, axis=1) * (dry * (age_s < event.duration_s)) ** 2
    return power
