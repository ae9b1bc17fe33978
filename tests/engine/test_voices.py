"""Voices: muted, soloed, choked, stolen, edited, freed, and none of it clicks."""

import dataclasses

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from rtsynth.engine import ALL, Engine, NoticeKind, Op, group_target
from rtsynth.errors import CapacityError, QueueFullError, UnknownNameError, ValueRangeError
from rtsynth.events import Event, EventTable
from rtsynth.params import EVENT_PARAMS
from tests.engine.bank import BELL, CLICK, RATE, after, clicks, engine_on, run, small_instrument

FADE = round(0.005 * RATE)
FIELD = {p.path: i for i, p in enumerate(EVENT_PARAMS)}


def bells(count: int = 2, **fields: object) -> EventTable:
    events = [Event(i + 1, 0.0, resonance=BELL, damp=4.0) for i in range(count)]
    return EventTable(dataclasses.replace(e, **fields) for e in events)  # type: ignore[arg-type]


def level(out: np.ndarray) -> float:
    return float(np.sqrt(np.mean(out.astype(float) ** 2)))


def click_db(out: np.ndarray, frame: int) -> float:
    """High-passed level (8 kHz, well above the modes) around a frame, dB re the programme."""
    high = sosfiltfilt(butter(6, 8_000, "high", fs=RATE, output="sos"), out[:, 0].astype(float))
    around = np.abs(high[frame - 200 : frame + FADE + 400]).max()
    return float(20 * np.log10(max(around, 1e-12) / np.abs(out).max()))


def test_a_mute_is_a_five_millisecond_fade_to_silence_and_back() -> None:
    engine = engine_on(bells(1))
    slot = engine.slot_of(1)
    engine.post(Op.TRIGGER, slot, 0, 0, 1.0)
    engine.post(Op.MUTE, slot, 10_005, 0, 1.0)
    engine.post(Op.MUTE, slot, 20_005, 0, 0.0)
    out = run(engine, 30_000)
    begin, back = after(engine, 10_005), after(engine, 20_005)
    silent = out[begin + FADE + 2_400 : back - 1]
    assert level(out[begin - 480 : begin]) > 0.01
    assert np.abs(silent).max() < 1e-4
    assert level(out[back + FADE : back + FADE + 2_400]) > 0.01


EDITS = [
    ("mute", lambda e, s: e.post(Op.MUTE, s, 12_007, 0, 1.0)),
    ("choke", lambda e, s: e.post(Op.CHOKE, s, 12_007, 0)),
    ("panic", lambda e, s: e.post(Op.PANIC, 0, 12_007, 0)),
    ("solo of another", lambda e, s: e.post(Op.SOLO, e.slot_of(2), 12_007, 0, 1.0)),
    ("gain", lambda e, s: e.post(Op.SET, s, 12_007, 0, FIELD["gain"], 0.3)),
    ("transpose", lambda e, s: e.post(Op.SET, s, 12_007, 0, FIELD["transpose"], 2.0)),
    ("bright", lambda e, s: e.post(Op.SET, s, 12_007, 0, FIELD["bright"], -6.0)),
    ("pan", lambda e, s: e.post(Op.SET, s, 12_007, 0, FIELD["pan"], 1.0)),
    ("vector", lambda e, s: e.post(Op.SET, s, 12_007, 0, FIELD["vector0"], -12.0)),
    ("damp", lambda e, s: e.post(Op.SET, s, 12_007, 0, FIELD["damp"], 0.25)),
    ("master gain", lambda e, s: e.post(Op.PARAM, 0, 12_007, 0, -20.0)),
    ("master mute", lambda e, s: e.post(Op.PARAM, 1, 12_007, 0, 1.0)),
]


@pytest.mark.parametrize(("edit", "post"), EDITS, ids=[name for name, _ in EDITS])
def test_no_edit_clicks_above_minus_60_db(edit: str, post: object) -> None:
    instrument = small_instrument()
    instrument.set_modes(BELL, np.array([440.0]), np.array([4.0]), np.array([0.4]))
    engine = Engine(engine_on().config, instrument, bells(2))
    engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
    post(engine, engine.slot_of(1))  # type: ignore[operator]
    out = run(engine, 24_000)
    assert click_db(out, after(engine, 12_007)) < -60.0, edit


def test_solo_silences_all_others_and_only_while_it_lasts() -> None:
    engine = engine_on(EventTable([Event(1, resonance=BELL), Event(2, resonance=BELL)]))
    for event_id in (1, 2):
        engine.post(Op.TRIGGER, engine.slot_of(event_id), 0, 0, 1.0)
    engine.post(Op.MUTE, engine.slot_of(2), 0, 0, 1.0)
    engine.post(Op.SOLO, engine.slot_of(2), 10_000, 0, 1.0)
    engine.post(Op.SOLO, engine.slot_of(2), 20_000, 0, 0.0)
    out = run(engine, 30_000)
    assert np.abs(out[after(engine, 13_000) : after(engine, 20_000)]).max() < 1e-4
    assert level(out[after(engine, 21_000) :]) > 1e-3


def test_a_group_and_all_are_one_command() -> None:
    table = EventTable([Event(1, resonance=BELL, group="a"), Event(2, resonance=CLICK, group="b")])
    engine = engine_on(table)
    engine.post(Op.TRIGGER, ALL, 0, 0, 1.0)
    engine.post(Op.CHOKE, group_target(1), 4_800, 0)
    run(engine, 9_600)
    ended = [n.event for n in engine.notices() if n.kind is NoticeKind.END]
    assert sorted(ended) == [1, 2]


