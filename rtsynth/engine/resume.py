"""A stream taken up again where another process left it: repaired, reopened, brought up to now.

An outage is a mute. The stream's time, its transport and its commands go on as if somebody had
turned the sound off: voices are opened in the middle of their lives (`engine.opening`), and the
frames that nobody heard are rendered into nothing, at once, until the stream is where the clock
says it should be. So a musician who plays with others is still with them, what was struck meanwhile
rings on, a time tag means what it meant, and a recording, which takes those frames too, has no gap.
Thread: main, of a process that is about to render.
"""

import time

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.modal import TICK
from rtsynth.engine.compile import DOORS
from rtsynth.engine.layout import State
from rtsynth.engine.own import with_own
from rtsynth.engine.repair import Alive, repair, tell_end
from rtsynth.engine.voice import SOUNDING

__all__ = ["Revival"]

LONGEST_AGE = 1 << 40  # frames


class Revival:
    """Takes up the stream of one arena.

    Args:
        state: its arrays.
        user: what compiled code needs to find them.
    """

    def __init__(self, state: State, user: NDArray[np.int64]) -> None:
        self._state, self._user = state, user

    def resume(self, *, silent: bool = False) -> int:
        """Repair everything and open what sounded where it would be now; returns how many voices.

        Args:
            silent: let nothing sound: what sounds may be what ends the process.
        """
        alive = repair(self._state, silent=silent)
        unheard = self._without_notices()
        opened = 0
        for voice in alive:
            if self._reopen(voice, unheard):
                opened += 1
            else:
                tell_end(self._state, voice.slot)
        return opened

    def catch_up(self, within_s: float) -> int:
        """Render what nobody heard, until the stream is where its clock says; frames still behind.

        Args:
            within_s: most time to take; what is left then is left out of the stream.
        """
        core = self._state.core[0]
        if not core["clock_ns"]:
            return 0
        tick = DOORS["rtsynth_render_tick"].ctypes
        end_s = time.monotonic() + within_s
        while (behind := self._behind()) >= TICK and time.monotonic() < end_s:
            for _ in range(behind // TICK):
                tick(self._user.ctypes.data)
                if time.monotonic() > end_s:
                    break
            core["frame"] = core["tick_frame"]
        return max(behind, 0)

    def fade_in(self) -> None:
        """Let the next frames rise from silence: the device that gets them played none so far."""
        core = self._state.core[0]
        core["mute_from"], core["mute_at"] = 0.0, 0

    def _behind(self) -> int:
        """Frames between the stream and its clock, which has not been touched since the loss."""
        core = self._state.core[0]
        seconds = (time.monotonic_ns() - int(core["clock_ns"])) * 1e-9
        due = int(core["clock_frame"]) + int(seconds * float(core["sample_rate"]))
        return due - int(core["tick_frame"])

    def _reopen(self, voice: Alive, user: NDArray[np.int64]) -> bool:
        """Whether it sounds; one of the tick that was being rendered begins within it again."""
        age = int(self._state.core[0]["tick_frame"]) - voice.onset
        if not -TICK < age < LONGEST_AGE:
            return False
        start = DOORS["rtsynth_start_voice"].ctypes
        first, age = max(-age, 0), max(age, 0)
        start(user.ctypes.data, voice.slot, first, voice.velocity, voice.from_score, age)
        voices = self._state.voices
        same = (voices["slot"] == voice.slot) & (voices["onset"] == voice.onset)
        return bool(np.any(same & (voices["state"] == SOUNDING)))

    def _without_notices(self) -> NDArray[np.int64]:
        """User data whose outbox is nobody's: what was told to begin begins no second time."""
        user, self._nobodys = with_own(self._state, self._user, ("outbox", "outbox_at"))
        return user
