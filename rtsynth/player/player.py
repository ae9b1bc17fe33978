"""Device, helpers, drawing worker and grain worker of one engine, started and stopped together.

Thread: main, its own where it has a process of its own.
"""

import dataclasses
import logging
import os
from typing import TYPE_CHECKING, Any

from rtsynth.audio import Device, NullDevice, PortAudioDevice, open_device, rescan
from rtsynth.engine import Engine
from rtsynth.errors import DeviceError
from rtsynth.instrument import Instrument
from rtsynth.player.realtime import NONE, start_raised
from rtsynth.render import drawer_for, worker_for

if TYPE_CHECKING:
    from rtsynth.render.grains import GrainWorker

__all__ = ["Player", "Settings"]

DRAW_FIRST_S = 1.0  # at most, before the first sound
CATCH_UP_S = 1.0

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What a player plays on.

    Attributes:
        device: name, index or "null"; None for the sound card, or the null device without one.
        block_size: frames the device asks for at once.
        input: name or index of what the engine hears, if it has inputs.
        grains: whether torch renders what rings.
    """

    device: str | int | None = None
    block_size: int = 256
    input: str | int | None = None
    grains: bool = False


class Player:
    """Plays one engine.

    Args:
        engine: what is played.
        instrument: that of the engine.
        settings: on what.

    Attributes:
        device: that calls the engine; silent while the one that was named is away.
        away: why it is, empty if it is not.
        realtime: what priority the threads of the device and the helpers have.
    """

    def __init__(self, engine: Engine, instrument: Instrument, settings: Settings) -> None:
        self._engine, self._instrument, self._settings = engine, instrument, settings
        self._drawer = drawer_for(engine, instrument)
        self._grains: GrainWorker | None = None
        self.device: Device = NullDevice(engine, settings.block_size)
        self.away = ""
        self.realtime = NONE

    def open(self) -> None:
        """Open the device that was named, and make the grain worker ready if there is to be one.

        Raises:
            DeviceError: it does not exist or cannot be opened.
            UsageError: grains without torch.
        """
        self.device = self._opened()
        self._make_grains()

    def start(self) -> None:
        """Draw what comes first, and sound."""
        if self._drawer is not None:
            self._drawer.finish(DRAW_FIRST_S)
        self._start_drawer()
        self._start_grains()
        self._start_device()

    def resume(self, *, silent: bool = False) -> None:
        """Go on where another process left the engine; without a device, on a silent stand-in.

        The engine renders all until `add_grains`, which may take seconds.

        Args:
            silent: drop what sounded.
        """
        count = self._engine.revival.resume(silent=silent)
        try:
            self.device = self._opened()
        except DeviceError as error:
            self.away = str(error)
        self._start_drawer()
        left = self._engine.revival.catch_up(CATCH_UP_S)
        try:
            self._start_device()
        except DeviceError as error:  # it opens and does not start: as good as away
            self.away = str(error)
            self.device = NullDevice(self._engine, self._settings.block_size)
            self._start_device()
        log.info("went on with %d voices, %d frames left out", count, left)

    def add_grains(self) -> None:
        """Make and start the grain worker, if there is to be one."""
        self._make_grains()
        self._start_grains()

    def look_again(self) -> bool:
        """Change over to the device if it has come back; True if it has.

        Raises:
            DeviceError: only a new process can find out.
        """
        try:
            looked = rescan()
            device = self._opened()
        except DeviceError as error:
            if not looked:
                raise
            self.away = str(error)
            return False
        self.device.stop()
        self.device, self.away = device, ""
        self._engine.revival.fade_in()
        self._start_device()
        return True

    def stop(self) -> None:
        """End it all; what does not answer is left behind."""
        self.device.stop()
        self._engine.crew.end()
        for worker in (self._drawer, self._grains):
            if worker is not None:
                worker.stop()

    def facts(self) -> dict[str, Any]:
        """What is playing, as the other process is told it."""
        return {
            "device": self.device.name,
            "sample_rate": self.device.sample_rate,
            "block_size": self.device.block_size,
            "latency_frames": self.device.latency_frames,
            "input": self.device.input_name,
            "input_latency_frames": self.device.input_latency_frames,
            "loops": bool(self._engine.inputs) and isinstance(self.device, PortAudioDevice),
            "reason": self.device.reason,
            "realtime": self.realtime,
            "grains": str(self._grains.device) if self._grains is not None else "",
            "away": self.away,
            "pid": os.getpid(),
        }

    def _opened(self) -> Device:
        settings = self._settings
        return open_device(
            self._engine,
            settings.device,
            block_size=settings.block_size,
            input_name=settings.input,
        )

    def _make_grains(self) -> None:
        if self._settings.grains:
            self._grains = worker_for(self._engine, self._instrument)

    def _start_drawer(self) -> None:
        if self._drawer is not None:
            self._drawer.start()

    def _start_grains(self) -> None:
        if self._grains is not None:
            self._grains.start()

    def _start_device(self) -> None:
        def start() -> None:
            self._engine.crew.start()  # once: a device that comes back finds it
            self.device.start()

        self.realtime = start_raised(start)
