"""Voices whose own time stands still or runs backwards."""

import math

import numpy as np

from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.params import event_param_named
from rtsynth.render import run_engine
from tests.engine.bank import RATE
from tests.engine.drawn import BLOWN, BOWED, STRUCK, drawn_engine, drawn_instrument, heard, note

STRETCH = event_param_named("stretch")[0]


def test_a_frozen_voice_stays_as_loud_as_it_is() -> None:
    table = note(STRUCK, duration_s=math.inf, vector=(0.0,) * 32)
    engine, drawer = drawn_engine(table, channels=1)
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.SET, engine.slot_of(1), 9_600, 0, STRETCH, 0.0)
    sound = run_engine(engine, 3 * RATE, 512, drawer)[:, 0]
    early, late = sound[14_400:24_000], sound[-9_600:]
    assert abs(20 * np.log10(np.std(late) / np.std(early))) < 0.2  # dB over 2.5 s; T60 is 0.8 s


def test_a_voice_turned_round_grows_back_to_its_onset_and_ends() -> None:
    table = note(STRUCK, duration_s=math.inf, vector=(0.0,) * 32)
    engine, drawer = drawn_engine(table, channels=1)
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.SET, engine.slot_of(1), 9_600, 0, STRETCH, -1.0)
    sound = run_engine(engine, 24_000, 512, drawer)[:, 0]
    level = np.array([np.std(sound[at : at + 960]) for at in range(0, 24_000, 960)])
    assert level[17] > 3.0 * level[10]  # 20 … 180 ms after the turn
    mirror = level[2:9] / level[18:11:-1]
    assert np.abs(20 * np.log10(mirror)).max() < 1.5  # dB
    assert np.abs(np.diff(sound[21_000:])).max() < 1e-4
    assert engine.stats().voices == 0


def test_a_backwards_event_begins_at_its_end() -> None:
    forwards = heard(note(STRUCK, duration_s=0.4, vector=(0.0,) * 32), 0.4)
    backwards = heard(note(STRUCK, duration_s=0.4, vector=(0.0,) * 32, stretch=-1.0), 0.6)
    levels = [
        np.array([np.std(s[at : at + 960]) for at in range(1_920, 17_280, 960)])
        for s in (forwards, backwards[:19_200][::-1])
    ]
    assert np.abs(20 * np.log10(levels[0] / levels[1])).max() < 1.5  # dB
    assert np.abs(np.diff(backwards[21_000:])).max() < 1e-4


def test_a_voice_turned_round_twice_is_let_go_in_its_time() -> None:
    engine, drawer = drawn_engine(note(BOWED, duration_s=0.4, release_s=0.05), channels=1)
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.SET, engine.slot_of(1), 9_600, 0, STRETCH, -1.0)
    engine.post(Op.SET, engine.slot_of(1), 14_400, 0, STRETCH, 1.0)
    run_engine(engine, 2 * RATE, 512, drawer)
    assert engine.stats().voices == 0


def test_a_bow_drawn_backwards_is_no_louder() -> None:
    """What the bow does not hold would grow, were its modes to run backwards too."""
    instrument = drawn_instrument()
    instrument.t60_s[BOWED, :4] = 0.2
    engine, drawer = drawn_engine(note(BOWED, duration_s=5.0), instrument, channels=1)
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.SET, engine.slot_of(1), 2 * RATE, 0, STRETCH, -1.0)
    sound = run_engine(engine, round(3.8 * RATE), 512, drawer)[:, 0]
    level = np.array([np.std(sound[at : at + 4_800]) for at in range(0, len(sound) - 4_800, 4_800)])
    # its first three quarters of a second apart: going forwards, the bow had no time to build it up
    assert level[20:32].max() < 1.3 * level[5:20].max()


def test_blown_noise_runs_backwards_without_growing() -> None:
    engine, drawer = drawn_engine(note(BLOWN, duration_s=4.0, vector=(0.0,) * 32), channels=1)
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.SET, engine.slot_of(1), 2 * RATE, 0, STRETCH, -1.0)
    sound = run_engine(engine, 4 * RATE, 512, drawer)[:, 0]
    assert engine.stats().nans == 0
    before, after = sound[RATE : 2 * RATE], sound[2 * RATE : round(3.5 * RATE)]
    assert np.abs(after).max() < 4.0 * np.abs(before).max()


def test_a_short_attack_is_read_backwards_within_its_bounds() -> None:
    instrument = drawn_instrument()
    instrument.field = None
    instrument.mode_gain[:] = 0.0
    instrument.attack[STRUCK] = 0.02
    instrument.attack[BOWED:] = 0.9
    for stretch in (-1.0, -2.0, -4.0):
        table = note(BOWED - 1, stretch=stretch, vector=(0.0,) * 32, gain=1.0)
        engine = Engine(
            EngineConfig(sample_rate=RATE, channels=1, slots=4, voices=4), instrument, table
        )
        engine.post(Op.PLAY, 0, 0)
        sound = run_engine(engine, 2 * RATE, 480)
        assert np.abs(sound).max() < 0.05
