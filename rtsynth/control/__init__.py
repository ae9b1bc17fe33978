"""The wire: OSC and ZeroMQ in, commands to the engine, replies and news out.

`Control(session)` is all a service needs; `Session` is the one owner of what control knows.
"""

from rtsynth.control.performance import LogHeader, PerformanceLog, Record, read_log, replay
from rtsynth.control.port import EnginePort, Listener, News
from rtsynth.control.server import Control
from rtsynth.control.session import Session
from rtsynth.control.timing import LATE_POLICIES

__all__ = [
    "LATE_POLICIES",
    "Control",
    "EnginePort",
    "Listener",
    "LogHeader",
    "News",
    "PerformanceLog",
    "Record",
    "Session",
    "read_log",
    "replay",
]