def test_the_quietest_voice_is_stolen_and_named() -> None:
    engine = engine_on(bells(5), voices=4)
    for i, gain in enumerate((1.0, 0.2, 0.8, 0.6, 0.9)):
        slot = engine.slot_of(i + 1)
        engine.post(Op.SET, slot, 0, 0, FIELD["gain"], gain)
        engine.post(Op.TRIGGER, slot, 1_000 * i, 0, 1.0)
    run(engine, 9_600)
    assert [n.event for n in engine.notices() if n.kind is NoticeKind.STOLEN] == [2]
    assert engine.stats().stolen == 1
    assert engine.stats().voices == 4


def test_a_second_trigger_cuts_or_overlaps_as_told() -> None:
    for retrigger, voices in ((0.0, 1), (1.0, 2)):
        engine = engine_on(bells(1))
        engine.post(Op.PARAM, 8, 0, 0, retrigger)
        engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
        engine.post(Op.TRIGGER, engine.slot_of(1), 4_800, 0, 1.0)
        run(engine, 9_600)
        assert engine.stats().voices == voices


def test_velocity_scales_the_gain() -> None:
    peaks = []
    for velocity in (1.0, 0.5):
        engine = engine_on(clicks(0.0))
        engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, velocity)
        peaks.append(np.abs(run(engine, 960)).max())
    assert peaks[1] == pytest.approx(peaks[0] / 2, rel=1e-6)


def test_pan_keeps_the_power_and_centre_is_unity() -> None:
    power = {}
    for pan in (-1.0, 0.0, 1.0):
        engine = engine_on(EventTable([Event(1, resonance=CLICK, pan=pan)]))
        engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
        out = run(engine, 960)
        power[pan] = np.abs(out).max(axis=0)
    assert power[0.0] == pytest.approx([0.5, 0.5], rel=1e-4)
    assert power[-1.0] == pytest.approx([0.5 * 2**0.5, 0.0], abs=1e-4)
    assert power[1.0] == pytest.approx([0.0, 0.5 * 2**0.5], abs=1e-4)


def test_an_event_made_live_plays_in_the_score_and_leaves_it_when_freed() -> None:
    engine = engine_on(clicks(0.0))
    row = EventTable([Event(9, 0.05, resonance=CLICK)]).rows[0]
    slot = engine.reserve(row)
    engine.post(Op.ACTIVATE, slot, 100)
    engine.post(Op.PLAY, 0, 200)
    engine.post(Op.FREE, slot, 5_000)
    engine.post(Op.SEEK, 0, 5_100, 0, 0.04)
    out = run(engine, 9_600)
    frames = [int(f) for f in np.flatnonzero(np.abs(out[:, 0]) > 0.1)]
    assert frames == [after(engine, 200), after(engine, 200 + 2_400)]
    freed = [n for n in engine.notices() if n.kind is NoticeKind.FREED]
    assert [(n.event, int(n.value)) for n in freed] == [(9, slot)]
    with pytest.raises(UnknownNameError):
        engine.slot_of(9)
    assert engine.reserve(row) == slot


def test_what_does_not_fit_is_refused_on_the_callers_side() -> None:
    engine = engine_on(clicks(0.0, 0.1), slots=2, queue=8)
    with pytest.raises(CapacityError):
        engine.reserve(EventTable([Event(9)]).rows[0])
    for _ in range(8):
        engine.post(Op.SYNC)
    with pytest.raises(QueueFullError):
        engine.post(Op.SYNC)
    assert engine.free_space() == 0
    run(engine, 64)
    assert engine.free_space() == 8
    with pytest.raises(ValueRangeError):
        engine.post(Op.SET, 0, 0, 0, FIELD["resonance"], 99)
    assert engine.free_space() == 8


def test_a_schedule_that_is_full_holds_the_inbox_and_loses_nothing() -> None:
    engine = engine_on(clicks(0.0), queue=8)
    for request in range(1, 9):
        engine.post(Op.SYNC, 0, 100_000, request)
    run(engine, 64)
    for request in range(9, 17):
        engine.post(Op.SYNC, 0, 0, request)
    run(engine, 64)
    assert engine.free_space() == 0
    run(engine, 100_000)
    assert len([n for n in engine.notices() if n.kind is NoticeKind.DONE]) == 16


def test_a_finished_voice_is_freed() -> None:
    engine = engine_on(EventTable([Event(1, resonance=BELL, damp=0.25)]))
    engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
    run(engine, RATE)
    assert engine.stats().voices == 0
    assert engine.stats().voices_peak == 1


def test_a_trigger_without_a_voice_fails_for_its_sender_and_is_told() -> None:
    bells = EventTable([Event(i + 1, resonance=BELL) for i in range(48)])
    engine = engine_on(bells, voices=8)  # and 8 spare ones
    for event in range(1, 49):
        engine.post(Op.TRIGGER, engine.slot_of(event), event, event, 1.0)
    run(engine, 240)
    found = engine.notices()
    begun, failed, away = (
        [n for n in found if n.kind is kind]
        for kind in (NoticeKind.GO, NoticeKind.REFUSED, NoticeKind.TURNED_AWAY)
    )
    assert len(begun) == 16
    assert {n.request for n in failed} == {n.event for n in away} == set(range(17, 49))
    assert engine.stats().refused == 32
