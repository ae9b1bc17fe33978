"""Keys among drums: what a struck string does and a bowed one or a drum does not."""

import numpy as np
import pytest

from rtsynth.decompose.damped import Float, Modes
from rtsynth.decompose.grouping import Take
from rtsynth.decompose.keys.rising import Rises, are_mixed

RATE = 44_100
ONSET = RATE // 2
TIME_S = np.arange(RATE) / RATE
PITCH_HZ = 330.0


def string(pitch_hz: float, onset: int, t60_s: float = 2.0) -> Float:
    sound = np.zeros(RATE)
    age = TIME_S[: RATE - onset]
    for number in range(1, 7):
        decay = np.exp(-6.9 * age / t60_s)
        sound[onset:] += decay * np.sin(2 * np.pi * number * pitch_hz * age) / number
    return sound


def bowed(pitch_hz: float) -> Float:
    """Vibrato of 30 cents at 6 Hz that goes on all the time."""
    swing = 2.0 ** (30.0 / 1200.0 * np.sin(2 * np.pi * 6.0 * TIME_S))
    phase = 2 * np.pi * np.cumsum(pitch_hz * swing) / RATE
    parts = [np.sin(number * phase) / number for number in range(1, 7)]
    return np.asarray(np.sum(parts, axis=0))


def hat() -> Float:
    noise = np.random.default_rng(1).normal(size=RATE)
    noise[:ONSET] = 0.0
    noise[ONSET:] *= np.exp(-6.9 * TIME_S[: RATE - ONSET] / 0.3)
    return noise


def kick() -> Float:
    age = TIME_S[: RATE - ONSET]
    sound = np.zeros(RATE)
    fall = 50.0 * age + 1.5 * (1.0 - np.exp(-age / 0.02))
    sound[ONSET:] = np.exp(-6.9 * age / 0.4) * np.sin(2 * np.pi * fall)
    return sound


def struck(signal: Float, pitch_hz: float) -> bool:
    return Rises.at(signal, RATE, np.array([ONSET])).struck(0, pitch_hz)


@pytest.mark.parametrize("pitch_hz", [65.4, 110.0, 330.0, 1047.0, 2093.0])
def test_a_struck_string_is_struck(pitch_hz: float) -> None:
    assert struck(string(pitch_hz, ONSET), pitch_hz)


@pytest.mark.parametrize("pitch_hz", [110.0, 330.0, 1047.0])
def test_a_string_struck_under_a_hat_is_struck(pitch_hz: float) -> None:
    assert struck(string(pitch_hz, ONSET) + 0.1 * hat(), pitch_hz)


def test_a_string_struck_again_as_it_dies_away_is_struck() -> None:
    assert struck(string(PITCH_HZ, 0, t60_s=1.5) + string(PITCH_HZ, ONSET), PITCH_HZ)


@pytest.mark.parametrize("beside", [0.0, 0.1, 0.3])
def test_a_bowed_string_that_goes_on_under_a_hit_is_not_struck(beside: float) -> None:
    assert not struck(bowed(PITCH_HZ) + beside * hat(), PITCH_HZ)


def test_a_string_that_rings_on_is_not_struck() -> None:
    assert not struck(string(PITCH_HZ, 0), PITCH_HZ)


@pytest.mark.parametrize("key", range(96, 109))
def test_a_hat_strikes_no_high_key(key: int) -> None:
    assert not struck(hat(), 440.0 * 2.0 ** ((key - 69) / 12.0))


@pytest.mark.parametrize("key", range(28, 36))
def test_a_kick_strikes_no_low_key(key: int) -> None:
    assert not struck(kick(), 440.0 * 2.0 ** ((key - 69) / 12.0))


def take(tonal: float, bright: bool) -> Take:
    rise = np.zeros(64)
    rise[5], rise[31] = 1.0, 0.5 if bright else 0.0
    return Take(0, Modes.none(), rise, tonal, np.zeros(0))


@pytest.mark.parametrize(
    ("keys", "hits", "mixed"),
    [(20, 0, False), (0, 20, False), (20, 3, False), (3, 20, False), (20, 4, True), (60, 4, False)],
)
def test_a_mix_has_both_keys_and_hits(keys: int, hits: int, mixed: bool) -> None:
    takes = [take(0.95, False)] * keys + [take(0.2, True)] * hits
    assert are_mixed(takes) is mixed


def test_dull_untonal_onsets_make_no_mix() -> None:
    assert not are_mixed([take(0.95, False)] * 10 + [take(0.2, False)] * 10)


def test_nothing_is_no_mix() -> None:
    assert not are_mixed([])
