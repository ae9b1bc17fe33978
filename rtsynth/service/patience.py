"""How long to wait until the next process is started. Thread: supervisor."""

import time

__all__ = ["Patience"]

STABLE_S = 2.0  # of playing, and what died before is forgotten
LONGEST_S = 10.0
FIRST_WAIT_S = 0.25
SILENT_FROM = 3  # crashes in a row


class Patience:
    """None after one death, more with every process that dies without having played for a while.

    Attributes:
        failures: processes lost in a row.
        crashes: of those, that ended by themselves.
        away_s: between processes that look for a device that only a new one can find.
    """

    away_s = 1.0

    def __init__(self) -> None:
        self.failures = self.crashes = 0
        self._began_s: float | None = None
        self._standbys = 0

    @property
    def silent(self) -> bool:
        """Whether what sounds is to be dropped, as it may be what ends the process."""
        return self.crashes >= SILENT_FROM

    def plays(self) -> None:
        """A process has begun to play."""
        if self._began_s is None:
            self._began_s = time.monotonic()

    def lost(self, *, crashed: bool) -> float:
        """The process is lost; seconds until the next.

        Args:
            crashed: it ended by itself, and was not merely asked for no sound.
        """
        began_s, self._began_s = self._began_s, None
        if began_s is not None and time.monotonic() - began_s >= STABLE_S:
            self.failures = self.crashes = 0
        self.failures += 1
        self.crashes += crashed
        return self._wait_s(self.failures)

    def standby_s(self) -> float:
        """One in reserve has ended by itself; seconds until the next."""
        self._standbys += 1
        return self._wait_s(self._standbys + 1)

    def _wait_s(self, failures: int) -> float:
        if failures < 2:
            return 0.0
        return float(min(FIRST_WAIT_S * 2.0 ** (failures - 2), LONGEST_S))
