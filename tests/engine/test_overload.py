"""Short of time, the engine gives up step by step what is heard least, says so, and recovers."""

import dataclasses

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from rtsynth.engine import Engine, EngineConfig, NoticeKind, Op
from rtsynth.engine.ops import Notice
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from tests.engine.bank import RATE, after

BLOCK = 128
SUNG = 300.0
SECOND = RATE


def sine_instrument(modes: int = 1, t60_s: float = 20.0) -> Instrument:
    """Low sines that ring for long; beside the first, all at −100 dB."""
    instrument = Instrument.blank(1, modes, attack_length=32, attack_rate=RATE)
    gain = np.full(modes, 1e-5)
    gain[0] = 0.4
    freq_hz = SUNG + 2.0 * np.arange(modes)
    instrument.set_modes(0, freq_hz, np.full(modes, t60_s), gain.astype(complex))
    return instrument


def sines(count: int) -> EventTable:
    """Events of falling gain."""
    return EventTable(Event(i + 1, resonance=0, gain=0.5 * 0.8**i) for i in range(count))


def live_engine(table: EventTable, modes: int = 1, **config: object) -> Engine:
    settings = {"sample_rate": RATE, "slots": 64, "voices": 32, "realtime": True, **config}
    return Engine(EngineConfig(**settings), sine_instrument(modes), table)  # type: ignore[arg-type]


