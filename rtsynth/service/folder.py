"""The private folder that the arena's file lies in, and what crashed services left behind.

Where the system has a folder in memory it lies there: a page that is written back to a disk could
stop the audio thread. The folder is its owner's alone, and a lock in it is held for as long as the
owner lives: one that nobody holds belongs to a service that was killed, and the next one to start
removes it. Thread: main.
"""

import atexit
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from rtsynth.player.process import mapped

if sys.platform != "win32":  # there, what a killed service leaves behind stays
    import fcntl

__all__ = ["ArenaFolder", "sweep"]

IN_MEMORY = Path("/dev/shm")
PREFIX = "rtsynth-arena-"
MARGIN = 32 << 20  # bytes to leave free

log = logging.getLogger(__name__)


class ArenaFolder:
    """A folder with room for an arena of `size` bytes; also removed when the interpreter ends.

    Attributes:
        arena: the file.
        instrument: where an instrument may be written for another process.
        size: of the arena, bytes.
    """

    def __init__(self, size: int) -> None:
        sweep()
        self.size = size
        self._path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=_parent(size)))  # mode 0700
        self._lock = _held(self._path)
        self.arena = self._path / "arena"
        self.instrument = self._path / "instrument.safetensors"
        with open(self.arena, "xb") as file:
            file.truncate(size)  # sparse: what is never touched costs nothing
        atexit.register(self.remove)

    def memory(self) -> NDArray[np.uint8]:
        """The file's bytes, shared with every process that maps it."""
        return mapped(self.arena, self.size)

    def remove(self) -> None:
        """Remove the folder; who has mapped the file keeps its bytes. Twice is as good as once."""
        atexit.unregister(self.remove)
        shutil.rmtree(self._path, ignore_errors=True)
        self._lock.close()


def sweep() -> int:
    """Remove the folders of services that were killed; returns how many."""
    if sys.platform == "win32":
        return 0
    count = 0
    for parent in {IN_MEMORY, Path(tempfile.gettempdir())}:
        for path in parent.glob(f"{PREFIX}*/lock"):
            try:
                with open(path, "rb+") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path.parent)
            except OSError:
                continue  # held, somebody else's, or gone already
            log.debug("removed %s, whose service is gone", path.parent)
            count += 1
    return count


def _parent(size: int) -> Path:
    """Memory if it has room, else the system's folder for temporary files."""
    if os.name == "posix" and IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK):
        if shutil.disk_usage(IN_MEMORY).free >= size + MARGIN:
            return IN_MEMORY
        log.warning(
            "%s has no room for %d MB: the engine's memory is a file in %s, on which a busy disk "
            "may be heard", IN_MEMORY, size >> 20, tempfile.gettempdir(),
        )  # fmt: skip
    return Path(tempfile.gettempdir())


def _held(folder: Path) -> IO[bytes]:
    """A lock in the folder, there under its name only once it is held."""
    fresh = folder / "lock.new"
    lock = open(fresh, "wb")
    if sys.platform != "win32":
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fresh.rename(folder / "lock")
    return lock
