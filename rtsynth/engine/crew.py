"""The helpers of one engine: threads that enter compiled code and stay there until the end.

Nobody but the audio thread gives them work (`rtsynth.engine.share`); without any, they sleep. They
never keep a process: they end with the engine, and at the interpreter's exit. Thread: main.
"""

import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.engine.helper import end_all, help_out
from rtsynth.engine.layout import State
from rtsynth.engine.own import with_own
from rtsynth.engine.share import PRESENT

__all__ = ["MOST_CORES", "Crew"]

MOST_CORES = 16
END_S = 1.0  # they answer within a voice's tick; one whose core was taken away does not
SCRATCH = (
    "target", "band_db", "bend", "blown", "bowed", "work32", "work64", "spectrum", "mono", "rung",
    "drive", "told", "sum", "toned_db",
)  # fmt: skip


class Crew:
    """Helpers, none at first.

    Args:
        state: of the engine.
        user: its user data.
        cores: that voices may be shared among, the audio thread's included.
    """

    def __init__(self, state: State, user: NDArray[np.int64], cores: int) -> None:
        self._state, self._user, self._cores = state, user, cores
        self._finalize: weakref.finalize[Any, Any] | None = None

    @property
    def present(self) -> int:
        """Helpers that are there. Thread: any."""
        return int(self._state.crew[PRESENT])

    def start(self) -> None:
        """Start as many as there are cores besides the audio thread's; again is as good as once.

        What a process that was killed has left in the arena is forgotten.
        """
        if self._finalize is not None or self._cores < 2:
            return
        self._state.crew[:] = 0
        threads = [self._thread(core) for core in range(1, self._cores)]
        self._finalize = weakref.finalize(self, _end, self._state.crew, threads)
        for thread in threads:
            thread.start()

    def end(self) -> None:
        """End them; a block that is being rendered goes on without them."""
        if self._finalize is not None:
            self._finalize()
            self._finalize = None

    def _thread(self, core: int) -> threading.Thread:
        own, kept = with_own(self._state, self._user, SCRATCH)
        # the thread holds what it works on, should the engine be dropped before it has ended
        held = (own, kept, self._state)
        name = f"rtsynth-core-{core + 1}"
        return threading.Thread(target=_help, args=(held, core), name=name, daemon=True)


def _help(held: tuple[NDArray[np.int64], Any, State], core: int) -> None:
    help_out(held[0].ctypes.data, core)


def _end(crew: NDArray[np.int64], threads: list[threading.Thread]) -> None:
    end_all(crew)
    for thread in threads:
        if thread.is_alive():
            thread.join(END_S)
