"""Sees to it that an engine process plays, whatever becomes of it, its driver or its device.

Control and engine are two processes on one arena. Where frames cease to come (the process was
killed or stopped, its driver hangs, the device is gone), the supervisor tells, kills what is left
and lets another process go on: one that is started beforehand, with everything imported, so that
it takes a tenth of a second. While a device is away, that process plays into nothing, at the right
pace, and looks for it five times a second: the transport and all commands go on. Where PortAudio
cannot look again (JACK), a new process does every second and takes the stream up where it would be.
A process that dies at once again and again is started ever more rarely, from the third time on in
silence.
Thread: supervisor, its own; main before the first sound.
"""

import dataclasses
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth import errors
from rtsynth.engine import SOURCES, Engine, EngineConfig
from rtsynth.errors import DeviceError
from rtsynth.instrument import Instrument
from rtsynth.player.launch import EngineProcess
from rtsynth.player.player import Settings
from rtsynth.service.folder import ArenaFolder
from rtsynth.service.patience import Patience
from rtsynth.service.stage import Playing
from rtsynth.service.watchman import Watchman

__all__ = ["Supervisor"]

LOOK_S = 0.02
FIRST_S = 240.0  # for the first process to be ready: it may have to compile
ANSWER_S = 20.0
TAKE_OVER_S = 10.0  # for another process to play, once it is ready
STANDBY_S = 0.7  # after the beginning: it shall not take the processor from the first sounds
STOP_S = 1.2

log = logging.getLogger(__name__)
Message = tuple[EngineProcess, dict[str, Any]]


