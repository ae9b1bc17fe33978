"""A stream whose process was killed goes on in another: what rang rings on, nothing is lost."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.engine import Engine, EngineConfig, NoticeKind, Op
from rtsynth.engine.ops import ALL, ASAP
from rtsynth.engine.repair import repair
from rtsynth.engine.ring import READ, WRITTEN
from rtsynth.engine.voice import SOUNDING
from rtsynth.events import Event, EventTable, Kind
from rtsynth.params import param_named
from rtsynth.player.process import mapped
from tests.engine.bank import (
    BELL,
    HISS,
    RATE,
    TICK,
    clicks,
    engine_on,
    mixed_table,
    run,
    small_instrument,
)

ROOT = Path(__file__).parents[2]
SHARED = Path("/dev/shm")
FEW_FAULTS = 16  # for what is not in the arena


def taken_up(engine: Engine, *, silent: bool = False) -> Engine:
    """Another engine on a copy of this one's memory, as another process would have it."""
    memory = engine._arena.memory.copy()
    other = Engine(engine.config, engine._instrument, memory=memory, attached=True)
    other.revival.resume(silent=silent)
    return other


def ringing(count: int = 4) -> Engine:
    events = [Event(i + 1, 0.05 * i, resonance=BELL, transpose=float(i)) for i in range(count)]
    engine = engine_on(EventTable(events))
    engine.post(Op.PLAY, 0, 0)
    run(engine, 12_000)
    return engine


def level_db(sound: NDArray[np.float32], of: NDArray[np.float32]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(sound**2)) / np.sqrt(np.mean(of**2))))


def test_bells_ring_on_in_phase() -> None:
    engine = ringing()
    other = taken_up(engine)
    went_on, taken = run(engine, 9_600), run(other, 9_600)
    settled = slice(480, None)  # the fade in, and the limiter's look-ahead
    assert (
        level_db(taken[settled] - went_on[settled], went_on[settled]) < -70.0
    )  # dB; what the DC blocker had heard is forgotten
    assert np.abs(np.diff(taken[:480, 0])).max() < np.abs(np.diff(went_on[:, 0])).max() * 1.5


def test_a_bell_that_was_let_go_is_not_held_again() -> None:
    engine = engine_on(EventTable([Event(1, resonance=BELL, duration_s=0.1, release_s=0.3)]))
    engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
    run(engine, 7_200)
    other = taken_up(engine)
    went_on, taken = run(engine, 2_400), run(other, 2_400)
    assert level_db(taken[480:] - went_on[480:], went_on[480:]) < -40.0


def test_what_is_told_to_have_begun_begins_no_second_time() -> None:
    engine = ringing()
    engine.notices()
    other = taken_up(engine)
    run(other, 960)
    assert NoticeKind.GO not in {notice.kind for notice in other.notices()}


def test_a_dying_voice_ends_and_its_end_is_told() -> None:
    engine = ringing(1)
    engine.post(Op.CHOKE, engine.slot_of(1))
    engine.process(np.zeros((TICK, 2), np.float32))
    engine.notices()
    other = taken_up(engine)
    assert [(n.kind, n.event) for n in other.notices()] == [(NoticeKind.END, 1)]
    assert np.abs(run(other, 2_400)).max() < 1e-6


def test_transport_parameters_and_events_are_what_they_were() -> None:
    engine = engine_on(mixed_table())
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.PARAM, 0, 0, 0, -6.0)
    engine.post(Op.LOOP, 0, 0, 0, 1.0, 0.1, 0.4)
    engine.post(Op.MUTE, engine.slot_of(2), 0, 0, 1.0)
    run(engine, 9_600)
    other = taken_up(engine)
    before, after = engine.stats(), other.stats()
    assert (after.playing, after.position_s) == (True, before.position_s)
    assert np.array_equal(other._state.slots, engine._state.slots)
    assert np.array_equal(other._state.params, engine._state.params)
    run(engine, 48_000), run(other, 48_000)
    assert abs(other.stats().position_s - engine.stats().position_s) < TICK / RATE


