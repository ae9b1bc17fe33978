"""The score while the engine plays it: events that come and go, and commands that wait for them."""

import numpy as np

from rtsynth.engine import NoticeKind, Op
from rtsynth.events import Event, EventTable
from tests.engine.bank import BELL, CLICK, clicks, engine_on, run


def test_events_that_fall_on_one_frame_leave_the_score_one_by_one() -> None:
    engine = engine_on(
        EventTable([Event(2, 0.0, resonance=CLICK), Event(1, 1e-6, resonance=CLICK)])
    )
    engine.post(Op.FREE, engine.slot_of(1), 0)
    run(engine, 480)
    engine.notices()
    slot = engine.reserve(EventTable([Event(9, 0.01, resonance=CLICK)]).rows[0])
    engine.post(Op.ACTIVATE, slot, 480)
    engine.post(Op.PLAY, 0, 480)
    run(engine, 4_800)
    gone = [n.event for n in engine.notices() if n.kind is NoticeKind.GO]
    assert gone == [2, 9]


def test_a_loop_without_an_end_ends_with_the_last_event() -> None:
    engine = engine_on(clicks(0.0, 0.05))
    engine.post(Op.LOOP, 0, 0, 0, 1.0, 0.0, 0.0)
    engine.post(Op.PLAY, 0, 0)
    run(engine, 24_000)
    gone = [n.event for n in engine.notices() if n.kind is NoticeKind.GO]
    assert gone[:4] == [1, 2, 1, 2]


def test_a_panic_cancels_only_what_was_sent_before_it() -> None:
    engine = engine_on(clicks(0.0))
    slot = engine.slot_of(1)
    engine.post(Op.TRIGGER, slot, 4_800, 1, 1.0)
    engine.post(Op.PANIC, 0, 960, 2)
    engine.post(Op.TRIGGER, slot, 5_760, 3, 1.0)
    run(engine, 9_600)
    found = engine.notices()
    assert [n.request for n in found if n.kind is NoticeKind.REFUSED] == [1]
    assert [n.frame for n in found if n.kind is NoticeKind.GO] == [5_760]


def test_a_command_that_waits_never_meets_another_event_in_its_slot() -> None:
    engine = engine_on(clicks(0.0))
    slot = engine.slot_of(1)
    engine.post(Op.TRIGGER, slot, 24_000, 7, 1.0)
    engine.post(Op.FREE, slot, 0)
    run(engine, 9_600)
    engine.notices()
    again = engine.reserve(EventTable([Event(50, 9.0, resonance=CLICK)]).rows[0])
    assert again == slot
    engine.post(Op.ACTIVATE, again, 9_600)
    run(engine, 24_000)
    found = engine.notices()
    assert not [n for n in found if n.kind is NoticeKind.GO]
    assert [n.request for n in found if n.kind is NoticeKind.REFUSED] == [7]


def test_a_parameter_of_the_bank_arrives_on_voices_that_sound() -> None:
    early, late = engine_on(click_and_bell()), engine_on(click_and_bell())
    early.post(Op.TRIGGER, early.slot_of(9), 0, 0, 1.0)
    early.post(Op.PARAM, 4, 960, 0, 12.0)
    late.post(Op.PARAM, 4, 0, 0, 12.0)
    late.post(Op.TRIGGER, late.slot_of(9), 960, 0, 1.0)
    pitches = []
    for engine in (early, late):
        spectrum = np.abs(np.fft.rfft(run(engine, 52_800)[4_800:, 0] * np.hanning(48_000)))
        pitches.append(int(np.argmax(spectrum)))
    assert pitches[0] == pitches[1] == 880  # Hz


def click_and_bell() -> EventTable:
    return EventTable([Event(1, 0.0, resonance=CLICK), Event(9, 1.0, resonance=BELL)])
