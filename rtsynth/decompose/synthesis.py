"""The reference renderer: a score and an instrument as float64 samples, straight by the formula.

Slow and plain on purpose: the compiled engine is tested against it, the decomposition subtracts
with it, and pictures are drawn from it. The formula is that of `rtsynth.instrument`. Thread: any.
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from rtsynth.decompose.damped import Complex, Float, ring
from rtsynth.decompose.disk import Samples, blank_frames, let_go
from rtsynth.decompose.drawn import Drawing, blown_noise, drawn_attack, sounding_modes
from rtsynth.decompose.texture.synthesis import texture_signal
from rtsynth.dsp.noise import fill_white, uniform_at
from rtsynth.events import VECTOR_DIM, Event, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.units import LN1000

__all__ = ["White", "event_pieces", "event_signal", "pan_gains", "render_score", "white_noise"]

White = Callable[[int, int, int], Float]
"""`white(seed, first, count) -> [count]` noise of unit variance from position first on."""

AUDIBLE_LEVELS = 80.0 / 60.0
TOUCHED = 256  # events after which the memory of what is on disk is given back
PIECE = 1_024 * 2_048  # samples of a texture at once, whole hops


def white_noise(seed: int, first: int, count: int) -> Float:
    """The engine's own counter-based noise, [count] of unit variance."""
    noise = np.empty(count)
    fill_white(np.uint64(seed), first, noise)
    return noise


def render_score(
    score: Score, instrument: Instrument, sample_rate: int | None = None, white: White = white_noise
) -> Samples:
    """The whole score as sound.

    Args:
        score: its muted events stay silent.
        instrument: the bank the score chooses from.
        sample_rate: Hz; that of the instrument's attacks if None.
        white: source of noise.

    Returns:
        [frames, channels] of score.seconds at the sample rate; a long one in float32, on disk.
    """
    rate = sample_rate or instrument.attack_rate
    out = blank_frames(round(score.seconds * rate), score.channels)
    for number, event in enumerate(score.table):
        if number % TOUCHED == 0:
            let_go(out)
        first = round(event.onset_s * rate)
        if event.muted or first >= len(out):
            continue
        gains = pan_gains(event.pan) if score.channels == 2 else np.ones(1)
        for sound in event_pieces(event, instrument, rate, len(out) - first, white):
            out[first : first + len(sound)] += sound[:, None] * gains
            first += len(sound)
    return out


def event_pieces(
    event: Event, instrument: Instrument, sample_rate: int, limit: int, white: White = white_noise
) -> Iterator[Float]:
    """`event_signal` in one piece, or that of a texture in several: it may last an hour.

    Args:
        event: modal or texture; whether it is muted does not matter.
        instrument: its bank.
        sample_rate: Hz.
        limit: at most so many samples in all.
        white: source of noise.
    """
    if event.kind != Kind.TEXTURE:
        yield event_signal(event, instrument, sample_rate, limit, white)
        return
    plain = dataclasses.replace(event, vector=(0.0,) * VECTOR_DIM)
    bent = _bent(plain, instrument, sample_rate)
    for first in range(0, limit, PIECE):
        last = min(first + PIECE, limit)
        yield texture_signal(event, instrument, sample_rate, last, bent, first)


def pan_gains(pan: float) -> Float:
    """[2] gain left and right, equal power, unity at the centre."""
    angle = (pan + 1.0) * np.pi / 4.0
    gains: Float = np.sqrt(2.0) * np.array([np.cos(angle), np.sin(angle)])
    return gains


def event_signal(
    event: Event, instrument: Instrument, sample_rate: int, limit: int, white: White = white_noise
) -> Float:
    """[≤ limit] samples of one event from its onset on, before panning.

    Args:
        event: modal or texture.
        instrument: its bank.
        sample_rate: Hz.
        limit: at most so many samples.
        white: source of noise.
    """
    if event.kind == Kind.TEXTURE:
        bent = _bent(
            dataclasses.replace(event, vector=(0.0,) * VECTOR_DIM), instrument, sample_rate
        )
        return texture_signal(event, instrument, sample_rate, limit, bent)
    parts = [
        _attack(event, instrument, sample_rate, limit),
        _noise(event, instrument, sample_rate, limit, white),
    ]
    index = event.resonance
    driven = instrument.blown[index] and instrument.blow_wet[index] > 0
    if instrument.field is None and not instrument.sustained[index] and not driven:
        parts.append(_modal(event, instrument, sample_rate, limit))
        if instrument.blown[index]:
            parts.append(_hiss(event, instrument, sample_rate, limit))
    else:
        parts += _drawn(event, instrument, sample_rate, limit)
    sound = np.zeros(max(len(part) for part in parts))
    for part in parts:
        sound[: len(part)] += part
    return event.gain * sound


def _drawn(event: Event, instrument: Instrument, sample_rate: int, limit: int) -> list[Float]:
    """What the field draws, and what is bowed or blown; the onset lies on a tick."""
    tail = float(instrument.tail_s()[event.resonance]) * event.damp / max(event.stretch, 1e-6)
    let_go = event.duration_s + AUDIBLE_LEVELS * event.release_s
    length = round(min(limit, min(tail, let_go) * sample_rate))
    drawing = Drawing(event, instrument, sample_rate)
    dry, wet = np.zeros(0), None
    if instrument.blown[event.resonance]:
        dry, wet = blown_noise(drawing, length)
    modes = sounding_modes(drawing, length, wet)
    return [modes, dry, drawn_attack(drawing, length)]


