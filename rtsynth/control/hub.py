"""The pump from the engine's notices to whoever listens. Thread: hub, its own."""

import logging
import threading
import time
from collections.abc import Sequence

from rtsynth.control.port import Listener, News
from rtsynth.control.session import Session

__all__ = ["Hub"]

PERIOD_S = 0.005
STATS_PERIOD_S = 0.1
STOP_S = 0.9

_logger = logging.getLogger(__name__)


class Hub:
    """Drains the session every 5 ms and tells each listener; stats come ten times a second."""

    def __init__(self, session: Session, listeners: Sequence[Listener]) -> None:
        self._session, self._listeners = session, tuple(listeners)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rtsynth-hub", daemon=True)
        self._stats_due_s = 0.0
        self._xruns: dict[str, int] = {}

    def start(self) -> None:
        """Begin to pump."""
        self._thread.start()

    def stop(self) -> None:
        """Pump a last time and end, within a second."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD_S):
            self._turn()
        self._turn()

    def _turn(self) -> None:
        try:
            news = self._session.pump() + self._stats()
        except Exception:  # the pump outlives whatever one notice brings
            _logger.exception("control: a notice could not be handled")
            return
        for item in news:
            for listener in self._listeners:
                listener.tell(item)

    def _stats(self) -> list[News]:
        now_s = time.monotonic()
        if now_s < self._stats_due_s:
            return []
        self._stats_due_s = now_s + STATS_PERIOD_S
        stats = self._session.stats()
        frame = int(stats["frame"])
        news = [News("stats", (stats,), frame)]
        for cause in ("output", "input"):
            count = int(stats[f"xruns_{cause}"])
            if count > self._xruns.get(cause, 0):
                news.append(News("xrun", (cause, count), frame))
            self._xruns[cause] = count
        return news