class Supervisor:
    """An engine's stage in another process.

    Args:
        launched: a process that was started early; another is started if None.

    Attributes:
        on_change: told `ok`, `away` or `lost`, and what happened. Thread: supervisor.
        on_silenced: called when an engine has gone on without what sounded. Thread: supervisor.
    """

    def __init__(self, launched: EngineProcess | None = None) -> None:
        self.on_change: Callable[[str, str], None] = lambda state, text: None
        self.on_silenced: Callable[[], None] = lambda: None
        self._messages: queue.Queue[Message] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._stopping = threading.Event()
        self._launched = threading.Event()
        self._state, self._restarts, self._noticed = "starting", 0, False
        self._told, self._silenced, self._renewing = "ok", False, False
        self._playing: Playing | None = None
        self._standby: EngineProcess | None = None
        self._folder: ArenaFolder | None = None
        self._patience = Patience()
        self._deadline_s = self._standby_due_s = float("inf")
        self._restart_due_s: float | None = None
        self._process, self._why = launched, ""
        self._thread = threading.Thread(target=self._run, name="rtsynth-supervisor", daemon=True)
        self._thread.start()

    # --- before the first sound: Thread: main ----------------------------------------------------

    def rate(self, device: str | int | None) -> int:
        """Hz that a device runs at by itself, 0 where any will do."""
        return int(self._ask("rate", device, "rate", FIRST_S)["rate"])

    def inputs(self, name: str | int) -> int:
        """Channels of an input that an engine can hear: 1 or 2.

        Raises:
            DeviceError: no such input.
        """
        return int(self._ask("inputs", name, "inputs", FIRST_S)["inputs"])

    def lay(self, config: EngineConfig, instrument: Instrument) -> NDArray[np.uint8]:
        """Memory for an engine, in a file."""
        self._folder = ArenaFolder(Engine.bytes_for(config, instrument))
        self._config = config
        return self._folder.memory()

    def open(self, engine: Engine, instrument: Instrument, settings: Settings) -> Playing:
        """Open the device, not yet sounding.

        Raises:
            DeviceError: it cannot be opened, or no engine process can be started.
        """
        assert self._folder is not None, "an engine is laid first"
        instrument.save(self._folder.instrument)  # as it is, at whatever rate
        self._engine = engine
        self._job = {
            "arena": str(self._folder.arena),
            "sources": SOURCES,
            "bytes": self._folder.size,
            "instrument": str(self._folder.instrument),
            "config": dataclasses.asdict(self._config),
            "settings": dataclasses.asdict(settings),
        }
        playing = Playing(**self._ask("open", self._job, "opened", FIRST_S)["opened"])
        if not isinstance(settings.device, int):  # of two with one name the number tells which
            settings = dataclasses.replace(settings, device=playing.device)
        self._job["settings"] = dataclasses.asdict(settings)
        self._name = playing.device
        self._watchman = Watchman(engine, playing.block_size or settings.block_size)
        self._playing = playing
        return playing

    def start(self) -> None:
        """Sound."""
        self._ask("start", True, "playing", ANSWER_S)
        self._standby_due_s = time.monotonic() + STANDBY_S

    def _ask(self, word: str, value: Any, answer: str, within_s: float) -> dict[str, Any]:
        self._launched.wait()
        if self._process is None:
            raise DeviceError(self._why)
        self._process.say(**{word: value})
        try:
            found = self._answers.get(timeout=within_s)
        except queue.Empty:
            raise DeviceError(
                f"the engine process has not answered in {within_s:g} s; try --single-process"
            ) from None
        if answer not in found:
            kinds = [getattr(errors, name) for name in errors.__all__]
            kind = next((k for k in kinds if k.code == found.get("failed")), DeviceError)
            raise kind(str(found.get("text") or found))
        return found

    # --- any time ---------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """What `status` says of it. Thread: any."""
        playing, process = self._playing, self._process
        return {
            "processes": 2,
            "engine_pid": process.pid if process is not None else 0,
            "restarts": self._restarts,
            "device": playing.device if playing else "",
            "device_state": self._told if self._noticed or self._state == "lost" else self._state,
            "realtime": playing.realtime if playing else "none",
        }

    def stop(self) -> None:
        """End both processes and remove the arena. Thread: main."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join()
        if self._process is not None:
            self._process.end(STOP_S)
        if self._folder is not None:
            self._folder.remove()

    # --- Thread: supervisor -----------------------------------------------------------------------

    def _run(self) -> None:
        if self._process is None:
            self._process = self._launch()
        else:
            self._process.listen(self._hear)
        self._launched.set()
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:  # the supervisor outlives whatever one message brings
                log.exception("supervisor: a message could not be handled")
        if self._standby is not None:
            self._standby.kill()
        # the process that plays was launched by this thread and is killed with it: it ends first
        if self._process is not None:
            self._process.end(STOP_S)

    def _hear(self, process: EngineProcess, message: dict[str, Any]) -> None:
        self._messages.put((process, message))

    def _launch(self) -> EngineProcess | None:
        try:
            process = EngineProcess()
        except OSError as error:
            self._why = f"no engine process can be started: {error}; try --single-process"
            log.error("%s", self._why)
            return None
        process.listen(self._hear)
        return process

    def _turn(self) -> None:
        try:
            process, message = self._messages.get(timeout=LOOK_S)
        except queue.Empty:
            self._look()
            return
        if process is self._process:
            self._take(process, message)
        elif process is self._standby and "gone" in message:
            self._standby = None
            self._standby_due_s = time.monotonic() + self._patience.standby_s()
            log.debug("the engine process in reserve has ended: %s", process.epitaph())

    def _take(self, process: EngineProcess, message: dict[str, Any]) -> None:
        """One message of the process that plays, or is to."""
        if self._state == "starting":
            self._take_first(process, message)
        elif "playing" in message:
            self._plays(Playing(**message["playing"]))
        elif "gone" in message:
            self._lose(f"the engine process has ended, {process.epitaph()}", crashed=True)
        elif "renew" in message:
            process.kill()
            self._process, self._renewing = None, True
            self._restart_due_s = time.monotonic() + self._patience.away_s
        elif "failed" in message:
            log.error("engine process: %s", message.get("text"))

    def _take_first(self, process: EngineProcess, message: dict[str, Any]) -> None:
        """Before the first sound: the main thread waits for it."""
        if "gone" in message:
            message = {"text": f"the engine process cannot start, {process.epitaph()}; "
                       "try --single-process"}  # fmt: skip
        if "playing" in message:
            self._plays(Playing(**message["playing"]))
        if "ready" not in message:
            self._answers.put(message)

    def _plays(self, playing: Playing) -> None:
        before, self._playing = self._state, playing
        if playing.away:  # the stand-in is named for what it stands in for
            self._playing = dataclasses.replace(playing, device=self._name)
        else:
            self._engine.set_device_latency(playing.latency_frames, playing.input_latency_frames)
        self._state = "away" if playing.away else "ok"
        self._deadline_s, self._noticed = float("inf"), False
        self._patience.plays()
        self._watchman.begin()
        if before == "starting":
            return
        self._standby_due_s = min(self._standby_due_s, time.monotonic() + STANDBY_S)
        if self._silenced:
            self._silenced = False
            log.warning("what sounded, and the transport, were stopped")
            self.on_silenced()
        if not playing.away:
            log.warning("%s plays again", playing.device)
            self._tell("ok", playing.device)
        elif self._told != "away":  # a process that only looked again has no news
            log.warning(
                "%s is away (%s); playing on in silence", self._playing.device, playing.away
            )
            self._tell("away", playing.away)

    def _tell(self, state: str, text: str) -> None:
        self._told = state
        self.on_change(state, text)

    def _look(self) -> None:
        """Nothing was said: look at frames and clock."""
        now_s = time.monotonic()
        if self._restart_due_s is not None:
            if now_s >= self._restart_due_s:
                self._restart()
            return
        if self._state in ("ok", "away"):
            self._watch()
        elif self._state == "lost" and now_s > self._deadline_s:
            self._lose("the engine process does not come to play")
        if self._standby is None and now_s > self._standby_due_s:
            self._standby_due_s = float("inf")
            self._standby = self._launch()

    def _watch(self) -> None:
        self._watchman.look()
        if self._watchman.stopped() != self._noticed:
            self._noticed = self._watchman.stopped()
            if self._noticed:
                self._tell("lost", "no frame for a quarter of a second")
            else:
                self._tell(self._state, "frames again")
        if self._watchman.hopeless():
            self._lose("no frames are asked for")

    def _lose(self, why: str, *, crashed: bool = False) -> None:
        """Tell, kill what is left, and see when to go on."""
        log.warning("device lost: %s", why)
        self._state = "lost"
        self._tell("lost", why)
        if self._process is not None:
            self._process.kill()
        self._process = None
        wait_s = self._patience.lost(crashed=crashed)
        if wait_s > 0.0:
            log.error(
                "the engine process was lost %d times in a row; the next try in %.3g s%s",
                self._patience.failures, wait_s,
                ", with all that sounded silenced" if self._patience.silent else "",
            )  # fmt: skip
        self._restart_due_s = time.monotonic() + wait_s
        if not wait_s:
            self._restart()

    def _restart(self) -> None:
        """Let the process in reserve, or a new one, go on."""
        self._restart_due_s = None
        self._state = "lost"
        process = self._standby or self._launch()
        self._standby, self._process = None, process
        if process is None:
            self._restart_due_s = time.monotonic() + self._patience.lost(crashed=False)
            return
        self._restarts += not self._renewing  # a process that looks again is no restart
        self._renewing, self._silenced = False, self._silenced or self._patience.silent
        self._deadline_s = time.monotonic() + (TAKE_OVER_S if process.ready else 3 * TAKE_OVER_S)
        process.say(resume=self._job, silent=self._patience.silent)
