"""Modes of one key over its whole length, its key-off, its first sample, the noise under it."""

import numpy as np
import pytest

from rtsynth.decompose.composite import Composite, combine, find_lead, local_power
from rtsynth.decompose.damped import Float, Modes, poles, ring
from rtsynth.decompose.peel import mend_modes, peel_modes, refit_modes
from rtsynth.decompose.release import Held, find_release
from rtsynth.decompose.texture.floor import choose_floor, noise_floor
from rtsynth.instrument import NOISE_EDGES_HZ
from rtsynth.units import LN1000

RATE = 44_100
FREQ_HZ = np.array([261.3, 261.9, 523.1, 785.4, 1048.2])
T60_S = np.array([2.5, 12.0, 3.0, 2.0, 1.5])
AMPLITUDE = np.array([0.3, 0.04, 0.2, 0.1j, 0.05])


def key(seconds: float, held_s: float = np.inf, release_s: float = 0.45) -> Float:
    count = round(seconds * RATE)
    sound = ring(poles(FREQ_HZ, T60_S, RATE), AMPLITUDE, count)
    age = np.maximum(np.arange(count) / RATE - held_s, 0.0) if np.isfinite(held_s) else 0.0
    return sound * np.exp(-LN1000 * age / release_s)


def noise(count: int, level: float, seed: int = 1) -> Float:
    return level * np.random.default_rng(seed).standard_normal(count)


def test_a_two_stage_decay_is_two_poles_of_one_partial() -> None:
    sound = key(4.0) + noise(4 * RATE, 1e-4)
    modes = peel_modes(Composite(sound, np.ones(len(sound))), RATE, 16)
    for freq, t60, amplitude in zip(FREQ_HZ, T60_S, AMPLITUDE, strict=True):
        near = int(np.argmin(np.abs(modes.freq_hz - freq)))
        assert abs(modes.freq_hz[near] - freq) < 0.02  # Hz
        assert abs(modes.t60_s[near] / t60 - 1.0) < 0.05
        assert abs(modes.amplitude[near] - amplitude) < 0.05 * abs(amplitude)


def test_modes_explain_the_tail_as_well_as_the_start() -> None:
    sound = key(4.0) + noise(4 * RATE, 1e-4)
    modes = peel_modes(Composite(sound, np.ones(len(sound))), RATE, 16)
    made = ring(poles(modes.freq_hz, modes.t60_s, RATE), modes.amplitude, len(sound))
    for first in (0, 2 * RATE):
        part = slice(first, first + RATE)
        error_db = 10 * np.log10(np.sum((sound - made)[part] ** 2) / np.sum(sound[part] ** 2))
        assert error_db < -25.0


def test_silence_has_no_modes() -> None:
    assert len(peel_modes(Composite(np.zeros(RATE), np.ones(RATE)), RATE, 16)) == 0


def test_partials_known_wrongly_are_found_anew_and_the_others_stay() -> None:
    sound = key(4.0) + noise(4 * RATE, 1e-4)
    wrong = FREQ_HZ + np.array([0.0, 0.0, 0.5, 0.0, 0.0]), T60_S * np.array([1, 1, 1, 2.5, 1])
    modes = mend_modes(Modes(*wrong, AMPLITUDE), Composite(sound, np.ones(len(sound))), RATE, 16)
    made = ring(poles(modes.freq_hz, modes.t60_s, RATE), modes.amplitude, len(sound))
    assert 10 * np.log10(np.sum((sound - made) ** 2) / np.sum(sound**2)) < -40.0
    for freq, t60 in zip(FREQ_HZ, T60_S, strict=True):
        near = int(np.argmin(np.abs(modes.freq_hz - freq)))
        assert abs(modes.freq_hz[near] - freq) < 0.05  # Hz
        assert abs(modes.t60_s[near] / t60 - 1.0) < 0.1


def test_mending_keeps_the_loudest_modes_that_there_is_room_for() -> None:
    sound = key(4.0) + noise(4 * RATE, 1e-4)
    known = Modes(FREQ_HZ[:2], T60_S[:2], AMPLITUDE[:2])
    modes = mend_modes(known, Composite(sound, np.ones(len(sound))), RATE, 3)
    assert len(modes) == 3
    assert np.min(np.abs(modes.freq_hz - FREQ_HZ[0])) < 0.05
    assert np.min(np.abs(modes.freq_hz - FREQ_HZ[2])) < 0.05  # was not known


def test_a_cluster_that_few_poles_cannot_replace_is_left_as_it_was() -> None:
    rng = np.random.default_rng(4)
    freq_hz: Float = 800.0 + 5.0 * np.arange(8, dtype=np.float64)
    cluster = Modes(freq_hz, np.full(8, 3.0), np.exp(2j * np.pi * rng.uniform(size=8)))
    sound = ring(poles(freq_hz, cluster.t60_s, RATE), cluster.amplitude, 3 * RATE)
    known = Modes(freq_hz + 0.15 * (np.arange(8) == 3), cluster.t60_s, cluster.amplitude)
    composite = Composite(sound, np.ones(len(sound)))
    error_db = []
    for modes in (refit_modes(known, composite, RATE), mend_modes(known, composite, RATE, 32)):
        made = ring(poles(modes.freq_hz, modes.t60_s, RATE), modes.amplitude, len(sound))
        error_db.append(10 * np.log10(np.sum((sound - made) ** 2) / np.sum(sound**2)))
    assert error_db[1] < error_db[0] + 0.5


