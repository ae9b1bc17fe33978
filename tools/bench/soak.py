"""An hour's worth of blocks with a random performance, as fast as it goes.

    python tools/bench/soak.py --minutes 60 --seed 1 --passes 2

Everything a client may do is done at random frames: triggers, edits, mutes, solos, chokes, events
made and freed, parameters, seeks, loops, tempo, panics, and now and then more triggers at once than
there are voices, or a while in which the engine is told that it has not the time for all, up to
giving up everything. What comes out must be finite and at most −1 dBFS; at the end nothing may be
left sounding, no slot or cache be missing, and the memory must not have grown. Exit code 1
otherwise. Blocks that took longer than they last are counted: in processor time of the thread that
renders, and by the clock on the wall, where other programs are in it. Between the blocks a loop
does the same work every time, and says how far the machine lets times spread.

The same seed is the same performance to the sample, so a piece that is too dear by our doing is so
in every pass; what the machine does to a piece, it does to another one the next time. Each pass is
a process of its own.
"""

import argparse
import dataclasses
import multiprocessing
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from constant import Constant
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.control import Session
from rtsynth.control.command import parse
from rtsynth.engine import Engine, EngineConfig, NoticeKind
from rtsynth.engine.ops import Notice
from rtsynth.errors import RtsynthError
from rtsynth.events import Event, EventTable, Kind
from rtsynth.params import EVENT_PARAMS, PARAMS, Curve, Param
from rtsynth.render import advance
from rtsynth.render.drawing import Drawer
from rtsynth.render.offline import DRAW_GRID
from tests.engine.drawn import drawn_instrument

RATE, BLOCK, VOICES, EVENTS, SPARE = 48_000, 1_024, 32, 48, 64
CEILING = 10.0 ** (-1.0 / 20.0) + 1e-6
WARM_UP = 0.35  # of the minutes: rings are written to for the first time for twenty minutes
SLOPE_MB_PER_H = 1.0
AFTER_S = 3  # until the last voice must have ended
PER_S = {  # how often each is done, on average, per second of sound
    "trigger": 16.0, "set": 8.0, "mute": 2.0, "solo": 1.0, "choke": 2.0, "new": 1.0, "free": 1.0,
    "param": 2.0, "transport": 0.5, "crowd": 0.02, "strain": 0.05, "panic": 0.02,
}  # fmt: skip
EASE, STRAINS = 0.3, (0.8, 0.9, 1.2)  # loads that the engine is told
STRAIN_BLOCKS = (4, 60)
CONSTANT_US = 800.0  # about what the engine takes for a block
SHOWN = 6  # the dearest pieces that are listed, with their numbers
COSTLY = ("resonance", "voice/retrigger")  # kept as they are most of the time


@dataclasses.dataclass
class Facts:
    """What a soak found; `faults` in words, none if all is well."""

    frames: int = 0
    seconds: float = 0.0
    pieces: int = 0
    too_long: int = 0
    longest: float = 0.0
    own: NDArray[np.float32] = dataclasses.field(default_factory=lambda: np.zeros(0, np.float32))
    constant: NDArray[np.float64] = dataclasses.field(default_factory=lambda: np.zeros(0))
    commands: int = 0
    refused: int = 0
    peak: float = 0.0
    slope_mb_per_h: float = 0.0
    rss_mb: list[float] = dataclasses.field(default_factory=list)
    stats: dict[str, Any] = dataclasses.field(default_factory=dict)
    notices: dict[str, int] = dataclasses.field(default_factory=dict)
    faults: list[str] = dataclasses.field(default_factory=list)


class CountedEngine(Engine):
    """An engine that counts the notices it hands out."""

    def __init__(self, *arguments: Any) -> None:
        self.told: Counter[NoticeKind] = Counter()
        super().__init__(*arguments)

    def notices(self) -> list[Notice]:
        """As ever."""
        found = super().notices()
        self.told.update(n.kind for n in found)
        return found


