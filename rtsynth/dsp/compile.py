"""How every kernel is compiled: no interpreter, no exceptions, one cache for one set of sources.

Numba's on-disk cache looks only at the file a function stands in, not at the files of the kernels
it calls; a cache kept in a folder named after all kernel sources cannot go stale. Thread: main.
"""

import hashlib
import logging
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numba.extending

__all__ = ["FASTMATH", "SOURCES", "kernel"]

PACKAGE = Path(__file__).resolve().parent.parent
KERNEL_ROOMS = ("dsp", "engine")
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
"""Lets sums be vectorised; keeps NaN and infinity as they are, so that a guard can see them."""


def _sources() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for room in KERNEL_ROOMS:
        for source in sorted((PACKAGE / room).glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


SOURCES = _sources()
"""What this process's kernels, and the memory they share, are made of, as it was when it began."""


def _cache_folder() -> Path:
    base = os.environ.get("RTSYNTH_CACHE_DIR")
    if base is None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        base = os.path.join(home, "rtsynth")
    return Path(base) / f"{platform.machine()}-{SOURCES}"


if "NUMBA_CACHE_DIR" not in os.environ:
    _folder = _cache_folder()
    numba.config.CACHE_DIR = str(_folder)
    if not _folder.exists():
        logging.getLogger(__name__).warning(
            "compiling the engine for this processor: about a minute of processor time, this once"
        )


def kernel(
    signature: Any = None, *, fastmath: bool = False, held: bool = False
) -> Callable[[Any], Any]:
    """Decorator: compile for the audio thread, eagerly where a signature is written.

    Args:
        signature: Numba signature, or None to compile for the types of the first call.
        fastmath: allow reassociation (`FASTMATH`); the result is still the same at every run.
        held: keep the interpreter's lock. For what Python calls and is over at once: who lets go of
            the lock beside a thread that computes waits a whole switch interval to get it back.
    """
    options: dict[str, Any] = {
        "nogil": not held,
        "cache": True,
        "error_model": "numpy",
        "fastmath": FASTMATH if fastmath else False,
        "boundscheck": False,
        "_nrt": False,  # no reference counts, and no allocation compiles
    }
    return numba.njit(**options) if signature is None else numba.njit(signature, **options)
