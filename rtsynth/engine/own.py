"""User data in which some arrays are one's own: the same engine, seen by another thread.

Thread: main.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.atomic import CACHE_LINE
from rtsynth.engine.layout import State
from rtsynth.engine.state import HEADER, TABLE_ROW

__all__ = ["with_own"]


def with_own(
    state: State, user: NDArray[np.int64], names: tuple[str, ...]
) -> tuple[NDArray[np.int64], list[NDArray[Any]]]:
    """User data that names arrays of zeros, each on cache lines of its own, in place of these.

    Args:
        state: the arrays of the arena.
        user: the engine's user data.
        names: which of `State`.

    Returns:
        The user data, and what must live as long as its address is used.
    """
    own, kept = user.copy(), []
    for name in names:
        size = -(-getattr(state, name).nbytes // CACHE_LINE) * CACHE_LINE
        memory = np.zeros(size + CACHE_LINE, np.uint8)
        kept.append(memory)
        address = memory.ctypes.data + -memory.ctypes.data % CACHE_LINE
        own[HEADER + TABLE_ROW * State._fields.index(name)] = address - int(user[0])
    return own, kept
