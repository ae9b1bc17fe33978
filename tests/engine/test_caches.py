"""What the worker draws, where it lies, and who draws it when."""

import math

import numpy as np

from rtsynth.engine import NOTHING, Engine, Op
from rtsynth.events import Event, EventTable
from rtsynth.params import event_param_named
from rtsynth.render import Drawer, run_engine
from tests.engine.bank import RATE
from tests.engine.drawn import STRUCK, drawn_engine, drawn_instrument, note, stream

VECTOR0 = event_param_named("vector0")[0]


def test_a_trigger_waits_for_nothing_the_prototype_plays() -> None:
    instrument = drawn_instrument()
    table = note(STRUCK, vector=(0.0,) * 32, duration_s=math.inf)
    engine, _ = drawn_engine(table, instrument, channels=1)
    engine.post(Op.SET, engine.slot_of(1), 0, 0, VECTOR0 + 31, 5.0)  # no mode hears it
    engine.post(Op.TRIGGER, engine.slot_of(1), 64, 0, 1.0)
    undrawn = run_engine(engine, 4_800, 480)
    calm, drawer = drawn_engine(table, instrument, channels=1)
    calm.post(Op.TRIGGER, calm.slot_of(1), 64, 0, 1.0)
    assert np.array_equal(undrawn, run_engine(calm, 4_800, 480, drawer))


def test_caches_come_back_once_no_voice_reads_them() -> None:
    engine, drawer = drawn_engine(note(STRUCK, duration_s=5.0), channels=1)
    engine.post(Op.PLAY, 0, 0)
    free = len(engine.caches.free)
    for value in range(40):  # more edits than there are caches
        engine.post(Op.SET, engine.slot_of(1), -1, 0, VECTOR0, float(value))
        run_engine(engine, 960, 480, drawer)
        engine.notices()
    run_engine(engine, 4_800, 480, drawer)
    engine.notices()
    assert len(engine.caches.free) == free


def test_more_events_than_caches_are_drawn_in_time() -> None:
    events = [
        Event(i + 1, 0.1 * i, 0.05, resonance=STRUCK, release_s=0.02, vector=(float(i),) * 32)
        for i in range(30)
    ]
    engine, drawer = drawn_engine(EventTable(events), channels=1, caches=6)
    engine.post(Op.PLAY, 0, 0)
    slots = engine._state.slots
    started = 0
    for _ in range(round(3.0 * RATE / 480)):
        stream(engine, drawer, 480)
        voices = engine._state.voices
        for v in np.flatnonzero(voices["state"]):
            if voices[v]["begin"] > engine.frame - 480 - 32:
                started += 1
                assert voices[v]["cache"] not in engine._state.prototypes
                assert voices[v]["cache"] == slots[voices[v]["slot"]]["cache"]
    assert started >= 30


def test_a_full_inbox_does_not_stop_the_worker() -> None:
    engine, drawer = drawn_engine(note(STRUCK, duration_s=5.0), channels=1, queue=128)
    while engine.free_space() > 0:
        engine.post(Op.SYNC, 0, RATE)
    for value in (1.0, 2.0):
        engine._state.vectors[engine.slot_of(1), 0] = value
        engine._state.slots["version"] += 1
        drawer.pump()
    assert engine.free_space() == 0
    stream(engine, drawer, RATE + 4_800)
    assert drawer._by_slot, "it went on when there was room"
    engine.post(Op.SET, engine.slot_of(1), -1, 0, VECTOR0, 5.0)
    drawn = drawer.drawn
    stream(engine, drawer, 4_800)
    assert drawer.drawn > drawn


def test_the_same_event_made_again_is_drawn_again() -> None:
    table = note(STRUCK)
    engine, drawer = drawn_engine(table, channels=1)
    stream(engine, drawer, 480)
    engine.post(Op.FREE, engine.slot_of(1))
    out = np.zeros((960, 1), np.float32)
    engine.process(out)  # the worker does not look meanwhile
    engine.notices()
    row = table.rows[0].copy()
    row["id"] = 2
    slot = engine.reserve(row)
    engine.post(Op.ACTIVATE, slot)
    stream(engine, drawer, 960)
    assert int(engine._state.slots["cache"][slot]) >= 0


def test_a_worker_goes_on_with_what_one_before_it_drew() -> None:
    engine, drawer = drawn_engine(note(STRUCK, duration_s=1.0), channels=1)
    engine.post(Op.PLAY, 0, 0)
    stream(engine, drawer, 4_800)
    assert engine._state.slots[engine.slot_of(1)]["cache"] >= 0
    memory = engine._arena.memory.copy()
    other = Engine(engine.config, engine._instrument, memory=memory, attached=True)
    other.revival.resume()
    successor = Drawer(other, engine._instrument)
    successor.finish()
    assert successor.drawn == 0
    assert other.caches.free == engine.caches.free
    went_on, taken = stream(engine, drawer, 9_600), stream(other, successor, 9_600)
    error = np.sqrt(np.mean((taken - went_on)[480:] ** 2) / np.mean(went_on[480:] ** 2))
    assert 20 * np.log10(error) < -25.0  # dB; a drawn past is followed coarsely


def test_a_cache_that_was_half_drawn_is_drawn_anew() -> None:
    engine, drawer = drawn_engine(note(STRUCK), channels=1)
    stream(engine, drawer, 960)
    slot = engine.slot_of(1)
    cache = int(engine._state.slots[slot]["cache"])
    engine._state.caches[cache]["drawn"] = NOTHING
    engine.revival.resume()
    assert cache in engine.caches.free
    successor = Drawer(engine, engine._instrument)
    successor.finish()
    assert successor.drawn == 1
    stream(engine, successor, 960)
    assert engine._state.slots[slot]["cache"] >= 0
