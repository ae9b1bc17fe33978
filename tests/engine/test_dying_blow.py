"""Blown noise whose bands die away by themselves: the same in engine, torch and reference."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.signal
import torch

from rtsynth.decompose import event_signal
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.voice import Voices
from rtsynth.render import run_engine
from tests.engine.bank import RATE, TICK

FRAMES = 64_000
T60_S = 0.4


def cymbal() -> Instrument:
    """One short mode under noise whose highest bands die away fastest."""
    instrument = Instrument.blank(1, 1, attack_rate=RATE)
    instrument.set_modes(0, np.array([300.0]), np.array([0.1]), np.array([0.1 + 0j]))
    instrument.blow_gain[0, 12:] = 0.035
    instrument.blow_t60_s[0, 12:] = np.linspace(T60_S, 0.5 * T60_S, 20)
    instrument.blow_dry[0] = 1.0
    return instrument


def breathy() -> Instrument:
    """The same, but the lower half of its bands stays."""
    instrument = cymbal()
    instrument.blow_t60_s[0, 12:22] = 0.0
    return instrument


def played(event: Event, frames: int = FRAMES, instrument: Instrument | None = None) -> np.ndarray:
    settings = EngineConfig(sample_rate=RATE, slots=4, voices=4, channels=1)
    engine = Engine(settings, instrument or cymbal(), EventTable([event]))
    engine.post(Op.PLAY, 0, 0)
    return run_engine(engine, frames, 512)[:, 0]


@pytest.mark.parametrize("instrument", [cymbal(), breathy()], ids=["falls", "half of it stays"])
@pytest.mark.parametrize("changes", [{}, {"damp": 0.5}, {"duration_s": 0.2, "release_s": 0.05}])
@torch.no_grad()
def test_engine_torch_and_reference_agree_within_1e_5_of_full_scale(
    changes: dict[str, float], instrument: Instrument
) -> None:
    event = dataclasses.replace(Event(1, seed=7), **changes)  # type: ignore[arg-type]
    batch = EventBatch.of(EventTable([event]).rows, 1, RATE, torch.float64)
    voices = Voices(BankTensors.of(instrument, torch.float64), batch, RATE)
    learned = voices.whole(torch.zeros(1, dtype=torch.int64), FRAMES // TICK)[0].numpy()
    plain = np.zeros(FRAMES)
    sound = event_signal(event, instrument, RATE, FRAMES)
    plain[: len(sound)] = sound
    radius = math.exp(-2.0 * math.pi * 10.0 / RATE)  # the engine's DC blocker
    for twin in (learned, plain):
        expected = scipy.signal.lfilter([1.0, -1.0], [1.0, -radius], twin)
        assert np.abs(expected).max() > 0.05
        assert np.abs(played(event, instrument=instrument) - expected).max() < 3e-5


def test_the_noise_falls_sixty_decibels_in_its_t60() -> None:
    sound = played(Event(1, seed=7))
    low = scipy.signal.sosfilt(
        scipy.signal.butter(4, [1_000.0, 1_200.0], "bandpass", fs=RATE, output="sos"), sound
    )
    early, late = (float(np.sqrt(np.mean(low[a : a + 4800] ** 2))) for a in (4_800, 14_400))
    fallen_db = 20.0 * math.log10(early / late)
    assert fallen_db == pytest.approx(60.0 * 0.2 / T60_S, abs=4.0)


def test_a_voice_whose_noise_has_died_away_is_over() -> None:
    settings = EngineConfig(sample_rate=RATE, slots=4, voices=4, channels=1)
    engine = Engine(settings, cymbal(), EventTable([Event(1, seed=7)]))
    engine.post(Op.PLAY, 0, 0)
    run_engine(engine, round(0.1 * RATE), 512)
    assert engine.stats().voices == 1
    run_engine(engine, RATE, 512)
    assert engine.stats().voices == 0


def test_noise_that_dies_away_has_a_tail_and_noise_that_stays_has_none() -> None:
    instrument = cymbal()
    assert instrument.tail_s()[0] == pytest.approx(T60_S * 80.0 / 60.0)
    instrument.blow_t60_s[0, 18] = 0.0
    assert np.isinf(instrument.tail_s()[0])


def rumble(t60_s: float) -> np.ndarray:
    """[FRAMES] noise below 300 Hz as the engine plays it, from its onset on."""
    instrument = cymbal()
    instrument.mode_gain[0], instrument.impulse[0] = 0.0, 0.0
    instrument.blow_gain[0, 12:] = 0.0
    instrument.blow_gain[0, 3:9] = 0.1
    instrument.blow_t60_s[0] = t60_s
    settings = EngineConfig(sample_rate=RATE, slots=4, voices=4, channels=1)
    engine = Engine(settings, instrument, EventTable([Event(1, seed=7)]))
    engine.post(Op.PLAY, 0, 0)
    return run_engine(engine, FRAMES, 512)[:, 0]


def test_deep_noise_that_stays_begins_as_free_of_treble_as_it_goes_on() -> None:
    treble = np.abs(
        scipy.signal.sosfilt(
            scipy.signal.butter(6, 5e3, "high", fs=RATE, output="sos"), rumble(0.0)
        )
    )
    assert np.abs(rumble(0.0)).max() > 0.1
    assert treble[:1_000].max() < 2.0 * treble[10_000:].max()


def test_noise_that_stays_is_there_after_256_frames_and_noise_that_falls_at_once() -> None:
    stays, falls = rumble(0.0), rumble(60.0)
    level = np.std(falls[:RATE])
    assert np.abs(stays[:4]).max() < 0.02 * level < np.abs(falls[:4]).max()
    np.testing.assert_allclose(stays[1_000:4_000], falls[1_000:4_000], atol=0.05 * level)
