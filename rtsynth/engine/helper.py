"""What a helper does: waits for a call, works off what it finds, sleeps when none comes.

Within a block one tick follows the other at once, and being woken takes longer than that: so a
helper looks out for a while before it sleeps. Thread: helper.
"""

from typing import Any

from rtsynth.dsp.atomic import exchange, fetch_add, relax
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.intrinsic import flush_denormals, load_acquire, now_ns
from rtsynth.dsp.sleep import sleep_while, wake_all
from rtsynth.engine.share import ASLEEP, FINISH, PRESENT, TURN, work_off
from rtsynth.engine.state import state_at

__all__ = ["end_all", "help_out"]

LOOK_OUT_NS = 50_000
LONGEST_SLEEP_NS = 1_000_000_000


@kernel("void(int64, int64)")
def help_out(user: int, core: int) -> None:
    """Help until the end.

    Args:
        user: address of user data with scratch arrays of this helper's own.
        core: which share it begins with, 1 …
    """
    flush_denormals()
    st = state_at(user)
    fetch_add(st.crew, PRESENT, 1)
    turn = load_acquire(st.crew, TURN)
    idle_since = now_ns()
    while load_acquire(st.crew, FINISH) == 0:
        called = load_acquire(st.crew, TURN)
        if called != turn:
            turn = called
            work_off(st, core)
            idle_since = now_ns()
        elif now_ns() - idle_since < LOOK_OUT_NS:
            relax()
        else:
            exchange(st.crew, ASLEEP, 1)
            sleep_while(st.crew, TURN, turn, LONGEST_SLEEP_NS)
            idle_since = now_ns()
    fetch_add(st.crew, PRESENT, -1)


@kernel("void(int64[::1])")
def end_all(crew: Any) -> None:
    """Tell every helper to end. Thread: main."""
    fetch_add(crew, FINISH, 1)
    fetch_add(crew, TURN, 1)
    wake_all(crew, TURN)
