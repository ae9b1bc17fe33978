"""The reference for what ticks decide: drawn controls, bow, blown noise, in float64. Thread: any.

Poles are constant within a tick of 32 frames and have the controls of its middle; gains of modes
move linearly from tick to tick. The formula is that of `rtsynth.instrument`.
"""

import dataclasses
import itertools

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Complex, Float
from rtsynth.decompose.tick_paths import TickPaths
from rtsynth.dsp.blown import BREATH, IN_PHASE
from rtsynth.dsp.draw import CURVE_RATE
from rtsynth.dsp.fft import GRAIN
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.noise import fill_white, uniform_at
from rtsynth.dsp.texture import DB_PER_OCTAVE, HOP, band_weights, grain_window
from rtsynth.events import Event
from rtsynth.instrument import CONTROL_LIMITS, CONTROLS, NOISE_BANDS, NOISE_EDGES_HZ, Instrument
from rtsynth.instrument.field import (
    BEND,
    BOW,
    BRIGHT,
    DAMP,
    DRY,
    TONE,
    TONE_BANDS,
    TONE_LOW_HZ,
    WET,
    tone_place,
)
from rtsynth.units import LN1000

__all__ = [
    "RELEASE_FADE_S",
    "Drawing",
    "bent_modes",
    "blown_noise",
    "drawn_attack",
    "even_noise",
    "held_gain",
    "present_modes",
    "sounding_modes",
    "tone_between",
]

RELEASE_FADE_S = 0.005
QUIET = 1e-12
PATHS = 1 << 18  # points of modes at once: a few MB
ANALYSIS = grain_window()  # as the engine has it, in float32


@dataclasses.dataclass(frozen=True)
class Drawing:
    """One event on one instrument at one rate.

    Attributes:
        event: modal; its stretch is ≥ 0.
        instrument: its bank and field.
        sample_rate: Hz.
        phase: frames by which the onset lies after the start of a tick, 0 … 31.
        members: gains of the field's members.
    """

    event: Event
    instrument: Instrument
    sample_rate: float
    phase: int = 0
    members: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)

    def controls(self, age: Float) -> Float:
        """[ages, 54] at ages in frames, read linearly from curves of 250 points per second."""
        out = np.zeros((len(age), len(CONTROLS)))
        field = self.instrument.field
        if field is None:
            return out
        place = np.maximum(age, 0.0) / self.sample_rate * CURVE_RATE
        points = np.arange(int(place.max(initial=0.0)) + 2)
        event = self.event
        drawn = field.draw_controls(
            event.resonance, np.array(event.vector), points / CURVE_RATE, event.duration_s
        )
        total = np.tensordot(np.array(self.members), drawn, 1)
        for c in range(field.drawn):
            out[:, c] = np.interp(place, points, total[:, c])
        return np.clip(out, CONTROL_LIMITS[:, 0], CONTROL_LIMITS[:, 1])

    @property
    def held(self) -> float:
        """Frames until it is let go."""
        return float(np.ceil(self.event.duration_s * self.sample_rate))

    def ticks(self, limit: int) -> list[tuple[int, int]]:
        """First and last frame, from the onset, of every piece with constant poles."""
        edges = {0, limit, *range(TICK - self.phase, limit, TICK)}
        if self.held < limit:
            edges.add(int(self.held))
        cuts = sorted(edges)
        return list(itertools.pairwise(cuts))

    def middles(self, first: NDArray[np.intp]) -> Float:
        """Ages in frames at the middles of the ticks that hold some frames."""
        within = (first + self.phase) // TICK * TICK + TICK // 2 - self.phase
        return within.astype(np.float64)