def test_a_command_that_was_being_moved_in_the_heap_is_neither_lost_nor_done_twice() -> None:
    engine = engine_on(clicks(0.0, 0.1, 0.2))
    for index in range(9):
        engine.post(Op.TRIGGER, engine.slot_of(1 + index % 3), 4_800 + 960 * index, 0, 1.0)
    engine.process(np.zeros((TICK, 2), np.float32))
    state = engine._state
    heap, core = state.pending, state.core[0]
    frames = sorted(heap["frame"][:9].tolist())
    state.command[0] = heap[0]  # popped …
    core["pending_count"] = 8
    heap[0] = heap[1]  # … and killed while the rest was moving up
    repair(state)
    assert core["pending_count"] == 9
    assert heap["frame"][:9].tolist() == frames
    sound = run(engine, 16_000)[:, 0]
    heard = np.flatnonzero(np.abs(sound) > 0.2)
    assert len(heard) == 9


def test_commands_taken_from_the_inbox_but_not_yet_given_back_are_taken_once() -> None:
    engine = engine_on(clicks(0.0))
    for index in range(4):
        engine.post(Op.TRIGGER, engine.slot_of(1), 960 * (1 + index), 0, 1.0)
    engine.process(np.zeros((TICK, 2), np.float32))
    state = engine._state
    state.inbox["sequence"][:4] = state.pending["sequence"][:4]
    state.inbox_at[READ] = state.inbox_at[WRITTEN] - 4  # killed before it said so
    repair(state)
    assert state.core[0]["pending_count"] == 0
    assert len(np.flatnonzero(np.abs(run(engine, 6_000)[:, 0]) > 0.2)) == 4


def test_an_order_that_was_being_shifted_is_built_anew() -> None:
    engine = engine_on(clicks(*(0.01 * i for i in range(20))))
    order = engine._state.order[:20].copy()
    engine._state.order[5:12] = engine._state.order[4:11]
    engine._state.core[0]["order_count"] = 21
    repair(engine._state)
    assert np.array_equal(engine._state.order[:20], order)
    assert engine._state.core[0]["order_count"] == 20


def test_an_event_being_freed_when_its_process_was_killed_gives_its_slot_back() -> None:
    engine = engine_on(clicks(0.0, 0.1))
    slot = engine.slot_of(2)
    engine.post(Op.FREE, slot)
    engine.process(np.zeros((TICK, 2), np.float32))
    state = engine._state
    engine.notices()
    state.slots[slot]["freeing"] = 0  # killed between the two
    state.command[0]["sequence"] = state.core[0]["sequence"]
    repair(state)
    run(engine, 960)
    assert (NoticeKind.FREED, 2) in {(n.kind, n.event) for n in engine.notices()}


def test_damaged_numbers_are_made_legal_and_the_output_stays_finite() -> None:
    engine = ringing()
    state = engine._state
    rng = np.random.default_rng(3)
    state.params[:, 1] = rng.choice([np.nan, np.inf, -np.inf, 1e30], len(state.params))
    state.dc[:] = np.nan
    state.limiter_gains[:] = np.nan
    state.modes[:] = np.nan
    state.core[0]["position"] = np.nan
    sound = run(taken_up(engine), 9_600)
    assert np.isfinite(sound).all()
    assert 0.01 < np.abs(sound).max() <= 0.9


def test_in_silence_nothing_sounds_and_what_waits_to_sound_is_dropped() -> None:
    engine = ringing()
    engine.post(Op.TRIGGER, engine.slot_of(1), engine.frame + 4_800, 0, 1.0)
    engine.post(Op.MUTE, engine.slot_of(2), engine.frame + 4_800, 0, 1.0)
    engine.process(np.zeros((TICK, 2), np.float32))
    other = taken_up(engine, silent=True)
    assert np.abs(run(other, 9_600)).max() == 0.0
    assert not other.stats().playing
    assert other._state.slots[engine.slot_of(2)]["muted"] == 1


def test_the_stream_catches_up_with_its_clock_and_the_transport_with_it() -> None:
    engine = ringing()
    frame, began_s = engine.block_clock()
    time.sleep(0.3)
    other = taken_up(engine)
    position_s = other.stats().position_s
    left = other.revival.catch_up(30.0)
    now_s = time.monotonic()
    assert left < TICK
    due = frame + (now_s - began_s) * RATE
    assert due - 0.1 * RATE < other.frame <= due
    passed_s = (other.frame - engine.frame) / RATE
    assert abs(other.stats().position_s - position_s - passed_s) < 2 * TICK / RATE