def _hiss(event: Event, instrument: Instrument, sample_rate: int, limit: int) -> Float:
    """Blown noise that is only heard and dies away."""
    slowest = float(instrument.blow_t60_s[event.resonance].max())
    fallen = AUDIBLE_LEVELS * slowest * event.damp / max(event.stretch, 1e-6)
    length = round(min(limit, min(fallen, event.duration_s + 0.01) * sample_rate))
    return blown_noise(Drawing(event, instrument, sample_rate), length)[0]


def _modal(event: Event, instrument: Instrument, sample_rate: int, limit: int) -> Float:
    amplitude, s = _bent(event, instrument, sample_rate)
    if len(s) == 0:
        return np.zeros(0)
    slowest = LN1000 / max(float(-s.real.max()) * sample_rate, 1e-6)
    length = min(limit, int(AUDIBLE_LEVELS * slowest * sample_rate) + 1)
    held = min(length, round(min(event.duration_s, 1e6) * sample_rate))
    rest = int(AUDIBLE_LEVELS * event.release_s * sample_rate) + 1
    damped = s - LN1000 / (event.release_s * sample_rate)
    sound = np.concatenate(
        [
            ring(s, amplitude, held),
            ring(damped, amplitude * np.exp(s * held), min(length - held, rest)),
        ]
    )
    if event.vibrato_depth > 0.0:
        sound = _vibrato(event, s, amplitude, held, len(sound), sample_rate)
    return sound


def _bent(event: Event, instrument: Instrument, sample_rate: int) -> tuple[Complex, Complex]:
    """Amplitudes at gain 1 and exponents per sample, deformed."""
    index = event.resonance
    present = np.flatnonzero(instrument.freq_hz[index] > 0)
    learned = instrument.freq_hz[index][present].astype(float)
    if len(learned) == 0:
        return np.zeros(0, complex), np.zeros(0, complex)
    above = learned / learned.min()
    freq = learned * 2.0 ** (event.transpose / 12.0)
    freq *= np.sqrt((1.0 + event.inharm * above**2) / (1.0 + event.inharm))
    if event.detune:
        spread = np.array([2.0 * uniform_at(np.uint64(event.seed), int(m)) - 1.0 for m in present])
        freq *= 2.0 ** (event.detune / 1200.0 * spread)
    decay = LN1000 / instrument.t60_s[index][present].astype(float) * event.stretch / event.damp
    gain_db = event.bright * np.log2(above)
    gain_db = gain_db + np.array(event.vector) @ instrument.mode_map[:, present].astype(float)
    amplitude = instrument.amplitude(index)[present] * 10.0 ** (gain_db / 20.0)
    amplitude[freq >= 0.49 * sample_rate] = 0.0  # it would alias
    return amplitude, (-decay + 2j * np.pi * freq) / sample_rate


def _vibrato(
    event: Event, s: Complex, amplitude: Complex, held: int, length: int, sample_rate: int
) -> Float:
    """The same modes, their phase the integral of a bent frequency."""
    time = np.arange(length) / sample_rate
    bend = event.vibrato_depth / 12.0 * np.sin(2 * np.pi * event.vibrato_rate_hz * time)
    age = np.concatenate([[0.0], np.cumsum(2.0**bend)[:-1]])
    release = np.maximum(np.arange(length) - held, 0) * LN1000 / (event.release_s * sample_rate)
    sound = np.zeros(length)
    for exponent, a in zip(s, amplitude, strict=True):
        envelope = np.exp(exponent.real * np.arange(length) - release)
        sound += envelope * (a * np.exp(1j * exponent.imag * age)).real
    return sound


def _attack(event: Event, instrument: Instrument, sample_rate: int, limit: int) -> Float:
    attack: Float = instrument.attack[event.resonance].astype(np.float64)
    if not attack.any():
        return np.zeros(0)
    if sample_rate == instrument.attack_rate:
        return attack[:limit]
    count = min(limit, int(len(attack) * sample_rate / instrument.attack_rate))
    place = np.arange(count) * instrument.attack_rate / sample_rate
    moved: Float = np.interp(place, np.arange(len(attack)), attack, right=0.0)
    return moved


def _noise(
    event: Event, instrument: Instrument, sample_rate: int, limit: int, white: White
) -> Float:
    """The dry noise of the strike; the wet part drives the modes."""
    index = event.resonance
    length = float(instrument.strike_s[index]) * sample_rate
    dry, wet = float(instrument.strike_dry[index]), float(instrument.strike_wet[index])
    count = min(limit, int(np.ceil(length)))
    if count == 0 or (dry == 0.0 and wet == 0.0):
        return np.zeros(0)
    taps = instrument.strike_filter[index].astype(float)
    envelope = instrument.strike_envelope[index].astype(float)
    source = white(event.seed, -(len(taps) - 1), count + len(taps) - 1)
    place = np.arange(count) / length * (len(envelope) - 1)
    level = np.interp(place, np.arange(len(envelope)), envelope)
    noise: Float = level * np.convolve(source, taps, "valid")
    heard: Float = dry * noise
    if wet > 0.0:
        driven = _driven(event, instrument, sample_rate, limit, noise)
        heard = wet * driven + np.pad(heard, (0, limit - count))
    return heard


def _driven(
    event: Event, instrument: Instrument, sample_rate: int, limit: int, drive: Float
) -> Float:
    """[limit] response of the modes to a drive: `Σ c_m ∫ x e^{s_m (t − u)} du`."""
    amplitude, s = _bent(event, instrument, sample_rate)
    scale = amplitude / max(float(instrument.impulse[event.resonance]), 1e-30) / sample_rate
    response = ring(s, scale, limit)
    size = 1 << int(np.ceil(np.log2(limit + len(drive))))
    driven: Float = np.fft.irfft(np.fft.rfft(response, size) * np.fft.rfft(drive, size))[:limit]
    return driven
