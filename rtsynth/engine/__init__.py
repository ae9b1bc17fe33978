"""The real-time engine: one flat arena of state, and compiled code that turns it into blocks."""

from rtsynth.dsp.compile import SOURCES
from rtsynth.engine.caches import Cache, Caches, Sounding
from rtsynth.engine.config import EngineConfig
from rtsynth.engine.engine import Engine
from rtsynth.engine.hops import Hop, Hops, PackedBank
from rtsynth.engine.ops import ALL, ASAP, Latency, Notice, NoticeKind, Op, Stats, group_target
from rtsynth.engine.record import CURVES, NOTHING, WHOLE

__all__ = [
    "ALL",
    "ASAP",
    "CURVES",
    "Cache",
    "Caches",
    "Engine",
    "EngineConfig",
    "Hop",
    "Hops",
    "Latency",
    "NOTHING",
    "Notice",
    "NoticeKind",
    "Op",
    "PackedBank",
    "SOURCES",
    "Sounding",
    "Stats",
    "WHOLE",
    "group_target",
]
