"""Voices shared among cores: the same samples, whoever makes them and however many there are."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.engine import Engine, EngineConfig, NoticeKind, Op
from rtsynth.engine.ops import Notice
from rtsynth.engine.share import PRESENT
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, EventTable, Kind
from rtsynth.instrument import Instrument
from rtsynth.params import PARAMS, event_param_named
from rtsynth.render.drawing import Drawer
from tests.engine.bank import RATE, engine_on, mixed_table, run
from tests.engine.drawn import random_field

BLOCK = 128
STRUCK, BOWED, BLOWN, RAIN = range(4)
EVENTS = 48
LONGEST_S = 60.0  # on a machine that gives helpers no turn
LIVE = [i for i, p in enumerate(PARAMS) if p.path.startswith(("bank/", "voice/", "field/"))]


def everything() -> Instrument:
    """Struck with noise, bowed, blown, and a texture that clicks and hums, under one field."""
    instrument = Instrument.blank(4, 24, attack_length=480, attack_rate=RATE)
    freq = np.geomspace(110.0, 6_000.0, 24)
    for resonance in range(4):
        t60 = np.geomspace(1.5, 0.2, 24)
        instrument.set_modes(resonance, freq * (1 + 0.1 * resonance), t60, np.full(24, 0.01 + 0j))
    instrument.strike_s[STRUCK] = 0.05
    instrument.strike_envelope[STRUCK] = np.linspace(1.0, 0.0, 64)
    instrument.strike_filter[STRUCK, :8] = 0.05
    instrument.strike_dry[STRUCK] = instrument.strike_wet[STRUCK] = 0.3
    instrument.attack[STRUCK] = 0.05 * np.hanning(480)
    instrument.bow[BOWED] = instrument.impulse[BOWED]
    instrument.impulse[BOWED : BLOWN + 1] = 0.0
    instrument.blow_gain[BLOWN, 6:24] = 0.014
    instrument.blow_dry[BLOWN], instrument.blow_wet[BLOWN] = 0.5, 1.0
    instrument.texture_gain[RAIN, 8:24] = 0.02
    instrument.click_rate_hz[RAIN], instrument.click_gain[RAIN] = 40.0, 0.05
    instrument.field = random_field(4, seed=3, size=0.3, toned=True)
    return instrument


def all_kinds(rng: np.random.Generator) -> EventTable:
    """Events of every kind, bent in every way."""

    def event(number: int) -> Event:
        resonance = number % 4
        return Event(
            number, float(rng.uniform(0.0, 1.0)), float(rng.uniform(0.05, 0.6)),
            resonance=resonance,
            kind=Kind.TEXTURE if resonance == RAIN else Kind.MODAL,
            seed=number,
            gain=float(rng.uniform(0.05, 0.5)),
            pan=float(rng.uniform(-1.0, 1.0)),
            transpose=float(rng.uniform(-5.0, 5.0)),
            damp=float(rng.uniform(0.5, 2.0)),
            vibrato_depth=float(rng.choice([0.0, 0.4])),
            stretch=float(rng.choice([1.0, 1.0, 0.5, -1.0])),
            release_s=0.1,
            vector=tuple(rng.normal(0.0, 1.0, 32)),
        )  # fmt: skip

    return EventTable(event(i) for i in range(1, EVENTS + 1))


class Performance:
    """A random performance, the same on any number of cores; voices are few, some are stolen."""

    def __init__(self, cores: int, seed: int = 5, **config: object) -> None:
        self.rng = np.random.default_rng(seed)
        settings = {
            "sample_rate": RATE, "slots": 64, "voices": 24, "caches": 64, "cores": cores, **config
        }  # fmt: skip
        instrument = everything()
        self.engine = Engine(EngineConfig(**settings), instrument, all_kinds(self.rng))  # type: ignore[arg-type]
        self.drawer = Drawer(self.engine, instrument)
        self.notices: list[Notice] = []
        self.engine.post(Op.PLAY, 0, 0)

    def _act(self) -> None:
        rng, engine = self.rng, self.engine
        slot = engine.slot_of(int(rng.integers(1, EVENTS + 1)))
        frame = engine.frame + int(rng.integers(0, 500))
        field = event_param_named(
            str(rng.choice(["transpose", "pan", "gain", "bright", "vector3"]))
        )
        value = float(rng.uniform(0.1, 1.0))
        which = int(rng.integers(0, 12))
        if which < 6:
            engine.post(Op.TRIGGER, slot, frame, 0, value)
        elif which < 9:
            engine.post(Op.SET, slot, frame, 0, field[0], value)
        elif which < 10:
            engine.post(Op.CHOKE, slot, frame)
        elif which < 11:
            engine.post(Op.MUTE, slot, frame, 0, float(rng.integers(0, 2)))
        else:
            engine.post(Op.PARAM, int(rng.choice(LIVE)), frame, 0, value)

    def play(self, blocks: int) -> NDArray[np.float32]:
        """The next blocks."""
        out = np.zeros((blocks * BLOCK, self.engine.channels), np.float32)
        for at in range(0, len(out), BLOCK):
            for _ in range(int(self.rng.integers(0, 3))):
                self._act()
            self.drawer.finish()
            self.engine.process(out[at : at + BLOCK])
            self.notices += self.engine.notices()
        return out


@pytest.mark.parametrize("channels", [1, 2])
def test_a_performance_is_the_same_samples_with_no_one_two_and_three_helpers(channels: int) -> None:
    alone = Performance(1, channels=channels)
    shared = [Performance(cores, channels=channels) for cores in (2, 3, 4)]
    for performance in shared:
        performance.engine.crew.start()
    parts, ends = [], time.monotonic() + LONGEST_S
    while True:
        parts.append(alone.play(250))
        for performance in shared:
            assert np.array_equal(performance.play(250), parts[-1])
        helped = [performance.engine.stats().helped for performance in shared]
        if len(parts) >= 4 and (min(helped) > 500 or time.monotonic() > ends):
            break
    for performance in shared:
        performance.engine.crew.end()
        assert performance.notices == alone.notices
        theirs, ours = performance.engine.stats(), alone.engine.stats()
        assert (theirs.voices_peak, theirs.stolen, theirs.undrawn) == (
            ours.voices_peak, ours.stolen, ours.undrawn,
        )  # fmt: skip
    assert min(helped) > 500
    assert np.abs(np.concatenate(parts)).max() > 0.05
    assert alone.engine.stats().stolen > 0
    assert {NoticeKind.GO, NoticeKind.END, NoticeKind.STOLEN} <= {n.kind for n in alone.notices}


def test_a_helper_that_never_comes_changes_nothing() -> None:
    alone, left = Performance(1), Performance(2)
    left.engine._state.crew[PRESENT] = 1
    assert np.array_equal(alone.play(500), left.play(500))
    assert left.notices == alone.notices
    stats = left.engine.stats()
    assert (stats.cores, stats.helped) == (2, 0)


def test_blocks_of_any_size_are_the_same_stream_with_helpers() -> None:
    whole, cut = engine_on(mixed_table()), engine_on(mixed_table(), cores=3)
    cut.crew.start()
    for engine in (whole, cut):
        engine.post(Op.PLAY, 0, 10)
    assert np.array_equal(run(whole, 24_000, 24_000), run(cut, 24_000, 65))
    cut.reset()
    cut.post(Op.PLAY, 0, 10)
    again = run(cut, 24_000, 480)
    whole.reset()
    whole.post(Op.PLAY, 0, 10)
    assert np.array_equal(run(whole, 24_000, 24_000), again)
    cut.crew.end()


def live(cores: int = 2) -> Engine:
    """An engine whose blocks are due in time, voices that sound, a helper that never comes."""
    engine = engine_on(mixed_table(), realtime=True, cores=cores)
    engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
    engine._state.crew[PRESENT] = cores - 1
    return engine


def play(engine: Engine, load: float, seconds: float) -> int:
    """Blocks that take so large a share of their period; cores in use after them."""
    engine._core["assumed_load"] = load
    run(engine, round(seconds * RATE / BLOCK) * BLOCK, BLOCK)
    return engine.stats().cores


def test_helpers_are_called_above_half_the_period_and_let_go_after_a_calm_second() -> None:
    engine = live()
    assert play(engine, 0.45, 2.0) == 1
    assert play(engine, 0.6, 0.2) == 2
    assert play(engine, 0.4, 3.0) == 2
    assert play(engine, 0.3, 0.9) == 2
    assert play(engine, 0.3, 0.3) == 1
    assert engine.stats().overload == 0


def test_one_block_above_80_percent_calls_helpers_at_once() -> None:
    engine = live()
    play(engine, 0.1, 0.5)
    assert play(engine, 0.9, BLOCK / RATE) == 1
    assert play(engine, 0.1, BLOCK / RATE) == 2


def test_helpers_that_held_a_block_up_rest_until_voices_would_be_shed() -> None:
    engine = live()
    assert play(engine, 0.6, 0.2) == 2
    engine._core["waited_ns"] = 1_000_000  # of 2.7 ms
    play(engine, 0.6, BLOCK / RATE)
    assert play(engine, 0.6, 0.5) == 1
    assert engine.stats().waits == 1
    assert play(engine, 0.82, 0.1) == 2
    assert play(engine, 0.6, 0.1) == 1
    assert play(engine, 0.6, 10.0) == 2
    assert engine.stats().shed == 0


def test_an_engine_of_one_core_never_calls() -> None:
    engine = live(cores=1)
    assert play(engine, 0.84, 0.5) == 1
    engine.crew.start()
    assert engine.crew.present == 0


@pytest.mark.parametrize("cores", [0, 17])
def test_fewer_than_one_core_and_more_than_16_are_refused(cores: int) -> None:
    with pytest.raises(ValueRangeError, match="legal: 1 … 16"):
        engine_on(cores=cores)


def helpers() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("rtsynth-core-")]


def arrived(engine: Engine, count: int) -> bool:
    ends = time.monotonic() + LONGEST_S
    while engine.crew.present != count and time.monotonic() < ends:
        time.sleep(0.001)
    return engine.crew.present == count


def test_helpers_end_with_the_crew_and_can_be_started_again() -> None:
    engine = engine_on(mixed_table(), cores=3)
    for _ in range(2):
        engine.crew.start()
        engine.crew.start()
        assert arrived(engine, 2)
        assert len(helpers()) == 2
        run(engine, 4_800)
        engine.crew.end()
        assert (engine.crew.present, helpers()) == (0, [])
    engine.crew.end()


def test_helpers_end_when_their_engine_is_dropped() -> None:
    engine = engine_on(mixed_table(), cores=2)
    engine.crew.start()
    assert arrived(engine, 1)
    del engine
    assert helpers() == []


LEAVE = """
import sys
from tests.engine.bank import engine_on, mixed_table, run
engine = engine_on(mixed_table(), cores=3)
engine.crew.start()
run(engine, 48_000)
{end}
"""


@pytest.mark.parametrize(
    ("end", "status"), [("", 0), ("sys.exit(3)", 3), ("raise SystemExit(4)", 4)]
)
def test_helpers_keep_no_process(end: str, status: int) -> None:
    words = [sys.executable, "-W", "error", "-c", LEAVE.format(end=end)]
    done = subprocess.run(words, timeout=LONGEST_S, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_a_stream_whose_process_was_killed_with_its_helpers_goes_on() -> None:
    program = Path(__file__).with_name("killed.py")
    words = [sys.executable, "-W", "error", str(program), "8", "3"]
    found = subprocess.run(words, timeout=170, capture_output=True, text=True, check=True)
    told = json.loads(found.stdout)
    assert told["faults"] == []
    assert told["voices"] > 8
    assert told["helped"] > 0
