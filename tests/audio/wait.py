"""Waiting for a fact, not for a time."""

import time
from collections.abc import Callable


def until(fact: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Whether `fact` became true before the timeout."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if fact():
            return True
        time.sleep(0.005)
    return fact()