def test_silence_is_mended_to_silence() -> None:
    known = Modes(FREQ_HZ, T60_S, AMPLITUDE)
    modes = mend_modes(known, Composite(np.zeros(RATE), np.ones(RATE)), RATE, 16)
    assert np.max(np.abs(modes.amplitude), initial=0.0) == 0.0


def test_strikes_weigh_by_what_is_known_of_them() -> None:
    sound = key(1.0)
    clean, dirty = 0.5 * sound + noise(RATE, 1e-3), 1.0 * sound + noise(RATE, 0.1, 2)
    powers = [np.full(RATE, 1e-6), np.full(RATE, 1e-2)]
    one = combine([clean, dirty], [0.5, 1.0], powers, RATE)
    error = np.sqrt(np.mean((one.sound - sound) ** 2))
    assert error < 2.2e-3  # of the clean one alone: 1e-3 / 0.5


def test_a_strike_that_is_no_copy_hardly_counts() -> None:
    sound = key(1.0)
    other = noise(RATE, 0.05, 3)
    one = combine([sound, other], [1.0, 1.0], [np.full(RATE, 1e-6)] * 2, RATE)
    error_db = 10 * np.log10(np.sum((one.sound - sound) ** 2) / np.sum(sound**2))
    assert error_db < -20.0


def test_an_onset_marked_3_ms_late_goes_back_within_half_a_millisecond() -> None:
    reach = round(0.012 * RATE)
    part = noise(2 * reach, 1e-5)
    part[reach - round(0.003 * RATE) :] += key(1.0)[: reach + round(0.003 * RATE)]
    lead = find_lead([part, 0.5 * part], [1.0, 0.5], RATE)
    assert abs(lead / RATE - 0.003) < 0.0005


@pytest.mark.parametrize("held_s", [0.4, 0.813, 1.311])
def test_a_key_let_go_is_found_within_15_ms(held_s: float) -> None:
    target = key(2.5, held_s) + noise(round(2.5 * RATE), 3e-4)
    found = find_release(target, Held(key(2.5), RATE))
    assert found is not None
    assert abs(found[0] / RATE - held_s) < 0.015
    assert 0.35 <= found[1] <= 0.5  # s, of 0.45


def test_a_key_that_rings_on_is_not_let_go_even_where_its_partials_beat() -> None:
    target = key(3.5) + noise(round(3.5 * RATE), 3e-4)
    assert find_release(target, Held(key(3.5), RATE)) is None
    simple = ring(poles(FREQ_HZ, T60_S, RATE)[[0, 2, 3, 4]], AMPLITUDE[[0, 2, 3, 4]], len(target))
    assert find_release(target, Held(simple, RATE)) is None


def test_a_second_key_does_not_hide_the_first_ones_end() -> None:
    other = ring(poles(FREQ_HZ * 1.26, T60_S, RATE), AMPLITUDE, 2 * RATE)
    target = key(2.0, 0.7)
    target[round(0.9 * RATE) :] += other[: 2 * RATE - round(0.9 * RATE)]
    found = find_release(target, Held(key(2.0), RATE))
    assert found is not None
    assert abs(found[0] / RATE - 0.7) < 0.04


def test_local_power_of_noise_is_its_variance_within_1_db() -> None:
    power = local_power(noise(RATE, 0.1), RATE)[RATE // 10 : -RATE // 10]
    assert np.all(np.abs(10 * np.log10(power / 0.01)) < 1.0)


def test_a_floor_stays_only_in_bands_that_nothing_else_explains() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440.0 / RATE * np.arange(2 * RATE))
    hiss = np.diff(noise(2 * RATE + 1, 2e-3))
    floor = noise_floor(hiss, RATE)
    kept = choose_floor(tone + hiss, tone, floor, RATE)
    centre = 0.5 * (NOISE_EDGES_HZ[1:] + NOISE_EDGES_HZ[:-1])
    assert np.all(kept[(centre > 4_000) & (centre < 15_000)] > 0.0)
    explained = choose_floor(tone + hiss, tone + hiss, floor, RATE)
    assert not explained.any()


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.15])
def test_a_sound_too_short_to_show_a_key_off_has_none(seconds: float) -> None:
    sound = key(1.0)[: round(seconds * RATE)]
    assert find_release(sound, Held(sound, RATE)) is None


def test_rumble_beside_a_low_key_is_no_mode_that_no_instrument_may_hold() -> None:
    low = np.array([13.0, 18.5, 27.5, 55.0, 82.6])
    sound = ring(poles(low, np.full(5, 2.0), RATE), np.full(5, 0.2 + 0j), 3 * RATE)
    modes = peel_modes(Composite(sound, np.ones(len(sound))), RATE, 32)
    assert modes.freq_hz.min() >= 25.0
    assert np.abs(modes.freq_hz - 27.5).min() < 0.5  # Hz
