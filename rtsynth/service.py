"""The service: engine, device, servers, recorder; the only place that knows everyone.

Thread: main.
"""

import dataclasses
import gc
import logging
import sys
import threading
from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtsynth.audio import Device, Recorder, open_device, preferred_rate
from rtsynth.control import Control, PerformanceLog, Session, read_log, replay
from rtsynth.control.command import parse
from rtsynth.control.osc import DEFAULT_OSC_PORT
from rtsynth.control.zeromq import DEFAULT_ZMQ_PORT
from rtsynth.dsp.modal import TICK
from rtsynth.engine import Engine, EngineConfig
from rtsynth.engine.engine import START_RAMP_S
from rtsynth.errors import FileFormatError
from rtsynth.events import EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.render import (
    advance,
    at_rate,
    drawer_for,
    grains_wanted,
    look_ahead,
    worker_for,
)

__all__ = ["Config", "Service", "replay_log"]

SWITCH_INTERVAL_S = 0.0005
"""How long a Python thread may keep the interpreter while another, with a message, waits for it."""

SPARE_SLOTS = 4_096  # events that can be made live
DRAW_FIRST_S = 1.0  # at most, before the first sound
log = logging.getLogger(__name__)


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
        renderer: who renders what rings: "curves", the engine; "grains", torch, on a CUDA device
            where there is one; "auto", grains only with a CUDA device.
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
    renderer: str = "curves"


class Service:
    """Everything between `start` and `stop`; also a context manager.

    Ports are bound and files opened on construction: a failure is known before sound starts.

    Args:
        config: how it runs.
        instrument: what is played on.
        score: what is played; an empty one if None.

    Attributes:
        engine, session, control, device: the parts, for whoever embeds a service.
        grains: whoever renders in grains, or None.

    Raises:
        DeviceError: the device named cannot be opened.
        PortInUseError: somebody else listens there.
        UsageError: no such renderer, or grains without torch.
    """

    def __init__(self, config: Config, instrument: Instrument, score: Score | None = None) -> None:
        self.config = config
        self._score = score or Score()
        rate = config.sample_rate or preferred_rate(config.device) or self._score.sample_rate
        ahead = look_ahead(config.block_size) if grains_wanted(config.renderer) else 0
        self.engine = make_engine(
            instrument,
            self._score.table,
            rate,
            config.channels,
            block_size=config.block_size,
            start_ramp=True,
            realtime=True,
            ahead=ahead,
        )
        self.grains = worker_for(self.engine, instrument) if ahead else None
        self.session = Session(
            self.engine,
            self._score.table,
            asap=config.asap,
            resonances=instrument.resonances,
            macros=instrument.macros,
        )
        self.control = Control(
            self.session,
            osc_port=config.osc_port or 0,
            zmq_port=config.zmq_port or 0,
            osc=config.osc_port is not None,
            zmq=config.zmq_port is not None,
        )
        self._drawer = drawer_for(self.engine, instrument)
        self._recorder: Recorder | None = None
        self._stopped = False
        try:
            self.device: Device = open_device(
                self.engine, config.device, block_size=config.block_size
            )
            self.engine.set_device_latency(self.device.latency_frames)
            if config.record is not None:
                skip = self.engine.latency.inside
                self._recorder = Recorder(self.engine, config.record, skip=skip)
            if config.log is not None:
                self.session.log = PerformanceLog(
                    config.log, self.engine, instrument=instrument.fingerprint(), start_ramp=True
                )
        except BaseException:
            self.control.stop()
            raise

    def start(self) -> None:
        """Sound, and answer."""
        if self._recorder is not None:
            self._recorder.start()
        if self.config.play:
            after_ramp = round(START_RAMP_S * self.engine.sample_rate)
            self.session.submit([parse("transport/play", ())], frame=after_ramp)
        if self._drawer is not None:
            self._drawer.finish(DRAW_FIRST_S)
            self._drawer.start()
        if self.grains is not None:
            self.grains.start()
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self.device.start()
        self.control.start()

    def run(self, stop: threading.Event, seconds: float | None = None) -> None:
        """Wait until told to stop or until so many seconds of sound have been delivered."""
        end = None if seconds is None else round(seconds * self.engine.sample_rate)
        while not stop.wait(0.02):
            if end is not None and self.engine.frame >= end:
                return

    def stop(self) -> None:
        """End it all, within two seconds; twice is as good as once."""
        if self._stopped:
            return
        self._stopped = True
        self.device.stop()
        if self._drawer is not None:
            self._drawer.stop()
        if self.grains is not None:
            self.grains.stop()
        self.control.stop()
        self.session.pump()
        frame = self.engine.frame
        if self._recorder is not None:
            self._recorder.stop()
            frame = self._recorder.frames + self.engine.latency.limiter
        if self.session.log is not None:
            self.session.log.close(frame)
        gc.unfreeze()

    def __enter__(self) -> "Service":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def make_engine(
    instrument: Instrument,
    table: EventTable,
    sample_rate: int,
    channels: int,
    *,
    block_size: int = 256,
    start_ramp: bool = False,
    ahead: int = 0,
    realtime: bool = False,
) -> Engine:
    """An engine with the table loaded and room for events made live."""
    config = EngineConfig(
        sample_rate=sample_rate,
        channels=channels,
        slots=len(table) + SPARE_SLOTS,
        block_size=block_size,
        start_ramp=start_ramp,
        ahead=ahead,
        realtime=realtime,
    )
    return Engine(config, at_rate(instrument, sample_rate), table)


def replay_log(
    path: Path, score: Score, instrument: Instrument, block_size: int = 1024
) -> tuple[int, NDArray[np.float32]]:
    """Perform a log offline: the very samples that were recorded when it was written.

    What was recorded from grains is rendered from curves here, 60 dB or more alike.

    Args:
        path: the performance log.
        score: what it was performed on.
        instrument: likewise.
        block_size: frames per call of the engine; changes nothing but the speed.

    Returns:
        the sample rate in Hz, and [frames, channels] float32.

    Raises:
        FileFormatError: no log, or one of another instrument.
    """
    header, records = read_log(path)
    if header.instrument and header.instrument != instrument.fingerprint():
        raise FileFormatError(f"{path}: was performed on another instrument; give its own score")
    engine = make_engine(
        instrument,
        score.table,
        header.sample_rate,
        header.channels,
        start_ramp=header.start_ramp,
    )
    drawer = drawer_for(engine, instrument)
    session = Session(engine, score.table, resonances=instrument.resonances)
    waiting = deque(records)
    last = records[-1].frame if records else 0

    frames = max(last - engine.latency.limiter, 0)
    out = np.zeros((frames + engine.latency.limiter, header.channels), np.float32)
    while engine.frame < len(out):
        # what the log holds is handed over with its own tick: earlier, it would meet a score
        # and a schedule that it did not meet live
        session.pump()
        begin = engine.frame
        next_tick = -(-begin // TICK) * TICK
        replay(session, waiting, next_tick + TICK)
        end = begin + block_size
        if waiting:
            end = min(end, max(waiting[0].frame // TICK * TICK, begin + 1))
        advance(engine, out[begin:end], drawer, told=session.pump)
    return header.sample_rate, out[engine.latency.limiter :]
