"""The service: engine, device, servers, recorder; the only place that knows everyone.

Thread: main.
"""

from rtsynth.service.build import make_engine
from rtsynth.service.config import Config
from rtsynth.service.replay import replay_log
from rtsynth.service.service import Service

__all__ = ["Config", "Service", "make_engine", "replay_log"]
