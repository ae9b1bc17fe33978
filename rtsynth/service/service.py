"""Everything between `start` and `stop`. Thread: main."""

import logging
import threading
from pathlib import Path

from rtsynth.audio import InputSide, Recorder, why_unheard
from rtsynth.control import Control, News, PerformanceLog, Session
from rtsynth.control.command import parse
from rtsynth.dsp.modal import TICK
from rtsynth.engine.engine import START_RAMP_S
from rtsynth.errors import ValueRangeError
from rtsynth.events import Score
from rtsynth.instrument import Instrument
from rtsynth.player.cores import cores_for
from rtsynth.player.launch import EngineProcess
from rtsynth.player.player import Settings
from rtsynth.player.pulse import Pulse
from rtsynth.player.realtime import start_receiving
from rtsynth.render import grains_wanted, look_ahead
from rtsynth.service.build import make_engine
from rtsynth.service.config import Config
from rtsynth.service.stage import Inside, Playing, Stage
from rtsynth.service.supervisor import Supervisor

__all__ = ["Service"]

log = logging.getLogger(__name__)


class Service:
    """Everything between `start` and `stop`; also a context manager.

    Ports are bound and the log is opened on construction: a failure is known before sound starts.

    Args:
        config: how it runs.
        instrument: what is played on.
        score: what is played; an empty one if None.
        launched: an engine process that was started early; only for two processes.

    Attributes:
        engine, session, control: the parts, for whoever embeds a service. With two processes the
            other one calls the engine; nobody here may call its `process`.
        playing: what the engine was first played on.

    Raises:
        DeviceError: the device named cannot be opened, or no engine process can be started.
        PortInUseError: somebody else listens there.
        UsageError: no such renderer, or grains without torch.
        ValueRangeError: neither one process nor two.
    """

    def __init__(
        self,
        config: Config,
        instrument: Instrument,
        score: Score | None = None,
        launched: EngineProcess | None = None,
    ) -> None:
        if config.processes not in (1, 2):
            raise ValueRangeError(f"processes = {config.processes}; legal: 1, 2", field="processes")
        self.config = config
        self._stopped = False
        self._pulse = Pulse()
        self._recorder: Recorder | None = None
        self._hearing: Recorder | None = None
        grains = grains_wanted(config.renderer)
        self._stage: Stage = Supervisor(launched) if config.processes == 2 else Inside()
        try:
            self._build(instrument, score or Score(), grains)
        except BaseException:
            self._stage.stop()
            raise

    def _build(self, instrument: Instrument, score: Score, grains: bool) -> None:
        config = self.config
        rate = config.sample_rate or self._stage.rate(config.device) or score.sample_rate
        self.engine = make_engine(
            instrument,
            score.table,
            rate,
            config.channels,
            block_size=config.block_size,
            start_ramp=True,
            realtime=True,
            ahead=look_ahead(config.block_size) if grains else 0,
            inputs=0 if config.input is None else self._stage.inputs(config.input),
            margin=config.margin,
            cores=cores_for(config.cores),
            lay=self._stage.lay,
        )
        self.session = Session(
            self.engine,
            score.table,
            late=config.late,
            too_far_s=config.too_far_s,
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
        try:
            settings = Settings(config.device, config.block_size, config.input, grains)
            self.playing: Playing = self._stage.open(self.engine, instrument, settings)
            self.engine.set_device_latency(
                self.playing.latency_frames, self.playing.input_latency_frames
            )
            self._prepare_monitor()
            self._open_files(instrument)
        except BaseException:
            self.control.stop()
            raise
        self.session.machine = lambda: {**self._stage.facts(), "clients": self.control.clients()}
        if isinstance(self._stage, Supervisor):
            self._stage.on_change = self._tell
            self._stage.on_silenced = self._silence

    def _open_files(self, instrument: Instrument) -> None:
        config = self.config
        if config.record is not None:
            skip = self.engine.latency.inside
            self._recorder = Recorder(self.engine, config.record, skip=skip)
        if config.log is not None:
            self._open_log(config.log, instrument)

    def _open_log(self, path: Path, instrument: Instrument) -> None:
        """Open the performance log; what comes in is recorded beside it, for it is played too."""
        heard = ""
        if self.engine.inputs:
            heard = f"{path.name}.input.wav"
            # the first tick hears the one before the stream
            self._hearing = Recorder(InputSide(self.engine), path.with_name(heard), skip=TICK)
        self.session.log = PerformanceLog(
            path,
            self.engine,
            instrument=instrument.fingerprint(),
            start_ramp=True,
            inputs=self.engine.inputs,
            heard=heard,
        )

    def _prepare_monitor(self) -> None:
        """Say whether the input may be heard, and at which level it is from the first frame on."""
        config, engine = self.config, self.engine
        self.session.no_monitor = why_unheard(
            self.playing.device,
            self.playing.input,
            engine.inputs,
            safe=config.separate or config.allow_feedback or not self.playing.loops,
        )
        changes = {}
        if config.separate and engine.inputs:
            changes["monitor/guard"] = 0.0
        if config.monitor_db is not None:
            changes["monitor/gain"] = 10.0 ** (config.monitor_db / 20.0)
        for path, value in changes.items():
            self.session.submit([parse("param/set", (path, value))], frame=0)

    def start(self) -> None:
        """Sound, and answer.

        Raises:
            DeviceError: the device does not start.
            OSError: a recording cannot be written. Everything is stopped then.
        """
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        for recorder in (self._recorder, self._hearing):
            if recorder is not None:
                recorder.start()
        if self.config.play:
            after_ramp = round(START_RAMP_S * self.engine.sample_rate)
            self.session.submit([parse("transport/play", ())], frame=after_ramp)
        self._pulse.set()
        self._stage.start()
        self.control.start(start_receiving)

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
        self._stage.stop()
        self.control.stop()
        self.session.pump()
        frame = self.engine.frame
        if self._hearing is not None:
            self._hearing.stop()
            lost = self.engine.stats().input_lost
            if lost:
                log.error("%d frames of the input were lost: the log will sound different", lost)
        if self._recorder is not None:
            self._recorder.stop()
            frame = self._recorder.frames + self.engine.latency.limiter
        if self.session.log is not None:
            self.session.log.close(frame)
        self._pulse.reset()

    def _tell(self, state: str, text: str) -> None:
        """Let clients know what became of the device. Thread: supervisor."""
        self.session.announce(News("device", (state, text), self.engine.frame))

    def _silence(self) -> None:
        """Let clients and the log know that nothing sounds any more. Thread: supervisor."""
        self.session.submit([parse("panic", ())])

    def __enter__(self) -> "Service":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
