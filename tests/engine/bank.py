"""A small instrument whose every sound is known, and engines built on it."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.engine import Engine, EngineConfig
from rtsynth.events import Event, EventTable, Kind
from rtsynth.instrument import Instrument

RATE = 48_000
BELL, THUD, HISS, CLICK = range(4)
TICK = 32


def small_instrument() -> Instrument:
    """A two-mode bell, a struck thud with noise and attack, a hiss, and a one-sample click."""
    instrument = Instrument.blank(4, 8, attack_length=960, attack_rate=RATE)
    instrument.set_modes(
        BELL, np.array([440.0, 1210.0]), np.array([1.0, 0.6]), np.array([0.3 - 0.1j, 0.1j])
    )
    instrument.set_modes(THUD, np.array([90.0]), np.array([0.3]), np.array([0.4j]))
    instrument.strike_s[THUD] = 0.05
    instrument.strike_envelope[THUD] = np.linspace(1.0, 0.0, 64)
    instrument.strike_filter[THUD, :8] = 0.05
    instrument.strike_dry[THUD] = 1.0
    instrument.strike_wet[THUD] = 0.2
    instrument.attack[THUD, :480] = 0.1 * np.hanning(480)
    instrument.texture_gain[HISS, 8:24] = 0.02
    instrument.attack[CLICK, 0] = 0.5
    return instrument


def clicks(*onsets_s: float) -> EventTable:
    """Events of one sample each, so that a frame can be read off the output."""
    return EventTable([Event(i + 1, t, resonance=CLICK) for i, t in enumerate(onsets_s)])


def mixed_table() -> EventTable:
    """Every kind of event, some deformed, one held and let go, one with vibrato."""
    return EventTable(
        [
            Event(1, 0.0301, resonance=BELL, name="bell"),
            Event(2, 0.1, resonance=THUD, seed=3, group="low"),
            Event(3, 0.2, resonance=BELL, transpose=7.0, bright=-3.0, gain=0.7, pan=-0.5),
            Event(4, 0.25, resonance=HISS, kind=Kind.TEXTURE, duration_s=0.3, seed=9),
            Event(5, 0.3, resonance=BELL, duration_s=0.1111, release_s=0.05, inharm=0.002),
            Event(6, 0.35, resonance=BELL, vibrato_depth=0.5, detune=20.0, damp=2.0, group="low"),
        ]
    )


def engine_on(table: EventTable | None = None, **config: object) -> Engine:
    """An engine of 48 kHz, stereo, on the small instrument."""
    settings = {"sample_rate": RATE, "slots": 64, "voices": 32, **config}
    return Engine(EngineConfig(**settings), small_instrument(), table)  # type: ignore[arg-type]


def run(engine: Engine, frames: int, block: int = 480) -> NDArray[np.float32]:
    """The next frames, [frames, channels]."""
    out = np.zeros((frames, engine.channels), np.float32)
    for at in range(0, frames, block):
        engine.process(out[at : at + block])
    return out


def after(engine: Engine, frame: int) -> int:
    """Where in the output a thing of this frame is heard: the limiter looks ahead."""
    return frame + engine.latency.limiter
