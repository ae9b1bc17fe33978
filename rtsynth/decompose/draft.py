"""The working form of a score and a bank while they are being fitted. Thread: any."""

import dataclasses
import threading

import numpy as np

from rtsynth.decompose.damped import Complex, Float, Modes, poles, ring, ring_modes
from rtsynth.instrument import NOISE_BANDS
from rtsynth.units import LN1000

__all__ = ["Draft", "Resonance", "Strike", "heard_samples", "strike_signal"]

RING_LEVELS = 80.0 / 60.0  # a mode is followed until it is 80 dB down


@dataclasses.dataclass
class Resonance:
    """One resonance as known so far.

    Attributes:
        modes: as struck with gain 1.
        attack: [samples] waveform added from the onset on, for gain 1.
        noise_envelope: [64] of the strike's noise over `noise_s`.
        noise_filter: [32] taps.
        noise_s: length of the strike's noise in seconds.
        pitch_hz: of the harmonic series it shows, 0 if none.
        hiss_gain: [32] RMS amplitude per blow band of noise that dies away, for gain 1.
        hiss_t60_s: [32] seconds in which it does.
        hiss_seed: of that noise, the same for all strikes.
    """

    modes: Modes
    attack: Float = dataclasses.field(default_factory=lambda: np.zeros(0))
    noise_envelope: Float = dataclasses.field(default_factory=lambda: np.zeros(64))
    noise_filter: Float = dataclasses.field(default_factory=lambda: np.zeros(32))
    noise_s: float = 0.0
    pitch_hz: float = 0.0
    hiss_gain: Float = dataclasses.field(default_factory=lambda: np.zeros(NOISE_BANDS))
    hiss_t60_s: Float = dataclasses.field(default_factory=lambda: np.zeros(NOISE_BANDS))
    hiss_seed: int = 0


@dataclasses.dataclass(eq=False)  # a strike is itself, not its values
class Strike:
    """One event as known so far.

    Attributes:
        onset: sample.
        resonance: index.
        gain: linear.
        held: samples until the key is let go; None if it rings out.
        release_s: T60 limit after that.
        offset_db: [modes] gain of each mode against the resonance's.
        pan: −1 … 1.
        seen_gain: as its spectrum suggests, against the other strikes of its resonance.
    """

    onset: int
    resonance: int
    gain: float
    held: int | None = None
    release_s: float = 0.3
    offset_db: Float | None = None
    pan: float = 0.0
    seen_gain: float = 0.0


@dataclasses.dataclass
class Draft:
    """Everything found so far in a recording of `length` samples."""

    sample_rate: float
    length: int
    strikes: list[Strike]
    resonances: list[Resonance]

    def model(self) -> Float:
        """[length] sum of all strikes, without noise."""
        total = np.zeros(self.length)
        # strikes of a resonance one after the other: they share its sound
        for strike in sorted(self.strikes, key=lambda strike: strike.resonance):
            self.add(total, strike, 1.0)
        return total

    def add(self, total: Float, strike: Strike, sign: float) -> None:
        """Add (or with sign −1 take away) one strike, in place."""
        sound = strike_signal(
            strike, self.resonances[strike.resonance], self.sample_rate, self.length - strike.onset
        )
        total[strike.onset : strike.onset + len(sound)] += sign * sound

    def of(self, resonance: int) -> list[Strike]:
        """The strikes of one resonance, in time."""
        return [strike for strike in self.strikes if strike.resonance == resonance]


def amplitudes(strike: Strike, modes: Modes) -> Complex:
    """[modes] of this strike, its gain and offsets included."""
    amplitude = strike.gain * modes.amplitude
    if strike.offset_db is not None:
        amplitude = amplitude * 10.0 ** (strike.offset_db[: len(modes)] / 20.0)
    return amplitude


def strike_signal(strike: Strike, resonance: Resonance, sample_rate: float, limit: int) -> Float:
    """[≤ limit] samples of one strike, without its noise, until it is 80 dB down."""
    sound = modal_signal(strike, resonance.modes, sample_rate, limit)
    count = min(len(resonance.attack), limit)
    if count > len(sound):
        sound = np.concatenate([sound, np.zeros(count - len(sound))])
    sound[:count] += strike.gain * resonance.attack[:count]
    return sound


def modal_signal(strike: Strike, modes: Modes, sample_rate: float, limit: int) -> Float:
    """[≤ limit] samples of the modes of one strike, its release included."""
    if len(modes) == 0 or limit <= 0:
        return np.zeros(0)
    held, rest = heard_samples(strike, modes, sample_rate, limit)
    s = poles(modes.freq_hz, modes.t60_s, sample_rate)
    if strike.offset_db is None:
        first = strike.gain * _held_on(modes, sample_rate, held)
    else:
        first = ring(s, amplitudes(strike, modes), held, single=True)
    if rest == 0:
        return first
    damped = s - LN1000 / (strike.release_s * sample_rate)
    level = amplitudes(strike, modes) * np.exp(s * held)
    return np.concatenate([first, ring(damped, level, rest, single=True)])


def heard_samples(strike: Strike, modes: Modes, sample_rate: float, limit: int) -> tuple[int, int]:
    """Of at most `limit` samples those a strike is held, and those it is damped after that."""
    if len(modes) == 0:
        return 0, 0
    tail = min(limit, int(RING_LEVELS * float(modes.t60_s.max()) * sample_rate) + 1)
    if strike.held is None:
        return tail, 0
    held = min(strike.held, tail)
    return held, min(limit - held, int(RING_LEVELS * strike.release_s * sample_rate) + 1)


_last = threading.local()


def _held_on(modes: Modes, sample_rate: float, length: int) -> Float:
    """[length] samples of modes as struck with gain 1: the strikes of a resonance share them."""
    kept, rate, sound = getattr(_last, "sound", (None, 0.0, np.zeros(0)))
    if kept is not modes or rate != sample_rate or len(sound) < length:
        sound = ring_modes(modes, sample_rate, length, single=True)
        _last.sound = (modes, sample_rate, sound)
    return sound[:length]
