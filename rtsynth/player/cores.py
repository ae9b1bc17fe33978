"""How many processor cores a stream may have. Thread: main."""

import os
from pathlib import Path

from rtsynth.dsp.sleep import WAKES

__all__ = ["cores_for", "physical_cores"]

AUTO_MOST = 4
TOPOLOGY = Path("/sys/devices/system/cpu")


def physical_cores() -> int:
    """Cores this process may run on; two hardware threads of one core count once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    found = set()
    for cpu in os.sched_getaffinity(0):
        try:
            siblings = TOPOLOGY / f"cpu{cpu}" / "topology" / "thread_siblings_list"
            found.add(siblings.read_text().strip())
        except OSError:
            found.add(str(cpu))
    return len(found)


def cores_for(asked: int | None) -> int:
    """As many as were asked for; None for what suits the machine.

    That is every physical core up to four where the system can wake a thread in time, else one.
    """
    if asked is not None:
        return asked
    return min(physical_cores(), AUTO_MOST) if WAKES else 1