def make_table() -> EventTable:
    """A score of ten seconds: struck, bowed and blown events, and some texture."""
    rng = np.random.default_rng(5)
    events = []
    for index in range(EVENTS):
        texture = index % 12 == 11
        events.append(
            Event(
                index + 1,
                float(rng.uniform(0.0, 10.0)),
                resonance=2 if texture else int(rng.integers(0, 3)),
                kind=Kind.TEXTURE if texture else Kind.MODAL,
                duration_s=float(rng.uniform(0.05, 1.5)),
                release_s=0.1,
                gain=float(rng.uniform(0.05, 0.5)),
                seed=index,
                group="low" if index % 3 == 0 else "",
            )
        )
    return EventTable(events)


class Performer:
    """Submits random commands for the next block."""

    def __init__(self, session: Session, engine: Engine, seed: int) -> None:
        self.session, self.engine = session, engine
        self.rng = np.random.default_rng(seed)
        self.made: list[int] = []
        self.commands = self.refused = self.strained = 0
        engine._core["assumed_load"] = EASE

    def perform(self, frames: int) -> None:
        """What falls into the next `frames` frames."""
        self.strained -= 1
        if self.strained == 0:
            self.engine._core["assumed_load"] = EASE
        for what, per_s in PER_S.items():
            for _ in range(self.rng.poisson(per_s * frames / RATE)):
                getattr(self, f"_{what}")()

    def end(self) -> None:
        """Leave everything as it was found: quiet, and nothing made."""
        self.engine._core["assumed_load"] = EASE
        self._do("panic")
        for path in ("monitor/gain", "monitor/bypass"):
            self._do("param/set", path, 0.0)
        for event in self.made:
            self._do("event/free", event)

    def _do(self, op: str, *arguments: object) -> dict[str, Any]:
        self.commands += 1
        frame = self.engine.frame + int(self.rng.integers(0, 2 * BLOCK))
        try:
            return self.session.submit([parse(op, arguments)], frame=frame)[0].result
        except RtsynthError:
            self.refused += 1
            return {}

    def _event(self) -> object:
        if self.rng.random() < 0.05:
            return "group/low"
        if self.made and self.rng.random() < 0.3:
            return self.made[int(self.rng.integers(0, len(self.made)))]
        return int(self.rng.integers(1, EVENTS + 1))

    def _value(self, param: Param) -> float:
        high = min(param.maximum, 20.0, 2.0 if param.path == "resonance" else np.inf)
        value = float(self.rng.uniform(max(param.minimum, -20.0), high))
        return float(int(value)) if param.curve is Curve.STEPPED else value

    def _trigger(self) -> None:
        self._do("event/trigger", self._event(), float(self.rng.uniform(0.0, 4.0)))

    def _set(self) -> None:
        param = EVENT_PARAMS[int(self.rng.integers(0, len(EVENT_PARAMS)))]
        if param.path not in COSTLY or self.rng.random() < 0.2:
            self._do("event/set", self._event(), param.path, self._value(param))

    def _mute(self) -> None:
        self._do("event/mute", self._event(), int(self.rng.integers(0, 2)))

    def _solo(self) -> None:
        self._do("event/solo", self._event(), int(self.rng.random() < 0.2))

    def _choke(self) -> None:
        self._do("event/choke", self._event())

    def _new(self) -> None:
        fields = ("resonance", int(self.rng.integers(0, 3)), "duration_s", 0.5, "gain", 0.2)
        made = self._do("event/new", -1, *fields)
        if made:
            self.made.append(int(made["id"]))

    def _free(self) -> None:
        if self.made:
            self._do("event/free", self.made.pop(int(self.rng.integers(0, len(self.made)))))

    def _param(self) -> None:
        param = PARAMS[int(self.rng.integers(0, len(PARAMS)))]
        op = "param/set" if self.rng.random() < 0.8 else "param/mod"
        self._do(op, param.path, self._value(param))
        if param.path == "monitor/bypass" or param.path == "master/mute":
            self._do("param/set", param.path, 0)

    def _transport(self) -> None:
        self._do("transport/play")
        match int(self.rng.integers(0, 5)):
            case 0:
                self._do("transport/seek", float(self.rng.uniform(0.0, 10.0)))
            case 1:
                begin = float(self.rng.uniform(0.0, 9.0))
                self._do("transport/loop", 1, begin, begin + float(self.rng.uniform(0.01, 3.0)))
            case 2:
                self._do("transport/loop", 0)
            case 3:
                self._do("transport/tempo", float(self.rng.uniform(0.25, 4.0)))
            case _:
                self._do("transport/pause")

    def _crowd(self) -> None:
        for _ in range(4 * VOICES):
            self._trigger()

    def _strain(self) -> None:
        self.engine._core["assumed_load"] = float(self.rng.choice(STRAINS))
        self.strained = int(self.rng.integers(*STRAIN_BLOCKS))

    def _panic(self) -> None:
        self._do("panic")


