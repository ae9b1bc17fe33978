"""Real-time priority for the threads that render or receive, as far as the system grants it.

In this order: SCHED_FIFO, which root and members of groups like `audio` may use; RealtimeKit, which
desktops run and which is asked through systemd's `busctl`; a nice value below 0. The threads of a
device and the engine's helpers are raised; so are those that wait for messages, far below them,
where SCHED_FIFO is granted to both (RealtimeKit's limit would end a process that is flooded with
messages) and a second core is left for the others. No other: a drawing worker at real-time priority
could starve what it waits for. Thread: main.
"""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["NONE", "start_raised", "start_receiving"]

NONE = "none"
PRIORITY = 60  # below the sound server's own
RECEIVING = 10
RTKIT_PRIORITY = 10
RTKIT_LIMIT_US = 200_000  # of processor time without a pause: RealtimeKit asks for a limit
NICE = -11
RTKIT = (
    "busctl", "call", "--system", "org.freedesktop.RealtimeKit1", "/org/freedesktop/RealtimeKit1",
    "org.freedesktop.RealtimeKit1", "MakeThreadRealtimeWithPID", "ttu",
)  # fmt: skip
RTKIT_WAIT_S = 1.0

log = logging.getLogger(__name__)


def start_raised(start: Callable[[], None]) -> str:
    """Call `start` and raise the threads it starts; returns how: `SCHED_FIFO 60`, … or `none`."""
    if sys.platform != "linux":
        start()  # Core Audio and WASAPI raise their own threads
        return NONE
    threads = _threads()
    if _start_fifo(start, PRIORITY):
        return f"SCHED_FIFO {PRIORITY}"
    start()
    return _raise(sorted(_threads() - threads))


def start_receiving(start: Callable[[], None]) -> None:
    """Call `start` and raise the threads it starts, which wait for messages, if that is granted."""
    spare_core = sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1
    if not (spare_core and _start_fifo(start, RECEIVING)):
        start()


def _start_fifo(start: Callable[[], None], priority: int) -> bool:
    """Call `start` at a priority that its threads inherit; false, and not called, if refused.

    Refused too where that of the device's threads would be: nobody may stand above them.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    try:
        os.sched_setparam(0, os.sched_param(priority))
        start()
    finally:
        os.sched_setscheduler(0, *before)
    return True


def _threads() -> set[int]:
    return {int(path.name) for path in Path("/proc/self/task").iterdir()}


def _raise(threads: list[int]) -> str:
    if threads and all(_ask_rtkit(thread) for thread in threads):
        return f"RealtimeKit {RTKIT_PRIORITY}"
    try:
        for thread in threads:
            os.setpriority(os.PRIO_PROCESS, thread, NICE)
    except OSError:
        return NONE
    return f"nice {NICE}" if threads else NONE


def _ask_rtkit(thread: int) -> bool:
    if shutil.which(RTKIT[0]) is None:
        return False
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_RTTIME, (RTKIT_LIMIT_US, RTKIT_LIMIT_US))
        words = [*RTKIT, str(os.getpid()), str(thread), str(RTKIT_PRIORITY)]
        done = subprocess.run(words, capture_output=True, timeout=RTKIT_WAIT_S, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        log.debug("RealtimeKit: %s", error)
        return False
    return done.returncode == 0
