"""The engine, called offline, sounds as the formula says, however it is cut."""

import math

import numpy as np
import pytest

from rtsynth.decompose import synthesis
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.render import render_score
from tests.dsp.twins import high_pass
from tests.engine.bank import BELL, CLICK, HISS, RATE, THUD, mixed_table, small_instrument

RADIUS = math.exp(-2.0 * math.pi * 10.0 / RATE)


def reference(score: Score) -> np.ndarray:
    """The float64 renderer and the engine's DC blocker."""
    return high_pass(synthesis.render_score(score, small_instrument(), RATE), RADIUS)


EVENTS = {
    "struck modes": Event(1, 0.1, resonance=BELL),
    "a struck thud with noise and attack": Event(1, 0.05, resonance=THUD, seed=5),
    "one sample": Event(1, 0.1, resonance=CLICK),
    "bent modes": Event(
        1, 0.1, resonance=BELL, transpose=5.0, damp=0.5, bright=-6.0, inharm=0.01, detune=30.0
    ),
    "held and let go": Event(1, 0.1, duration_s=0.2, release_s=0.1, resonance=BELL, gain=0.5),
    "panned": Event(1, 0.1, resonance=BELL, pan=-0.6),
    "stretched": Event(1, 0.1, resonance=BELL, stretch=0.5),
    "a coloured vector": Event(1, resonance=BELL, vector=(-6.0, 3.0, *(0.0,) * 30)),
}


@pytest.mark.parametrize("name", EVENTS)
def test_the_engine_equals_the_reference_within_1e_3_of_full_scale(name: str) -> None:
    # −100 dB is where the engine ends a voice
    score = Score(EventTable([EVENTS[name]]), seconds=0.8, sample_rate=RATE, channels=2)
    sound = render_score(score, small_instrument())
    assert sound.shape == (round(0.8 * RATE), 2)
    assert np.abs(sound).max() > 0.01
    assert np.abs(sound - reference(score)).max() < 1e-3


def mixed() -> Score:
    return Score(mixed_table(), seconds=0.6, sample_rate=RATE, channels=2)


@pytest.mark.parametrize("block_size", [1, 64, 65, 480, 8193])
def test_block_size_changes_no_bit(block_size: int) -> None:
    whole = render_score(mixed(), small_instrument(), block_size=1 << 20)
    assert np.array_equal(whole, render_score(mixed(), small_instrument(), block_size=block_size))


def test_the_number_of_cores_changes_no_bit() -> None:
    score = Score(mixed_table(), seconds=0.7)
    alone = render_score(score, small_instrument())
    assert np.array_equal(render_score(score, small_instrument(), cores=3), alone)
    assert np.abs(alone).max() > 0.01


@pytest.mark.parametrize("from_s", [0.0701, 0.125, 0.4, 0.55])
def test_opened_in_the_middle_it_agrees_with_the_whole(from_s: float) -> None:
    events = [e for e in mixed_table() if e.vibrato_depth == 0.0]
    score = Score(EventTable(events), seconds=1.0, sample_rate=RATE, channels=2)
    whole = render_score(score, small_instrument())
    part = render_score(score, small_instrument(), from_s=from_s)
    begin = round(from_s * RATE)
    # the DC blocker begins afresh: 10 Hz forgets within some 100 ms, so both are unblocked first
    late = slice(round(0.01 * RATE), len(whole) - begin)
    difference = unblocked(whole)[begin:][late] - unblocked(part)[late]
    difference -= difference[-1]
    assert np.abs(difference).max() < 1e-4


def unblocked(sound: np.ndarray) -> np.ndarray:
    """The inverse of the DC blocker, but for a constant."""
    y = sound.astype(float)
    x = np.cumsum(y[1:] - RADIUS * y[:-1], axis=0)
    return np.concatenate([np.zeros((1, y.shape[1])), x])


def test_a_texture_is_the_same_wherever_in_a_tick_it_begins() -> None:
    def texture(onset: int) -> np.ndarray:
        event = Event(1, onset / RATE, resonance=HISS, kind=Kind.TEXTURE, seed=4)
        score = Score(EventTable([event]), seconds=0.2, sample_rate=RATE)
        return render_score(score, small_instrument())[onset : onset + 8_000]

    assert np.abs(texture(320) - texture(336)).max() < 1e-5


def test_a_texture_has_the_level_asked_for() -> None:
    event = Event(1, resonance=HISS, kind=Kind.TEXTURE, seed=4)
    score = Score(EventTable([event]), seconds=4.0, sample_rate=RATE)
    sound = render_score(score, small_instrument()).astype(float)
    asked = np.sqrt(16.0) * 0.02  # 16 bands of 0.02
    assert abs(20.0 * np.log10(np.sqrt((sound[4800:] ** 2).mean()) / asked)) < 0.5  # dB


def test_a_score_renders_at_another_rate_and_width() -> None:
    score = Score(EventTable([Event(1, 0.1, resonance=BELL)]), seconds=0.5, sample_rate=RATE)
    assert render_score(score, small_instrument(), sample_rate=44_100).shape == (22_050, 1)
    assert render_score(score, small_instrument(), channels=2).shape == (24_000, 2)
    assert render_score(score, small_instrument(), from_s=0.4).shape == (4_800, 1)
    assert render_score(score, small_instrument(), to_s=0.2).shape == (9_600, 1)
    assert not render_score(score, small_instrument(), to_s=0.1).any()
