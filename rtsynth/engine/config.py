"""What is fixed when an engine is built, and the sizes of its arena. Thread: main."""

import dataclasses
import math

from rtsynth.dsp.modal import TICK
from rtsynth.engine.crew import MOST_CORES
from rtsynth.engine.layout import Sizes
from rtsynth.errors import ValueRangeError
from rtsynth.instrument import PLAIN_CONTROLS, Instrument

__all__ = ["FADE_S", "LOOKAHEAD_S", "EngineConfig", "check", "sizes_for"]

FADE_S = 0.005  # mute, steal, choke
LOOKAHEAD_S = 0.0015
RECORD_S = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class EngineConfig:
    """What is fixed when an engine is built.

    Attributes:
        sample_rate: Hz.
        channels: 1 or 2 that carry sound; further ones of a device stay silent.
        voices: events that sound at once.
        slots: events that can be loaded or made.
        block_size: the device's block, frames; part of the constant offset of messages.
        start_ramp: whether the first 50 ms of the stream rise from silence (live).
        queue: commands the inbox and the schedule hold; a power of two.
        caches: events whose curves and attacks are kept drawn, beside one for each resonance.
        segments: of each, half a second long; the first and the ones being played are kept.
        ahead: hops of 256 frames that sound lags behind the stream's time so that a worker can
            render it in grains; 0 if the engine is to render all. At least 2.
        inputs: channels that come in: 0, 1 or 2.
        margin: frames that a message has to be read and handed over, beside the block.
        realtime: whether blocks are due in time, so that the engine gives up what it has not the
            time for (`rtsynth.engine.ladder`); offline it has all the time there is.
        priority: gain times velocity below which a trigger is turned away while it sheds voices.
        cores: that voices may be shared among where one is not enough, the audio thread's included;
            `Engine.crew` has the helpers on the others. Offline they are always shared.
    """

    sample_rate: int = 48_000
    channels: int = 2
    voices: int = 256
    slots: int = 16_384
    block_size: int = 256
    start_ramp: bool = False
    queue: int = 8_192
    caches: int = 256
    segments: int = 8
    ahead: int = 0
    inputs: int = 0
    margin: int = 2 * TICK
    realtime: bool = False
    priority: float = 0.25
    cores: int = 1


def check(config: EngineConfig, instrument: Instrument) -> None:
    """Refuse what no engine can be built of.

    Raises:
        ValueRangeError: an attack at another rate, or a size out of its range.
    """
    if instrument.attack_rate != config.sample_rate:
        raise ValueRangeError(
            f"the instrument's attack is at {instrument.attack_rate} Hz, the engine runs at "
            f"{config.sample_rate} Hz; convert it first (rtsynth.render.at_rate)"
        )
    if config.ahead != 0 and not 2 <= config.ahead <= 64:
        raise ValueRangeError(f"ahead = {config.ahead}; legal: 0, 2 … 64", field="ahead")
    if config.channels not in (1, 2):
        raise ValueRangeError(f"channels = {config.channels}; legal: 1, 2", field="channels")
    if config.inputs not in (0, 1, 2):
        raise ValueRangeError(f"inputs = {config.inputs}; legal: 0, 1, 2", field="inputs")
    if not 1 <= config.cores <= MOST_CORES:
        raise ValueRangeError(f"cores = {config.cores}; legal: 1 … {MOST_CORES}", field="cores")
    if not TICK <= config.margin <= config.sample_rate:
        raise ValueRangeError(
            f"margin = {config.margin}; legal: {TICK} … {config.sample_rate} frames",
            field="margin",
        )


def sizes_for(config: EngineConfig, instrument: Instrument) -> Sizes:
    """How large the arrays are that an engine with this instrument needs."""
    field = instrument.field
    record = 1 << math.ceil(math.log2(RECORD_S * config.sample_rate))
    return Sizes(
        channels=config.channels,
        slots=config.slots,
        voices=config.voices,
        spare_voices=max(config.voices // 4, 8),
        resonances=instrument.resonances,
        modes=instrument.modes,
        attack=instrument.attack.shape[1],
        taps=instrument.strike_filter.shape[1],
        inbox=config.queue,
        pending=config.queue,
        outbox=4 * config.queue,
        record_frames=record,
        fade=math.ceil(FADE_S * config.sample_rate),
        lookahead=math.ceil(LOOKAHEAD_S * config.sample_rate),
        caches=config.caches + instrument.resonances if field else 0,
        segments=config.segments if field else 1,
        curves=field.drawn if field else PLAIN_CONTROLS,
        drawn_attack=math.ceil(field.attack_s * config.sample_rate) if field else 0,
        ahead=config.ahead,
        inputs=config.inputs,
        input_frames=record if config.inputs else 0,
        hops=1 << math.ceil(math.log2(2 * config.ahead + 4)) if config.ahead else 0,
        cores=config.cores,
    )
