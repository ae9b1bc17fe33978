"""Choosing who renders; torch is imported only where it is wanted. Thread: main."""

import ctypes
import importlib.util
import math
import sys
from typing import TYPE_CHECKING

from rtsynth.dsp.grain import HOP
from rtsynth.engine import Engine
from rtsynth.errors import UsageError
from rtsynth.instrument import Instrument

if TYPE_CHECKING:
    from rtsynth.render.grains import GrainWorker

__all__ = ["LEAST_AHEAD", "RENDERERS", "grains_wanted", "look_ahead", "worker_for"]

RENDERERS = ("curves", "grains", "auto")
"""`auto` takes grains where there is a CUDA device."""

LEAST_AHEAD = 2
"""Hops: a grain spans two."""

DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def look_ahead(block_size: int) -> int:
    """Hops that sound has to lag behind so that a worker has a whole block's time to render one."""
    return LEAST_AHEAD + math.ceil(block_size / HOP)


def grains_wanted(choice: str) -> bool:
    """Whether a choice of RENDERERS means grains on this machine.

    Raises:
        UsageError: no such renderer, or grains without torch.
    """
    if choice not in RENDERERS:
        raise UsageError(f"renderer {choice!r}; legal: {', '.join(RENDERERS)}")
    if choice == "auto":
        return _has_cuda()
    if choice == "grains":
        _need_torch()
    return choice == "grains"


def worker_for(engine: Engine, instrument: Instrument, device: str | None = None) -> "GrainWorker":
    """A grain worker for an engine that looks ahead.

    Args:
        engine: built with `EngineConfig.ahead`.
        instrument: that of the engine.
        device: "cpu" or a CUDA device; None for CUDA where there is one.

    Raises:
        UsageError: torch is not installed.
    """
    _need_torch()
    from rtsynth.render.grains import GrainWorker

    return GrainWorker(engine, instrument, device)


def _need_torch() -> None:
    if importlib.util.find_spec("torch") is None:
        raise UsageError(
            "the grain renderer needs torch: install rtsynth[torch], or choose --renderer curves"
        )


def _has_cuda() -> bool:
    """Whether torch can use a CUDA device; imports torch only where there is a driver."""
    if importlib.util.find_spec("torch") is None:
        return False
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()