def play(engine: Engine, load: float, frames: int) -> np.ndarray:
    """The next blocks, each said to have taken so large a share of its period."""
    engine._core["assumed_load"] = load
    out = np.zeros((frames // BLOCK * BLOCK, 2), np.float32)
    for at in range(0, len(out), BLOCK):
        engine.process(out[at : at + BLOCK])
    return out


def sound_all(engine: Engine, count: int) -> None:
    for i in range(count):
        engine.post(Op.TRIGGER, engine.slot_of(i + 1), 0, 0, 1.0)


def kinds(found: list[Notice]) -> list[NoticeKind]:
    steps = ("THINNED", "SHED", "TURNED_AWAY", "SILENCED", "CALMED")
    return [n.kind for n in found if n.kind.name in steps]


def edit_db(out: np.ndarray, frame: int) -> float:
    """High-passed residual (8 kHz) around a frame, dB re the programme."""
    high = sosfiltfilt(butter(6, 8_000, "high", fs=RATE, output="sos"), out[:, 0].astype(float))
    around = np.abs(high[max(frame - 400, 0) : frame + 1_000]).max()
    return float(20 * np.log10(max(around, 1e-12) / np.abs(out).max()))


def test_below_70_percent_nothing_is_given_up() -> None:
    engine = live_engine(sines(8))
    sound_all(engine, 8)
    play(engine, 0.69, 2 * SECOND)
    assert kinds(engine.notices()) == []
    assert engine.stats().voices == 8
    assert engine.stats().overload == 0


def test_above_70_percent_for_100_ms_weak_modes_are_let_go_of() -> None:
    engine = live_engine(sines(2), modes=48)
    sound_all(engine, 2)
    calm = play(engine, 0.3, SECOND // 2)
    short = play(engine, 0.8, SECOND * 9 // 100)
    assert engine.stats().overload == 0
    long = play(engine, 0.8, SECOND // 2)
    assert kinds(engine.notices()) == [NoticeKind.THINNED]
    stats = engine.stats()
    assert (stats.overload, stats.thinned, stats.voices) == (1, 64, 2)
    out = np.concatenate([calm, short, long])
    assert edit_db(out, after(engine, len(calm) + len(short) + 480)) < -60.0


def test_what_is_let_go_of_is_below_minus_80_db() -> None:
    given_up, whole = (live_engine(sines(2), modes=48) for _ in range(2))
    sounds = []
    for engine, load in ((given_up, 0.8), (whole, 0.1)):
        sound_all(engine, 2)
        sounds.append(play(engine, load, SECOND))
    gap = np.abs(sounds[0] - sounds[1]).max()
    looks, voices = 2, 2  # each let go of 32 modes, a vector of 16 at a look
    assert 0.0 < gap < looks * voices * 1e-4


def test_bent_voices_stay_within_minus_60_db_of_themselves_at_half_rate() -> None:
    table = EventTable([Event(1, resonance=0, vibrato_depth=0.3, vibrato_rate_hz=5.0, gain=0.5)])
    sounds = []
    for load in (0.8, 0.1):
        engine = live_engine(table)
        sound_all(engine, 1)
        sounds.append(play(engine, load, SECOND))
    thinned = sounds[0][SECOND // 2 :]
    assert not np.array_equal(sounds[0], sounds[1])
    assert edit_db(thinned, len(thinned) // 2) < -60.0


def test_above_85_percent_the_quietest_fade_away_until_the_load_is_borne() -> None:
    engine = live_engine(sines(10))
    sound_all(engine, 10)
    before = play(engine, 0.5, SECOND // 4)
    hot = play(engine, 0.9, SECOND // 20)
    cool = play(engine, 0.6, SECOND // 10)
    found = engine.notices()
    shed = [n for n in found if n.kind is NoticeKind.SHED]
    assert kinds(found)[0] is NoticeKind.THINNED
    assert shed
    assert [n.event for n in shed] == list(range(10, 10 - len(shed), -1))
    stats = engine.stats()
    assert stats.shed == len(shed)
    assert stats.voices == 10 - len(shed)
    out = np.concatenate([before, hot, cool])
    for notice in shed:
        assert edit_db(out, after(engine, notice.frame)) < -60.0


def test_while_voices_are_shed_quiet_triggers_are_turned_away_and_loud_ones_play() -> None:
    table = sines(3)
    table.insert(Event(9, resonance=0, gain=1.0))
    engine = live_engine(table, priority=0.4)
    sound_all(engine, 3)
    play(engine, 0.9, SECOND // 10)
    engine.notices()
    engine.post(Op.TRIGGER, engine.slot_of(9), -1, 41, 0.3)
    engine.post(Op.TRIGGER, engine.slot_of(9), -1, 42, 0.9)
    play(engine, 0.8, 640)
    found = engine.notices()
    turned = [n for n in found if n.kind is NoticeKind.TURNED_AWAY]
    assert [n.event for n in turned] == [9]
    assert [n.value for n in turned] == pytest.approx([0.3])
    assert [n.event for n in found if n.kind is NoticeKind.GO] == [9]
    answers = {n.request: n.kind for n in found if n.request}
    assert answers == {41: NoticeKind.REFUSED, 42: NoticeKind.DONE}
    assert engine.stats().turned_away == 1


def test_above_100_percent_all_fade_away_and_the_engine_recovers_alone() -> None:
    engine = live_engine(sines(6))
    sound_all(engine, 6)
    before = play(engine, 0.4, SECOND // 4)
    over = play(engine, 1.6, 12 * BLOCK)
    silent = play(engine, 0.05, SECOND // 10)
    found = engine.notices()
    silenced = [n for n in found if n.kind is NoticeKind.SILENCED]
    assert len(silenced) == 1
    assert engine.stats().silenced == 1
    assert engine.stats().voices == 0
    out = np.concatenate([before, over, silent])
    assert edit_db(out, after(engine, silenced[0].frame)) < -60.0
    assert np.abs(silent[-BLOCK:]).max() < 1e-3
    engine.post(Op.TRIGGER, engine.slot_of(1), -1, 7, 1.0)
    engine.post(Op.SYNC, 0, -1, 8)
    play(engine, 0.05, SECOND // 20)
    answers = {n.request: n.kind for n in engine.notices() if n.request}
    assert answers == {7: NoticeKind.REFUSED, 8: NoticeKind.DONE}  # control is alive
    play(engine, 0.05, SECOND // 2)
    assert kinds(engine.notices()) == [NoticeKind.CALMED]
    engine.post(Op.TRIGGER, engine.slot_of(1), -1, 9, 1.0)
    sounding = play(engine, 0.05, SECOND // 4)
    assert np.abs(sounding).max() > 0.05


def test_seven_blocks_over_their_period_silence_nothing() -> None:
    engine = live_engine(sines(2))
    sound_all(engine, 2)
    play(engine, 0.1, SECOND // 4)
    for _ in range(20):
        play(engine, 1.2, 7 * BLOCK)
        play(engine, 0.1, 60 * BLOCK)
    assert engine.stats().silenced == 0


def test_each_step_is_taken_back_only_well_below_where_it_began() -> None:
    engine = live_engine(sines(20))
    sound_all(engine, 20)
    play(engine, 0.9, SECOND // 10)
    assert engine.stats().overload == 2
    play(engine, 0.75, SECOND)
    assert engine.stats().overload == 2
    play(engine, 0.65, SECOND)
    assert engine.stats().overload == 1
    play(engine, 0.45, SECOND)
    assert engine.stats().overload == 0
    steps = [n.value for n in engine.notices() if n.kind is NoticeKind.CALMED]
    assert steps == [1.0, 0.0]


def test_offline_nothing_is_ever_given_up() -> None:
    sounds = []
    for load in (5.0, 0.1):
        engine = live_engine(sines(6), modes=48, realtime=False)
        sound_all(engine, 6)
        sounds.append(play(engine, load, SECOND // 2))
        assert engine.stats().overload == 0
    assert np.array_equal(sounds[0], sounds[1])


def test_an_engine_with_time_enough_plays_what_it_plays_offline() -> None:
    sounds = []
    for realtime in (True, False):
        table = EventTable(dataclasses.replace(e, vibrato_depth=0.2) for e in sines(6))
        engine = live_engine(table, realtime=realtime)
        sound_all(engine, 6)
        sounds.append(play(engine, 0.3, SECOND // 2))
    assert np.array_equal(sounds[0], sounds[1])


def test_a_silent_engine_sleeps_and_wakes_to_the_same_samples() -> None:
    slept, fresh = live_engine(sines(1)), live_engine(sines(1))
    rest = play(slept, 0.0, 3 * SECOND)
    assert not rest.any()
    assert slept._core["quiet_frames"] > SECOND
    for engine in (slept, fresh):
        engine.post(Op.TRIGGER, engine.slot_of(1), engine.frame + 37, 0, 1.0)
    assert np.array_equal(play(slept, 0.0, SECOND), play(fresh, 0.0, SECOND))


def test_an_engine_that_has_played_falls_asleep_again() -> None:
    engine = live_engine(EventTable([Event(1, resonance=0, damp=0.25, duration_s=0.2)]))
    sound_all(engine, 1)
    assert np.abs(play(engine, 0.0, SECOND // 4)).max() > 0.05
    assert engine._core["quiet_frames"] == 0
    engine.post(Op.CHOKE, engine.slot_of(1))
    play(engine, 0.0, 2 * SECOND)
    assert engine._core["quiet_frames"] > SECOND // 4
    assert not play(engine, 0.0, BLOCK).any()
