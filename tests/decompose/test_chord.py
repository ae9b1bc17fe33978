"""Which keys sound at each onset: chords come apart, drums are no keys."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.grouping import Grouping, group
from rtsynth.decompose.keys.keyboard import (
    BINS,
    KEYS,
    key_hz,
    partial_places,
    partial_windows,
    tuning_of,
)
from rtsynth.decompose.keys.keyed import find_keys
from rtsynth.decompose.takes import take_onsets
from tests.decompose.known_bank import RATE, key_sound

STEP_S = 0.4


def struck(chords: list[list[int]], gains: list[float] | None = None) -> Grouping:
    """Chords one after the other, every key ringing on, taken apart at their true onsets."""
    onsets = np.array([round((0.1 + STEP_S * i) * RATE) for i in range(len(chords))])
    sound = np.random.default_rng(0).normal(0.0, 1e-5, int(onsets[-1]) + RATE)
    for onset, chord, gain in zip(onsets, chords, gains or [1.0] * len(chords), strict=True):
        for key in chord:
            sound[onset:] += (
                0.2 * gain * key_sound(key, 4.0 + 0.4 * len(chords))[: len(sound) - onset]
            )
    return group(take_onsets(sound, RATE, onsets))


def keys_of(grouping: Grouping) -> list[list[int]]:
    """The keys found at each onset, as MIDI numbers them."""
    return [
        sorted(
            round(69 + 12 * np.log2(grouping.pitches_hz[i] / 440.0))
            for i in members
            if grouping.pitches_hz[i] > 0
        )
        for members in grouping.members
    ]


def test_a_chord_of_keys_heard_before_comes_apart() -> None:
    chords = [[60], [64], [67], [60, 64, 67], [64, 67]]
    assert keys_of(struck(chords)) == chords


def test_an_octave_of_keys_heard_before_is_two_keys() -> None:
    chords = [[60], [72], [64], [60, 72], [64]]
    assert keys_of(struck(chords)) == chords


@pytest.mark.parametrize("chord", [[48, 55, 64], [53, 57, 60], [62, 69]])
def test_a_chord_never_heard_apart_comes_apart(chord: list[int]) -> None:
    chords = [chord, [65], chord]
    assert keys_of(struck(chords)) == chords


def test_a_key_struck_again_while_it_rings_stays_one_resonance() -> None:
    grouping = struck([[60], [67], [60], [60], [67]], [1.0, 0.5, 0.8, 1.0, 0.7])
    assert keys_of(grouping) == [[60], [67], [60], [60], [67]]
    assert len(grouping.modes) == 2


def test_gains_of_a_key_are_known_within_3_db() -> None:
    gains = [1.0, 1.0, 0.5, 1.0, 0.25]
    grouping = struck([[60], [66], [60], [71], [60]], gains)
    found = [next(iter(members.values())) for members in grouping.members]
    against_first = 20 * np.log10([found[2] / found[0], found[4] / found[0]])
    np.testing.assert_allclose(against_first, 20 * np.log10([0.5, 0.25]), atol=3.0)


def test_a_drum_beside_a_ringing_key_strikes_no_key_again() -> None:
    onsets = np.round((0.1 + STEP_S * np.arange(4)) * RATE).astype(np.int64)
    sound = np.random.default_rng(0).normal(0.0, 1e-5, int(onsets[-1]) + RATE)
    for onset, key in zip(onsets[[0, 1, 3]], [60, 67, 64], strict=True):
        sound[onset:] += 0.2 * key_sound(key, 4.0)[: len(sound) - onset]
    hit = noise_hits(1)
    sound[onsets[2] : onsets[2] + len(hit)] += hit
    found = keys_of(group(take_onsets(sound, RATE, onsets)))
    assert [found[0], found[1], found[3]] == [[60], [67], [64]]
    assert not {60, 67} & set(found[2])


def noise_hits(count: int) -> NDArray[np.float64]:
    """Bursts of noise, gone in 20 ms."""
    random = np.random.default_rng(3)
    time = np.arange(int(STEP_S * RATE)) / RATE
    return np.concatenate(
        [random.normal(0.0, 0.2, len(time)) * np.exp(-time / 0.02) for _ in range(count)]
    )


def test_noise_has_no_keys() -> None:
    onsets = np.round(np.arange(5) * STEP_S * RATE).astype(np.int64)
    takes = take_onsets(noise_hits(5), RATE, onsets)
    keyed = find_keys(
        [take.modes for take in takes],
        [take.older for take in takes],
        [take.tonal for take in takes],
        128,
    )
    assert keyed.members.count(None) >= 4


@pytest.mark.parametrize("cents", [-40.0, -15.0, 0.0, 31.0])
def test_the_tuning_is_found_within_a_cent(cents: float) -> None:
    keys = np.array([57, 60, 64, 69, 72, 76])
    freq = 440.0 * 2.0 ** ((keys - 69) / 12 + cents / 1200)
    modes = Modes(freq, np.full(6, 2.0), np.ones(6, complex))
    assert 1200 * np.log2(tuning_of(modes)) == pytest.approx(cents, abs=1.0)


def test_frequencies_without_a_common_tuning_are_left_at_440_hz() -> None:
    freq = 200.0 * 2.0 ** (np.arange(48) / 48.0)  # every quarter of a semitone
    assert tuning_of(Modes(freq, np.full(48, 2.0), np.ones(48, complex))) == 1.0


def test_first_partials_stand_where_their_keys_are() -> None:
    top = partial_places()[:, 0].argmax(axis=1)
    cents = 1200 * np.log2(27.0 * 2.0 ** (top / 60) / [key_hz(float(key)) for key in KEYS])
    inside = (top > 0) & (top < BINS - 1)
    assert np.abs(cents[inside]).max() <= 10.0  # half a bin
    assert partial_windows().max() == BINS


def test_no_onsets_have_no_keys() -> None:
    assert find_keys([], [], [], 128).members == []
    assert find_keys([Modes.none()], [np.zeros(0)], [0.5], 128).members == [None]


def test_where_keys_are_not_told_only_those_told_elsewhere_are_sought() -> None:
    chords = [[60], [64], [67], [60, 67], [65]]
    onsets = np.array([round((0.1 + STEP_S * i) * RATE) for i in range(len(chords))])
    sound = np.random.default_rng(0).normal(0.0, 1e-5, int(onsets[-1]) + RATE)
    for onset, chord in zip(onsets, chords, strict=True):
        for key in chord:
            sound[onset:] += 0.2 * key_sound(key, 6.0)[: len(sound) - onset]
    takes = take_onsets(sound, RATE, onsets)
    seen = [t.modes for t in takes], [t.older for t in takes], [t.tonal for t in takes]
    given: list[set[int] | None] = [{60}, {64}, {67}, None, None]
    keyed = find_keys(*seen, 128, given=given)
    keys = [round(69 + 12 * np.log2(pitch / 440.0)) for pitch in keyed.pitches_hz]
    members = [{keys[index] for index in some or ()} for some in keyed.members]
    assert members[:4] == [{60}, {64}, {67}, {60, 67}]
    assert 65 not in members[4]
