"""A seek into the middle of many events opens them all, a few at a time, and steals no voice."""

import numpy as np
import pytest

from rtsynth.engine import Engine, NoticeKind, Op
from rtsynth.engine.chase import OPENED_PER_TICK
from rtsynth.events import Event, EventTable
from tests.engine.bank import BELL, CLICK, RATE, TICK, engine_on, run

VOICES = 32
SETTLED = 4_800  # frames: all that a seek opens has been opened


def bells(count: int, **fields: object) -> EventTable:
    """Bells that began in the first half of a second and ring for one."""
    onsets = np.linspace(0.0, 0.5, count)
    return EventTable(
        [Event(i + 1, float(t), resonance=BELL, gain=0.02, **fields) for i, t in enumerate(onsets)]  # type: ignore[arg-type]
    )


def sounding(engine: Engine) -> set[int]:
    """Events that sound."""
    state = engine._state
    slots = state.voices["slot"][state.voices["state"] == 1]
    return {int(n) for n in state.slots["id"][slots]}


def told(engine: Engine, kind: NoticeKind) -> list[int]:
    return [n.event for n in engine.notices() if n.kind is kind]


def test_a_seek_of_as_many_notes_as_there_are_voices_opens_them_all_again() -> None:
    engine = engine_on(bells(VOICES), voices=VOICES)
    engine.post(Op.PLAY, 0, 0)
    run(engine, round(0.52 * RATE))
    assert len(sounding(engine)) == VOICES
    engine.post(Op.SEEK, 0, 0, 0, 0.51)
    run(engine, SETTLED)
    assert len(sounding(engine)) == VOICES
    assert engine.stats().refused == 0


def test_no_tick_opens_more_than_a_few() -> None:
    engine = engine_on(bells(VOICES), voices=VOICES)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 20)
    run(engine, SETTLED)
    begun = [n.frame for n in engine.notices() if n.kind is NoticeKind.GO]
    assert len(begun) == VOICES
    ticks, counts = np.unique(np.array(begun) // TICK, return_counts=True)
    assert counts.max() == OPENED_PER_TICK
    assert ticks[-1] - ticks[0] < 2 * VOICES / OPENED_PER_TICK


def test_each_is_as_old_as_it_would_be_whenever_it_is_opened() -> None:
    engine = engine_on(bells(VOICES), voices=VOICES)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 64)
    run(engine, SETTLED)
    state = engine._state
    for voice in state.voices[state.voices["state"] == 1]:
        due = state.slots["onset"][voice["slot"]] - round(0.6 * RATE) + 64
        assert abs(voice["onset"] - due) <= 1  # frame


def test_the_latest_come_first_and_nobody_is_stolen_for_the_rest() -> None:
    table = bells(40)
    table.insert(Event(99, 9.0, resonance=BELL, gain=0.001))
    engine = engine_on(table, voices=16)
    engine.post(Op.TRIGGER, engine.slot_of(99), 0, 0, 1.0)
    run(engine, 480)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 0)
    run(engine, SETTLED)
    assert sounding(engine) == {99, *range(26, 41)}
    assert not told(engine, NoticeKind.STOLEN)


@pytest.mark.parametrize("op", [Op.CHOKE, Op.FREE])
def test_what_is_choked_with_the_seek_stays_silent(op: Op) -> None:
    engine = engine_on(bells(VOICES), voices=VOICES)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 0)
    for event in (3, 17):
        engine.post(op, engine.slot_of(event), 0)
    run(engine, SETTLED)
    assert sounding(engine) == set(range(1, VOICES + 1)) - {3, 17}
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    run(engine, SETTLED)
    assert len(sounding(engine)) == (VOICES if op is Op.CHOKE else VOICES - 2)


def test_an_event_that_enters_meanwhile_makes_no_other_begin_twice_or_never() -> None:
    engine = engine_on(bells(VOICES), voices=2 * VOICES)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 0)
    early = engine.reserve(EventTable([Event(100, 0.0, resonance=CLICK)]).rows[0])
    late = engine.reserve(EventTable([Event(101, 0.55, resonance=CLICK)]).rows[0])
    for slot in (early, late):
        engine.post(Op.ACTIVATE, slot, 5 * TICK)
    run(engine, SETTLED)
    begun = told(engine, NoticeKind.GO)
    assert sorted(begun) == list(range(1, VOICES + 1)), "who enters begins at its onset only"


def test_a_loop_that_ends_meanwhile_changes_nothing_of_what_rings_on() -> None:
    engine = engine_on(bells(VOICES), voices=2 * VOICES)
    engine.post(Op.LOOP, 0, 0, 0, 1.0, 0.51, 0.602)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 0)
    run(engine, 20 * TICK)
    assert sounding(engine) == set(range(1, VOICES + 1))
    state = engine._state
    for voice in state.voices[state.voices["state"] == 1]:
        due = state.slots["onset"][voice["slot"]] - round(0.6 * RATE)
        assert abs(voice["onset"] - due) <= 1  # frame


def test_a_trigger_right_after_it_finds_a_voice() -> None:
    engine = engine_on(bells(VOICES), voices=VOICES)
    engine.post(Op.PLAY, 0, 0)
    run(engine, round(0.52 * RATE) // 480 * 480)
    engine.post(Op.SEEK, 0, 0, 0, 0.51)
    for tick in range(20):
        engine.post(Op.TRIGGER, engine.slot_of(tick % 4 + 1), engine.frame + tick * 96, 0, 1.0)
    run(engine, SETTLED)
    assert engine.stats().refused == 0


def test_it_waits_while_there_is_no_time() -> None:
    engine = engine_on(bells(VOICES), voices=VOICES, realtime=True)
    engine._core["assumed_load"] = 1.2
    run(engine, RATE)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 0)
    run(engine, SETTLED)
    assert not sounding(engine)
    engine._core["assumed_load"] = 0.1
    run(engine, RATE // 3)
    assert len(sounding(engine)) > VOICES // 2
    assert not told(engine, NoticeKind.TURNED_AWAY)


def test_a_pause_ends_it_and_play_begins_it_again() -> None:
    engine = engine_on(bells(VOICES), voices=VOICES)
    engine.post(Op.SEEK, 0, 0, 0, 0.6)
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.PAUSE, 0, 4 * TICK)
    run(engine, SETTLED)
    assert 0 < len(sounding(engine)) < VOICES // 2
    engine.post(Op.PLAY, 0, 0)
    run(engine, SETTLED)
    assert len(sounding(engine)) == VOICES


def test_it_is_the_same_to_the_bit_however_blocks_are_cut() -> None:
    sounds = []
    for block in (480, 37, 1_024):
        engine = engine_on(bells(VOICES), voices=VOICES)
        engine.post(Op.PLAY, 0, 0)
        engine.post(Op.SEEK, 0, 7_001, 0, 0.6)
        sounds.append(run(engine, 14_208, block))
    assert np.abs(sounds[0]).max() > 0.01
    assert all(np.array_equal(sounds[0], other) for other in sounds[1:])
