"""A texture voice: clicks, motion and hum, the same wherever and however it is played."""

import dataclasses
import math

import numpy as np
import pytest

from rtsynth.decompose.synthesis import event_signal
from rtsynth.decompose.texture.synthesis import click_times
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable, Kind
from rtsynth.instrument import Instrument
from rtsynth.render import run_engine
from tests.contract import verify_contract
from tests.dsp.twins import high_pass

RATE = 48_000
RADIUS = math.exp(-2.0 * math.pi * 10.0 / RATE)  # of the engine's DC blocker
FULL, CLICKS, HUM, MOVING, LONG = range(5)


def textures() -> Instrument:
    """All at once, clicks alone, hum alone, moving noise alone, and clicks that ring for 2 s."""
    made = Instrument.blank(5, 4, attack_rate=RATE)
    for r, t60 in ((FULL, 0.05), (CLICKS, 0.05), (LONG, 2.0)):
        made.set_modes(
            r, np.array([800.0, 2500.0]), np.array([t60, t60 / 2]), np.array([0.1, 0.05j])
        )
        made.click_rate_hz[r], made.click_spread_db[r] = 20.0, 4.0
        made.click_gain[r] = made.impulse[r]
    for r in (FULL, MOVING):
        made.texture_gain[r], made.am_depth_db[r], made.am_rate_hz[r] = 0.003, 3.0, 5.0
    for r in (FULL, HUM):
        made.hum_hz[r, [0, 3]], made.hum_gain[r, [0, 3]] = (50.0, 150.0), (0.02, 0.01)
    return made


BANK = textures()


def texture(resonance: int, **fields: object) -> Event:
    return Event(1, kind=Kind.TEXTURE, resonance=resonance, seed=7, **fields)  # type: ignore[arg-type]


def engine_with(event: Event) -> Engine:
    config = EngineConfig(sample_rate=RATE, channels=1)
    return Engine(config, BANK, EventTable([event]))


def played(event: Event, frames: int, block_size: int = 480) -> np.ndarray:
    engine = engine_with(event)
    engine.post(Op.PLAY, 0, 0)
    return run_engine(engine, frames, block_size)[:, 0]


EVENTS = {
    "all at once": texture(FULL),
    "clicks alone": texture(CLICKS),
    "hum alone": texture(HUM),
    "moving noise alone": texture(MOVING),
    "bent": texture(FULL, transpose=3.0, damp=2.0, bright=-4.0, inharm=0.01, detune=20.0, gain=0.5),
    "within its score": texture(FULL, onset_s=0.0301, duration_s=0.9),
    "coloured": texture(FULL, vector=(*np.linspace(-12.0, 12.0, 32).tolist(),)),
}


@pytest.mark.parametrize("name", EVENTS)
def test_the_engine_equals_the_reference_within_1e_5(name: str) -> None:
    event = EVENTS[name]
    sound = played(event, RATE)
    expected = np.zeros(RATE)
    first = round(event.onset_s * RATE)
    part = event_signal(event, BANK, RATE, RATE - first)
    expected[first : first + len(part)] = part
    assert np.abs(sound).max() > 0.01
    assert np.abs(sound - high_pass(expected[:, None], RADIUS)[:, 0]).max() < 1e-5


class Voice:
    """One texture in an engine."""

    channels = 1

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.engine = engine_with(texture(FULL, transpose=1.0))
        self.engine.post(Op.PLAY, 0, 0)

    def process(self, out: np.ndarray) -> None:
        self.engine.process(out)


def test_a_texture_keeps_the_contract() -> None:
    verify_contract(Voice, frames=20_000)


@pytest.mark.parametrize("resonance", [FULL, CLICKS, LONG])
@pytest.mark.parametrize("at_s", [0.3001, 1.7])
def test_a_seek_into_the_middle_equals_playing_through(resonance: int, at_s: float) -> None:
    begin, count = round(at_s * RATE), 24_000
    whole = played(texture(resonance), begin + count)[begin:]
    engine = engine_with(texture(resonance))
    engine.post(Op.SEEK, 0, 0, 0, begin / RATE)
    engine.post(Op.PLAY, 0, 0)
    part = run_engine(engine, count, 480)[:, 0]
    late = slice(480, None)  # it fades in for 5 ms
    difference = np.diff(whole[late] - part[late])  # the DC blocker begins afresh: a slow wave
    assert np.abs(difference).max() < 2e-4 * np.abs(whole).max()


def test_clicks_per_second_equal_the_rate_within_sampling_error() -> None:
    sound = played(texture(CLICKS), 20 * RATE)
    wanted, _ = click_times(7, 20.0, 4.0, 20 * RATE, RATE)
    assert abs(len(wanted) - 400) < 3 * math.sqrt(400)
    apart = wanted[np.diff(wanted, prepend=-RATE) > 2_400]  # the one before has faded
    heard = [np.abs(sound[f : f + 4]).max() > 10 * np.abs(sound[f - 4 : f]).max() for f in apart]
    assert np.mean(heard) > 0.95


def test_a_click_rings_in_its_own_resonance_with_its_t60_within_half_a_decibel() -> None:
    bank = Instrument.blank(1, 1, attack_rate=RATE)
    bank.set_modes(0, np.array([1000.0]), np.array([0.3]), np.array([0.2j]))
    bank.click_rate_hz[0], bank.click_gain[0] = 0.5, bank.impulse[0]
    event = texture(0)
    engine = Engine(EngineConfig(sample_rate=RATE, channels=1), bank, EventTable([event]))
    engine.post(Op.PLAY, 0, 0)
    frames, _ = click_times(7, 0.5, 0.0, 40 * RATE, RATE)
    alone = int(frames[np.flatnonzero(np.diff(frames) > RATE)[0]])
    sound = run_engine(engine, alone + RATE, 480)[alone:, 0]
    level = [np.sqrt(np.mean(sound[a : a + 960] ** 2)) for a in (960, 960 + 7_200)]
    assert 20 * np.log10(level[0] / level[1]) == pytest.approx(60 * 0.15 / 0.3, abs=0.5)  # dB
    spectrum = np.abs(np.fft.rfft(sound[:9_600] * np.hanning(9_600)))
    assert int(np.argmax(spectrum)) * RATE / 9_600 == pytest.approx(1000.0, abs=5.0)


def test_an_edit_arrives_on_a_texture_that_sounds() -> None:
    engine = engine_with(texture(CLICKS))
    engine.post(Op.PLAY, 0, 0)
    before = run_engine(engine, RATE, 480)[:, 0]
    engine.post(Op.PARAM, 4, RATE, 0, 12.0)  # bank/transpose
    run_engine(engine, RATE // 2, 480)
    after = run_engine(engine, RATE, 480)[:, 0]
    peaks = [
        np.argmax(np.abs(np.fft.rfft(part, RATE))[200:2_000]) + 200 for part in (before, after)
    ]
    assert peaks[0] == pytest.approx(800, abs=20)
    assert peaks[1] == pytest.approx(1600, abs=40)


def test_silent_modes_rest_at_zero_between_clicks() -> None:
    bank = dataclasses.replace(BANK, click_rate_hz=np.full(5, 0.01, np.float32))
    engine = Engine(EngineConfig(sample_rate=RATE, channels=1), bank, EventTable([texture(CLICKS)]))
    engine.post(Op.PLAY, 0, 0)
    frames, _ = click_times(7, 0.01, 4.0, 400 * RATE, RATE)
    sound = run_engine(engine, 10 * RATE, 4_800)
    assert frames[0] > 10 * RATE
    assert not sound.any()
