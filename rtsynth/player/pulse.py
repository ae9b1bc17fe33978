"""How a process that plays or serves sets its interpreter. Thread: main."""

import gc
import sys

__all__ = ["SWITCH_INTERVAL_S", "Pulse"]

SWITCH_INTERVAL_S = 0.00015
"""How long a Python thread may keep the interpreter while another, with a message, waits for it."""


class Pulse:
    """What is there when sound starts is never looked at again by the collector."""

    def __init__(self) -> None:
        self._interval_s = sys.getswitchinterval()

    def set(self) -> None:
        """Freeze the collector, shorten the switch interval."""
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH_INTERVAL_S)

    def reset(self) -> None:
        """As before."""
        gc.unfreeze()
        sys.setswitchinterval(self._interval_s)
