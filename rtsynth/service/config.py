"""How the machine runs. Thread: main."""

import dataclasses
from pathlib import Path

from rtsynth.control.osc import DEFAULT_OSC_PORT
from rtsynth.control.timing import LATE_POLICIES, TOO_FAR_S
from rtsynth.control.zeromq import DEFAULT_ZMQ_PORT
from rtsynth.dsp.modal import TICK

__all__ = ["Config"]


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """How the machine runs.

    Attributes:
        device: name, index or "null"; None for the sound card, or the null device without one.
        sample_rate: Hz; the device's own if None, or the score's where the device takes any.
        block_size: frames the device asks for at once.
        channels: 1 or 2.
        osc_port: UDP port, 0 for any free one, None for no OSC.
        zmq_port: first of three TCP ports, 0 for any free ones, None for no ZeroMQ.
        record: WAV file to record into, or None.
        log: file to write the performance log to, or None.
        play: whether the transport starts at once.
        asap: play untagged messages at the next tick instead of at a constant latency.
        late: what becomes of a tagged message that comes too late: "play", "drop" or "clip".
        too_far_s: how far ahead a time tag may be, seconds.
        margin: frames that a message has to be read and handed over, part of the constant latency.
        input: name or index of what the engine hears; None for nothing.
        monitor_db: level of the input in the output, dB; None for none.
        separate: the input does not hear the output (headphones, a line).
        allow_feedback: it may; monitor it all the same.
        renderer: who renders what rings: "curves", the engine; "grains", torch, on a CUDA device
            where there is one; "auto", grains only with a CUDA device.
        cores: that voices may be shared among where one is not enough, 1 … 16; None for every
            physical core up to four.
        processes: 1, or 2: the engine in a process of its own that is replaced when it is lost.
    """

    device: str | int | None = None
    sample_rate: int | None = None
    block_size: int = 256
    channels: int = 2
    osc_port: int | None = DEFAULT_OSC_PORT
    zmq_port: int | None = DEFAULT_ZMQ_PORT
    record: Path | None = None
    log: Path | None = None
    play: bool = False
    asap: bool = False
    late: str = LATE_POLICIES[0]
    too_far_s: float = TOO_FAR_S
    margin: int = 2 * TICK
    input: str | int | None = None
    monitor_db: float | None = None
    separate: bool = False
    allow_feedback: bool = False
    renderer: str = "curves"
    cores: int | None = None
    processes: int = 1
