"""Where an engine plays: in this process, or (`supervisor.py`) in one of its own. Thread: main."""

import dataclasses
import os
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rtsynth.audio import input_channels, preferred_rate
from rtsynth.engine import Engine, EngineConfig
from rtsynth.instrument import Instrument
from rtsynth.player.player import Player, Settings

__all__ = ["Inside", "Playing", "Stage"]


@dataclasses.dataclass(frozen=True, slots=True)
class Playing:
    """What an engine is played on; see `rtsynth.player.player.Player.facts`.

    Attributes:
        device: its name.
        sample_rate: Hz.
        block_size: frames per call; 0 for any number.
        latency_frames: after the engine.
        input: name of what is heard; empty if nothing is.
        input_latency_frames: before the engine.
        loops: the input may hear the output, for all that a driver says.
        reason: why it stands in for another; empty if it is what was asked for.
        realtime: priority of its threads: `SCHED_FIFO 60`, …, `none`.
        grains: where torch renders; empty if the engine renders all.
        away: why the device is away, and a silent one stands in; empty if it is there.
        pid: of the process.
    """

    device: str
    sample_rate: int
    block_size: int
    latency_frames: int
    input: str
    input_latency_frames: int
    loops: bool
    reason: str
    realtime: str
    grains: str
    away: str
    pid: int


class Stage(Protocol):
    """Where an engine plays."""

    def rate(self, device: str | int | None) -> int:
        """Hz that a device runs at by itself, 0 where any will do."""

    def inputs(self, name: str | int) -> int:
        """Channels of an input that an engine can hear: 1 or 2.

        Raises:
            DeviceError: no such input.
        """

    def lay(self, config: EngineConfig, instrument: Instrument) -> NDArray[np.uint8] | None:
        """Memory for an engine; None for memory of its own."""

    def open(self, engine: Engine, instrument: Instrument, settings: Settings) -> Playing:
        """Open the device, not yet sounding.

        Raises:
            DeviceError: it cannot be opened.
        """

    def start(self) -> None:
        """Sound."""

    def stop(self) -> None:
        """End it, within two seconds; twice is as good as once."""

    def facts(self) -> dict[str, Any]:
        """What `status` says of it. Thread: any."""


class Inside:
    """Everything in this process: for tests, for small set-ups, for programs that embed rtsynth."""

    def __init__(self) -> None:
        self._player: Player | None = None

    def rate(self, device: str | int | None) -> int:
        """Hz that a device runs at by itself, 0 where any will do."""
        return preferred_rate(device)

    def inputs(self, name: str | int) -> int:
        """Channels of an input that an engine can hear."""
        return input_channels(name)

    def lay(self, config: EngineConfig, instrument: Instrument) -> None:
        """Memory of its own."""
        return

    def open(self, engine: Engine, instrument: Instrument, settings: Settings) -> Playing:
        """Open the device."""
        self._player = Player(engine, instrument, settings)
        self._player.open()
        return Playing(**self._player.facts())

    def start(self) -> None:
        """Sound."""
        if self._player is not None:
            self._player.start()

    def stop(self) -> None:
        """End it."""
        if self._player is not None:
            self._player.stop()

    def facts(self) -> dict[str, Any]:
        """What `status` says of it."""
        player = self._player
        return {
            "processes": 1,
            "engine_pid": os.getpid(),
            "restarts": 0,
            "device": player.device.name if player else "",
            "device_state": "lost" if player and player.device.lost else "ok",
            "realtime": player.realtime if player else "none",
        }