def sounding_modes(drawing: Drawing, limit: int, drive: Float | None = None) -> Float:
    """[limit] the modes under impulse, drive and bow.

    Args:
        drawing: the event.
        limit: frames.
        drive: [≤ limit] besides the impulse, if any.
    """
    event, instrument, rate = drawing.event, drawing.instrument, drawing.sample_rate
    present, gain_a = present_modes(event, instrument)
    out = np.zeros(limit)
    if len(present) == 0:
        return out
    driving = np.zeros(limit)
    if drive is not None:
        driving[: min(len(drive), limit)] = drive[:limit]
    driving[0:1] += float(instrument.impulse[event.resonance]) * rate
    bow = float(instrument.bow[event.resonance]) * gain_a
    paths = TickPaths(gain_a / rate)
    at_once = max(1, PATHS // (TICK * len(present)))
    ticks = np.array(drawing.ticks(limit)).reshape(-1, 2)
    for begin in range(0, len(ticks), at_once):
        pieces = ticks[begin : begin + at_once]
        middles = drawing.middles(pieces[:, 0])
        controls = drawing.controls(middles * event.stretch)
        let_go = pieces[:, 0] >= drawing.held
        s, gain = bent_modes(drawing, present, middles / rate, controls, let_go)
        steady = np.where(let_go, 0.0, np.exp2(controls[:, BOW]))[:, None] * bow
        first, last = pieces[0, 0], pieces[-1, 1]
        out[first:last] = paths.follow(s, gain, steady, pieces - first, driving[first:last])
    return out


def present_modes(event: Event, instrument: Instrument) -> tuple[NDArray[np.intp], Complex]:
    """Indices of the modes there are, and what an impulse or the bow of strength 1 gives each."""
    present = np.flatnonzero(instrument.freq_hz[event.resonance] > 0)
    parts = instrument.mode_gain[event.resonance, present].astype(float)
    gains: Complex = parts[:, 0] + 1j * parts[:, 1]
    return present, gains


def bent_modes(
    drawing: Drawing,
    present: NDArray[np.intp],
    age_s: Float,
    drawn: Float,
    let_go: NDArray[np.bool_],
) -> tuple[Complex, Float]:
    """[ages, modes] exponents per frame and gains, deformed.

    Args:
        drawing: the event.
        present: indices of its modes.
        age_s: [ages] for the vibrato.
        drawn: [ages, 54] controls of the field.
        let_go: [ages] whether the event's duration is over.
    """
    event, instrument, rate = drawing.event, drawing.instrument, drawing.sample_rate
    learned = instrument.freq_hz[event.resonance, present].astype(float)
    above = learned / learned.min(initial=np.inf)
    vibrato = event.vibrato_depth * np.sin(2 * np.pi * event.vibrato_rate_hz * age_s)
    moved = event.transpose + vibrato + drawn[:, BEND]
    bent = learned * np.exp2(moved / 12.0)[:, None]
    freq = bent * np.sqrt((1.0 + event.inharm * above**2) / (1.0 + event.inharm))
    if event.detune:
        place = range(len(present))
        spread = np.array([2.0 * uniform_at(np.uint64(event.seed), m) - 1.0 for m in place])
        freq = freq * 2.0 ** (event.detune / 1200.0 * spread)
    t60 = instrument.t60_s[event.resonance, present].astype(float)
    damp = min(max(event.damp, 0.0625), 16.0) * np.exp2(drawn[:, DAMP, None])
    decay = LN1000 / t60 * event.stretch / damp + let_go[:, None] * (LN1000 / event.release_s)
    decibels = (event.bright + drawn[:, BRIGHT, None]) * np.log2(above)
    decibels = decibels + np.array(event.vector) @ instrument.mode_map[:, present].astype(float)
    decibels = decibels + DB_PER_OCTAVE * tone_between(drawn[:, TONE:], bent)
    gain = np.where(freq < 0.49 * rate, 10.0 ** (decibels / 20.0), 0.0)
    return (-decay + 2j * np.pi * freq) / rate, gain


def tone_between(tone: Float, freq_hz: Float) -> Float:
    """[ages, modes] log2 gain of the tone bands [ages, 16] at frequencies [ages, modes]."""
    place = tone_place(np.log2(freq_hz / TONE_LOW_HZ))
    below = np.minimum(place.astype(int), TONE_BANDS - 2)
    low, high = (np.take_along_axis(tone, band, axis=1) for band in (below, below + 1))
    between: Float = low + (place - below) * (high - low)
    return between


def drawn_attack(drawing: Drawing, limit: int) -> Float:
    """[≤ limit] the field's attack, read at the rate of the transposition."""
    field, event = drawing.instrument.field, drawing.event
    if field is None:
        return np.zeros(0)
    length = int(np.ceil(field.attack_s * drawing.sample_rate))
    ages = np.arange(length) / drawing.sample_rate
    drawn = field.draw_attack(event.resonance, np.array(event.vector), ages, event.duration_s)
    waveform = np.tensordot(np.array(drawing.members), drawn, 1)
    place = np.arange(limit) * 2.0 ** (event.transpose / 12.0)
    place = place[place < length]
    read: Float = np.interp(place, np.arange(length), waveform)
    return read


def blown_noise(drawing: Drawing, limit: int) -> tuple[Float, Float]:
    """[limit] the blown noise as heard dry, and as a drive of the modes."""
    event, instrument, rate = drawing.event, drawing.instrument, drawing.sample_rate
    index = event.resonance
    weights = band_weights(NOISE_EDGES_HZ, rate).astype(float)
    grains = np.arange(-1, limit // HOP + 1)
    centres = np.asarray((grains * HOP + HOP) * event.stretch, float)
    bands = drawing.controls(centres)[:, :NOISE_BANDS]
    t60 = instrument.blow_t60_s[index].astype(float)
    aged = np.maximum(centres, 0.0)[:, None] / rate / event.damp
    fallen = np.where(t60 > 0, np.exp(-LN1000 * aged / np.maximum(t60, 1e-3)), 1.0)
    gains = instrument.blow_gain[index] * 2.0**bands * fallen
    gains[0, t60 <= 0.0] = 0.0  # what stays begins with the next grain
    power = gains**2 @ weights
    noise = even_noise(event.seed, power, limit) * held_gain(limit, drawing.held, rate)
    if instrument.field is None:
        return float(instrument.blow_dry[index]) * noise, float(instrument.blow_wet[index]) * noise
    starts = np.array([first for first, _ in drawing.ticks(limit)], np.intp)
    tick = np.searchsorted(starts, np.arange(limit), side="right") - 1
    drawn = drawing.controls(drawing.middles(starts) * event.stretch)
    dry, wet = (
        float(share[index]) * np.exp2(drawn[:, control])[tick] * noise
        for share, control in ((instrument.blow_dry, DRY), (instrument.blow_wet, WET))
    )
    return dry, wet


def held_gain(limit: int, held: float, sample_rate: float) -> Float:
    """[limit] gain of the noise: 1 while it is held, in frames, then 0 within 5 ms."""
    after = np.arange(limit) - held
    fade = int(np.ceil(RELEASE_FADE_S * sample_rate))
    fading = 0.5 + 0.5 * np.cos(np.pi * np.clip((after + 1) / fade, 0, 1))
    gain: Float = np.where(after < 0, 1.0, fading)
    return gain


def even_noise(seed: int, power: Float, limit: int) -> Float:
    """[limit] noise whose every grain has exactly the power given in each bin.

    Its phases are those of white noise under the grain's window (`rtsynth.dsp.blown`).

    Args:
        seed: of the event.
        power: [grains, bins] from one hop before the onset on, one row per hop.
        limit: frames from the onset on.
    """
    window = np.sin(np.pi * (np.arange(GRAIN) + 0.5) / GRAIN)
    noise = np.zeros((len(power) + 1) * HOP + GRAIN)
    white = np.empty(GRAIN)
    for grain, wanted in enumerate(power):
        fill_white(np.uint64(seed) ^ BREATH, grain * HOP, white)
        spectrum = np.fft.rfft(white * ANALYSIS)
        spectrum[:-1] *= np.sqrt(0.5 / IN_PHASE * wanted) / np.maximum(np.abs(spectrum[:-1]), QUIET)
        spectrum[0] = spectrum[-1] = 0.0
        noise[grain * HOP :][:GRAIN] += window * np.fft.irfft(spectrum, GRAIN) * GRAIN
    return noise[HOP : HOP + limit]