def test_what_nobody_heard_is_in_the_recording() -> None:
    engine = ringing()
    engine.record(True)
    run(engine, 480)
    other = taken_up(engine)
    other.revival.catch_up(30.0)
    into = np.zeros((400_000, 2), np.float32)
    assert other.read_recording(into) == other.frame - (engine.frame - 480)
    assert np.abs(into).max() > 0.01


def test_a_texture_goes_on() -> None:
    engine = engine_on(EventTable([Event(1, resonance=HISS, kind=Kind.TEXTURE, duration_s=5.0)]))
    engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
    before = run(engine, 24_000)
    after = run(taken_up(engine), 24_000)
    assert abs(level_db(after[4_800:], before[4_800:])) < 1.0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment_nothing_that_was_sent_is_lost_or_done_twice() -> None:
    times = 10
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.killed", str(times)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["faults"] == []
    assert facts["posted"] > 100 * times
    assert facts["voices"] > times
    # of each kill, the one command that was just being moved or carried out may be either
    assert facts["lost"] + facts["twice"] <= times


@pytest.mark.parametrize("step", [1, 2, 3])
def test_an_overload_is_over_and_nothing_is_turned_away_for_it(step: int) -> None:
    engine = ringing(2)
    engine.notices()
    engine._core["overload"], engine._core["strain"] = step, 1.1
    other = taken_up(engine)
    assert other.stats().overload == 0
    assert np.count_nonzero(other._state.voices["state"] == SOUNDING) == 2
    assert [n.kind for n in other.notices()] == [NoticeKind.CALMED]


def test_a_voice_of_the_very_tick_that_was_being_rendered_sounds() -> None:
    engine = engine_on(EventTable([Event(1, resonance=BELL)]))
    engine.post(Op.TRIGGER, engine.slot_of(1), 4_800 + 7, 5, 1.0)
    run(engine, 4_800 + TICK)
    engine._core["tick_frame"] -= TICK  # it was not rendered to its end
    told = [n.kind for n in engine.notices()]
    assert told.count(NoticeKind.GO) == 1
    other = taken_up(engine)
    assert np.abs(run(other, 960)).max() > 0.01
    assert other.stats().voices == 1


def test_what_had_come_in_is_not_heard_again_and_again() -> None:
    config = EngineConfig(sample_rate=RATE, slots=8, voices=4, inputs=1)
    engine = Engine(config, small_instrument(), EventTable([Event(1, resonance=BELL)]))
    engine.post(Op.PARAM, param_named("monitor/gain")[0], 0, 0, 1.0)
    noise = np.random.default_rng(0).normal(0.0, 0.1, (9_600, 1)).astype(np.float32)
    engine.process(np.zeros((9_600, 2), np.float32), noise)
    assert np.abs(run(taken_up(engine), 4_800)).max() < 1e-6


def test_a_trigger_that_a_silent_start_leaves_out_is_refused_to_its_sender() -> None:
    engine = ringing(1)
    engine.post(Op.TRIGGER, engine.slot_of(1), 1_000_000, 77, 1.0)
    run(engine, TICK)
    engine.notices()
    other = taken_up(engine, silent=True)
    assert 77 in {n.request for n in other.notices() if n.kind is NoticeKind.REFUSED}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the arena lies in memory there")
def test_the_audio_thread_of_another_process_is_given_no_pages_late() -> None:
    resource = pytest.importorskip("resource")
    table = EventTable(Event(i + 1, resonance=BELL) for i in range(64))
    config, instrument = EngineConfig(sample_rate=RATE, voices=64, slots=64), small_instrument()
    with tempfile.NamedTemporaryFile(dir=SHARED) as lain:
        size = lain.write(bytes(Engine.bytes_for(config, instrument)))
        lain.flush()
        memory, again = mapped(lain.name, size), mapped(lain.name, size)
    engine = Engine(config, instrument, table, memory=memory)
    run(engine, 960)  # code, stack and numpy are there
    other = Engine(config, instrument, memory=again, attached=True)
    engine.post(Op.TRIGGER, ALL, ASAP, 0, 1.0)
    out = np.zeros((960, other.channels), np.float32)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    other.process(out)
    assert other.stats().voices == 64
    assert resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before < FEW_FAULTS
