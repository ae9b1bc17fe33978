"""The render-ahead worker: draws every event's curves and attack before they are needed.

It looks at the engine's events as the audio thread has them, draws what has changed, and hands it
over by command; a voice crosses over within 10 ms, a trigger waits for nothing. Until an event is
drawn, its resonance's prototype (the field at vector 0) plays. Thread: worker.
"""

import math
import threading
import time
from collections import deque

import numpy as np
import soxr
from numpy.typing import NDArray

from rtsynth.dsp.draw import CURVE_RATE, SEGMENT_POINTS
from rtsynth.dsp.field import FieldTwin
from rtsynth.engine import CURVES, WHOLE, Cache, Engine, Op, Sounding
from rtsynth.instrument import Instrument
from rtsynth.render.drawn import PROTOTYPE, Drawn, Key, adopt, key_of

__all__ = ["Drawer", "drawer_for"]

SEGMENT_S = SEGMENT_POINTS / CURVE_RATE
AHEAD = 2  # segments drawn before a voice reaches them
IDLE_S, FULL_S = 0.002, 0.02
JOIN_S = 1.0
ALIAS_FREE = 2.45  # rate re the field's highest frequency, from which on nothing folds audibly
PAST = 1e12  # frames; what has passed is needed after all that comes


class Drawer:
    """Draws for one engine, in its own thread or whenever `pump` is called.

    Args:
        engine: whose instrument has a field.
        instrument: that of the engine.
    """

    def __init__(self, engine: Engine, instrument: Instrument) -> None:
        if instrument.field is None:
            raise ValueError("the instrument has no field: nothing to draw")
        self._engine, self._caches = engine, engine.caches
        self._twin = FieldTwin(instrument.field)
        shape = (self._twin.members, SEGMENT_POINTS + 1, self._twin.drawn)
        self._curves = np.zeros(shape, np.float32)
        frames = self._caches[0].attack.shape[1]
        highest_hz = float(instrument.field.attack.omega.max(initial=0.0)) / (2.0 * math.pi)
        self._finer = max(math.ceil(ALIAS_FREE * highest_hz / engine.sample_rate), 1)
        self._attack = np.zeros((self._twin.members, frames * self._finer), np.float32)
        self._seen = np.full(len(self._caches.versions()), -1, np.int32)
        self._drawn, spare = adopt(self._caches)
        self._by_slot: dict[int, tuple[int, Key]] = {  # with the event's id
            slot: (self._caches.event_id(slot), key)
            for key, drawn in self._drawn.items()
            for slot in drawn.slots
        }
        self._posts: deque[tuple[Op, int, int, float]] = deque()
        self._waiting: set[int] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.drawn = 0
        for drawn in spare:
            for slot in sorted(drawn.slots):
                self._post(Op.CACHE, slot, self._drawn[drawn.key].cache)
            self._post(Op.RETIRE, drawn.cache)
        self._draw_prototypes(instrument.resonances)

    def start(self) -> None:
        """Draw from now on, in a thread of its own. Thread: main."""
        self._thread = threading.Thread(target=self._run, name="drawer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Draw no more. Thread: main."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)

    def finish(self, within_s: float = math.inf) -> None:
        """Draw all that can be drawn now. Thread: main, before sound starts; offline."""
        end = time.monotonic() + within_s
        while self.pump() and time.monotonic() < end:
            pass

    def pump(self) -> bool:
        """Draw the most urgent thing; False if there was nothing to do."""
        if not self._send():
            return False  # later: those before must go first
        sounding = self._caches.sounding()
        loud = {voice.slot for voice in sounding}
        self._look()
        drew = (
            self._draw_ahead(sounding, 0)  # what voices are in now
            or self._draw_changed(loud, loud)  # what somebody turns while it sounds
            or self._draw_ahead(sounding, AHEAD)
            or self._draw_changed(self._waiting, loud)
        )
        self._send()
        return drew

    def _post(self, op: Op, target: int, value: float = 0.0) -> None:
        """Tell the audio thread, in order, as soon as its inbox has room."""
        event = self._caches.event_id(target) if op is Op.CACHE else -1
        self._posts.append((op, target, event, value))

    def _send(self) -> bool:
        """Post what waits; False if the worker's ring is full."""
        while self._posts:
            op, target, event, value = self._posts[0]
            if event < 0 or self._caches.event_id(target) == event:
                if not self._caches.post(op, target, event, value):
                    return False
            self._posts.popleft()
        return True

    def _run(self) -> None:
        while not self._stop.is_set():
            if not self.pump():  # what has no room is looked at again, but not at once
                self._stop.wait(FULL_S if self._waiting else IDLE_S)

    # --- prototypes ----------------------------------------------------------------------------

    def _draw_prototypes(self, resonances: int) -> None:
        for resonance in range(resonances):
            if key_of(resonance, PROTOTYPE, math.inf) in self._drawn:
                continue
            drawn = self._draw(resonance, PROTOTYPE, math.inf, set())
            assert drawn is not None, "there is a cache for every resonance"
            drawn.prototype = True
            self._drawn[key_of(resonance, PROTOTYPE, math.inf)] = drawn
            self._post(Op.PROTOTYPE, resonance, drawn.cache)
        self._send()

    # --- events that are new or were edited ------------------------------------------------------

    def _look(self) -> None:
        """See which events were made, edited or freed since the last look."""
        versions = self._caches.versions()
        for changed in np.flatnonzero(versions != self._seen).tolist():
            self._notice(changed, bool(versions[changed] < 0))
        self._seen = versions

    def _draw_changed(self, among: set[int], loud: set[int]) -> bool:
        """Draw the most urgent of the slots that wait; False if there is none or no room."""
        while self._waiting & among:
            slot = self._most_urgent(self._waiting & among, loud)
            self._waiting.discard(slot)
            drew = self._draw_slot(slot, loud)
            if drew is None:
                self._waiting.add(slot)
                return False
            if drew:
                return True
        return False

    def _notice(self, slot: int, gone: bool) -> None:
        """An event was made, edited or freed."""
        if gone:
            self._waiting.discard(slot)
            self._leave(slot)
        elif self._by_slot.get(slot) != self._plays(slot) or not self._whole(slot):
            self._waiting.add(slot)

    def _plays(self, slot: int) -> tuple[int, Key]:
        """Which event stands in a slot, and what it is drawn from."""
        return self._caches.event_id(slot), key_of(*self._caches.event(slot))

    def _whole(self, slot: int) -> bool:
        plays = self._by_slot.get(slot)
        return plays is not None and self._drawn[plays[1]].whole

    def _most_urgent(self, waiting: set[int], loud: set[int]) -> int:
        """What sounds, then what comes next, then what has passed."""
        heard = waiting & loud
        if heard:
            return min(heard)
        slots = np.array(sorted(waiting))
        return int(slots[np.argmin(self._urgency(slots))])

    def _urgency(self, slots: NDArray[np.intp]) -> NDArray[np.float64]:
        """[slots] frames to wait until each is needed, the past after the future."""
        ahead = self._caches.onsets(slots)
        urgency: NDArray[np.float64] = np.where(ahead >= -1.0, ahead, PAST - ahead)
        return urgency

    def _draw_slot(self, slot: int, loud: set[int]) -> bool | None:
        """Whether anything had to be drawn for a slot; None if there is no cache to be had."""
        event = self._caches.event(slot)  # read once: it may be edited meanwhile
        key = key_of(*event)
        before = self._drawn.get(key)
        if before is not None and before.whole:
            self._give(slot, key)
            return False
        hurry = slot in loud and before is None
        slots = {slot} if before is None else before.slots | {slot}
        made = self._draw(*event, slots, hurry)
        if made is None and self._make_room(slot, loud):
            made = self._draw(*event, slots, hurry)
        if made is None:
            return None
        self._drawn[key] = made
        for each in sorted(slots):
            self._give(each, key)
        if before is not None:  # last: no slot has it any more
            self._post(Op.RETIRE, before.cache)
        if hurry:
            self._waiting.add(slot)  # for its attack
        return True

    def _give(self, slot: int, key: Key) -> None:
        """Let a slot play what has been drawn under a key."""
        drawn = self._drawn[key]
        self._post(Op.CACHE, slot, drawn.cache)
        plays = (self._caches.event_id(slot), key)
        if self._by_slot.get(slot, plays)[1] != key:
            self._leave(slot)
        drawn.slots.add(slot)
        self._by_slot[slot] = plays

    def _leave(self, slot: int) -> None:
        """A slot no longer plays what it played."""
        plays = self._by_slot.pop(slot, None)
        if plays is None:
            return
        drawn = self._drawn[plays[1]]
        drawn.slots.discard(slot)
        if not drawn.slots and not drawn.prototype:
            del self._drawn[plays[1]]
            self._post(Op.RETIRE, drawn.cache)

    def _make_room(self, slot: int, loud: set[int]) -> bool:
        """Give up what is needed later than this slot, if anything is; it is free a tick later."""
        wanted = -1.0 if slot in loud else float(self._urgency(np.array([slot]))[0])
        worst, latest = None, wanted
        for key, drawn in self._drawn.items():
            if drawn.prototype or not drawn.slots or drawn.slots & loud:
                continue
            soonest = float(self._urgency(np.array(sorted(drawn.slots))).min())
            if soonest > latest:
                worst, latest = key, soonest
        if worst is not None:
            for given_up in sorted(self._drawn[worst].slots):
                self._post(Op.CACHE, given_up, -1.0)
                self._leave(given_up)
                self._waiting.add(given_up)
        return bool(self._caches.free)

    # --- the drawing itself -----------------------------------------------------------------------

    def _draw(
        self,
        resonance: int,
        vector: NDArray[np.float32],
        duration_s: float,
        slots: set[int],
        hurry: bool = False,
    ) -> Drawn | None:
        """Draw an event into a free cache; None if there is none.

        Args:
            resonance: the event's.
            vector: [32], the event's.
            duration_s: the event's.
            slots: that will play it; what their voices have come to is drawn too.
            hurry: leave the attack what it was for now.
        """
        index = self._caches.claim()
        if index is None:
            return None
        drawn = Drawn(index, resonance, vector, duration_s, set(), whole=not hurry)
        cache = self._caches[index]
        ages_s = [v.age_s for v in self._caches.sounding() if v.slot in slots]
        numbers = {0, *(int(age_s / SEGMENT_S) for age_s in ages_s)}
        for number in sorted(numbers):
            self._draw_segment(drawn, number, numbers)
        if hurry:
            self._keep_attack(min(slots), resonance, cache)
        else:
            self._draw_attack(drawn, cache)
        cache.record["resonance"], cache.record["duration_s"] = resonance, duration_s
        cache.record["vector"] = vector
        cache.record["drawn"] = CURVES if hurry else WHOLE  # last: what is killed before is lost
        self.drawn += 1
        return drawn

    def _draw_attack(self, drawn: Drawn, cache: Cache) -> None:
        """Draw an attack; a device too slow for its frequencies gets it filtered, not folded."""
        rate = self._engine.sample_rate
        self._twin.attack(
            drawn.resonance, drawn.vector, rate * self._finer, drawn.duration_s, self._attack
        )
        if self._finer == 1:
            cache.attack[:] = self._attack
        else:
            slower = soxr.resample(self._attack.T, rate * self._finer, rate, "HQ")
            cache.attack[:] = slower[: cache.attack.shape[1]].T
        cache.record["attack_frames"] = cache.attack.shape[1]

    def _keep_attack(self, slot: int, resonance: int, cache: Cache) -> None:
        """Copy the attack that a slot plays now, its resonance's prototype if it has none."""
        plays = self._by_slot.get(slot)
        key = plays[1] if plays is not None else key_of(resonance, PROTOTYPE, math.inf)
        before = self._caches[self._drawn[key].cache]
        cache.attack[:] = before.attack
        cache.record["attack_frames"] = before.record["attack_frames"]

    def _draw_segment(self, drawn: Drawn, number: int, needed: set[int]) -> bool:
        """Draw one segment over another that is not among the needed; False if all are."""
        cache = self._caches[drawn.cache]
        place = cache.place(number, needed)
        if place is None:
            return False
        cache.segments[place] = -1  # no voice reads what is being written
        self._twin.controls(
            drawn.resonance, drawn.vector, cache.ages_s(number), drawn.duration_s, self._curves
        )
        cache.curves[place] = self._curves.transpose(1, 2, 0)
        cache.segments[place] = number
        return True

    def _draw_ahead(self, sounding: list[Sounding], ahead: int) -> bool:
        """Draw the next segment that a voice will come to; False if all that have room are there.

        Events alike share a cache. If more of them sound at once, at different ages, than it has
        places, the last keep the controls they have.

        Args:
            sounding: voices.
            ahead: segments beyond those they are in.
        """
        by_cache = {drawn.cache: drawn for drawn in self._drawn.values()}
        needed: dict[int, set[int]] = {}
        for step in range(ahead + 1):
            coming = []
            for voice in sounding:
                number = int(voice.age_s / SEGMENT_S) + (-step if voice.backwards else step)
                if voice.cache in by_cache and number >= 0:
                    coming.append((voice.cache, number))
            for cache, number in coming:
                if self._caches[cache].holds(number):
                    needed.setdefault(cache, set()).add(number)
            for cache, number in coming:
                kept = needed.setdefault(cache, set())
                if number not in kept and self._draw_segment(by_cache[cache], number, kept):
                    return True
        return False


def drawer_for(engine: Engine, instrument: Instrument) -> Drawer | None:
    """A drawer for an engine whose instrument has a field; None for one that needs none."""
    return Drawer(engine, instrument) if instrument.field is not None else None