def soak(minutes: float, seed: int, *, told: bool = False) -> Facts:
    """Perform so many minutes of sound and say what was wrong; `told`, print how far it is."""
    instrument, table = drawn_instrument(), make_table()
    instrument = with_texture(instrument)
    config = EngineConfig(
        sample_rate=RATE, voices=VOICES, slots=EVENTS + SPARE, caches=EVENTS + SPARE, inputs=1,
        realtime=True,
    )  # fmt: skip
    engine = CountedEngine(config, instrument, table)
    for array in engine._state:
        array[...] = array.copy()  # else a page takes its memory an hour later
    drawer = Drawer(engine, instrument)
    session = Session(engine, table, resonances=instrument.resonances)
    performer = Performer(session, engine, seed)
    facts = Facts()
    began_s = time.monotonic()
    end = round(minutes * 60 * RATE)
    noise = np.random.default_rng(seed).normal(0.0, 0.05, (BLOCK, 1)).astype(np.float32)
    out = np.zeros((BLOCK, engine.channels), np.float32)
    sampled = -1
    constant = Constant(CONSTANT_US)
    facts.constant = np.full(-(-end // BLOCK), np.nan)  # written at once: it must not grow
    facts.own = np.full((end + AFTER_S * RATE) // DRAW_GRID + BLOCK, np.nan, np.float32)
    while engine.frame < end:
        performer.perform(BLOCK)
        facts.constant[engine.frame // BLOCK] = constant.time_us()
        _hear(engine, drawer, session, out, noise, facts)
        if engine.frame // (RATE * 10) != sampled:
            sampled = engine.frame // (RATE * 10)
            facts.rss_mb.append(rss_mb())
            if sampled % 60 == 0 and told:
                print(f"{sampled // 6} min of sound, {facts.rss_mb[-1]:.1f} MB, "
                      f"{len(facts.faults)} faults", flush=True)  # fmt: skip
    performer.end()
    for _ in range(AFTER_S * RATE // BLOCK):
        _hear(engine, drawer, session, out, noise, facts)
    facts.frames, facts.seconds = engine.frame, time.monotonic() - began_s
    facts.commands, facts.refused = performer.commands, performer.refused
    facts.stats = session.stats()
    facts.notices = {kind.name: count for kind, count in sorted(engine.told.items())}
    facts.slope_mb_per_h = slope(facts.rss_mb)
    facts.faults += left_over(engine, session)
    if minutes >= 30.0 and facts.slope_mb_per_h >= SLOPE_MB_PER_H:
        facts.faults.append(f"memory grows by {facts.slope_mb_per_h:.2f} MB per hour of sound")
    return facts


def with_texture(instrument: Any) -> Any:
    """The instrument; its third resonance also has the bands of a texture."""
    instrument.texture_gain[2, 8:24] = 0.02
    return instrument


def _hear(
    engine: Engine, drawer: Drawer, session: Session, out: Any, heard: Any, facts: Facts
) -> None:
    advance(engine, out, drawer, told=session.pump, heard=heard)
    peak = float(np.abs(out).max())
    if not peak <= CEILING and len(facts.faults) < 8:  # NaN fails as well
        facts.faults.append(f"output of {peak} before frame {engine.frame}")
    facts.peak = max(facts.peak, peak)
    blocks, state = int(engine._core["blocks"]), engine._state
    new = np.arange(facts.pieces + 1, blocks + 1) & (len(state.body_ns) - 1)
    period_ns = DRAW_GRID / RATE * 1e9
    bodies, own = state.body_ns[new] / period_ns, state.own_ns[new] / period_ns
    facts.own[facts.pieces : blocks] = own
    facts.pieces = blocks
    facts.too_long += int(np.count_nonzero(bodies > 1.0))
    facts.longest = max(facts.longest, float(bodies.max(initial=0.0)))


def left_over(engine: CountedEngine, session: Session) -> list[str]:
    """What has not been given back, and counters that do not fit each other."""
    told, stats = engine.told, engine.stats()
    ends = told[NoticeKind.END] + told[NoticeKind.NAN]
    facts = {
        "voices sound": (stats.voices, 0),
        "slots are free": (len(engine._free_slots), SPARE),
        "commands wait for their DONE": (len(session._pending), 0),
        "notices were lost": (stats.notices_lost, 0),
        "voices that began have not ended": (told[NoticeKind.GO] - ends, 0),
        "thefts were counted but not told": (stats.stolen - told[NoticeKind.STOLEN], 0),
        "numbers that are none": (stats.nans, 0),
        "blocks do not add up": (stats.frame - engine.frame, 0),
    }
    state = engine._state
    used = int((state.slots["cache"] >= 0).sum() + (state.prototypes >= 0).sum())
    facts["caches are free or in use"] = (len(engine.caches.free) + used, engine.caches.count)
    return [f"{found} {what}; expected {legal}" for what, (found, legal) in facts.items()
            if found != legal]  # fmt: skip


def rss_mb() -> float:
    """Resident memory of this process, MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def slope(rss: list[float]) -> float:
    """MB per hour of sound, by least squares over samples every ten seconds, the first ones out."""
    late: NDArray[np.float64] = np.array(rss[round(WARM_UP * len(rss)) :])
    if len(late) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(late)) * 10.0 / 3600.0, late, 1)[0])


def report(facts: Facts) -> None:
    """Print what one pass found."""
    stats, own = facts.stats, facts.own[: facts.pieces]
    print(f"{facts.frames} frames in {facts.seconds:.0f} s, {stats['blocks']} blocks, "
          f"{facts.commands} commands, {facts.refused} of them refused")  # fmt: skip
    print(f"{too_dear(own)}; by the clock on the wall {facts.too_long}, the longest "
          f"{facts.longest:.0%}")  # fmt: skip
    spread = np.percentile(facts.constant, [50, 99.99, 100])
    limit_us = DRAW_GRID / RATE * 1e6
    print(f"constant work between the blocks: {spread[0]:.0f} µs, 99.99 % within {spread[1]:.0f}, "
          f"{spread[2]:.0f} at most; {np.sum(facts.constant > limit_us + spread[0])} of "
          f"{len(facts.constant)} took {limit_us:.0f} µs more than usual")  # fmt: skip
    print(f"peak {20 * np.log10(facts.peak):.2f} dBFS, {stats['voices_peak']} voices at most, "
          f"{stats['stolen']} stolen, {stats['late']} late, {stats['howls']} howls")  # fmt: skip
    print(f"memory {facts.rss_mb[0]:.1f} -> {facts.rss_mb[-1]:.1f} MB, "
          f"{facts.slope_mb_per_h:+.2f} MB/h")  # fmt: skip
    print("notices " + ", ".join(f"{name} {count}" for name, count in facts.notices.items()))
    for fault in facts.faults:
        print(f"FAULT   {fault}", flush=True)


def too_dear(own: NDArray[np.float32]) -> str:
    """How many pieces took more of the processor than they last, and the dearest ones."""
    dearest = np.argsort(own)[: -SHOWN - 1 : -1]
    shown = ", ".join(f"{own[n]:.0%} ({n})" for n in dearest.tolist())
    return (f"{np.count_nonzero(own > 1.0)} of {len(own)} pieces of {DRAW_GRID} frames took more "
            f"of the processor than they last, the dearest {shown}")  # fmt: skip


def main() -> int:
    """0 if nothing was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--passes", type=int, default=1, help="times the same is performed")
    args = parser.parse_args()
    passes = []
    for number in range(args.passes):
        print(f"pass {number + 1}", flush=True)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            facts = pool.apply(soak, (args.minutes, args.seed), {"told": True})
        report(facts)
        passes.append(facts)
    faults = any(facts.faults for facts in passes)
    if any(facts.notices != passes[0].notices for facts in passes):
        print("FAULT   the passes were not the same performance")
        faults = True
    elif len(passes) > 1:
        least = np.min([facts.own[: facts.pieces] for facts in passes], axis=0)
        print(f"in every pass: {too_dear(least)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
