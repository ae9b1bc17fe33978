"""Textures in turn are one event each, with the levels that were there; a moving one is one."""

import numpy as np
import pytest

from rtsynth.decompose import Decomposition, decompose_array, recording_from_array
from rtsynth.decompose.texture.changes import find_changes
from rtsynth.decompose.texture.only import only_texture
from rtsynth.events import Kind

RATE = 44_100


def _white(seconds: float) -> np.ndarray:
    noise: np.ndarray = np.random.default_rng(1).standard_normal(round(seconds * RATE))
    return 0.1 * noise


def _pink(seconds: float) -> np.ndarray:
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(round(seconds * RATE)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    noise: np.ndarray = np.fft.irfft(spectrum)
    pink: np.ndarray = 0.1 * noise / noise.std()
    return pink


def _octaves_db(sound: np.ndarray) -> np.ndarray:
    """[7] power of the octaves around 125 Hz … 8 kHz, in dB."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    freq = np.fft.rfftfreq(len(sound), 1.0 / RATE)
    edges = 125.0 * 2.0 ** (np.arange(8) - 0.5)
    place = np.digitize(freq, edges)
    return np.array([10.0 * np.log10(power[place == n + 1].sum()) for n in range(7)])


@pytest.fixture(scope="module")
def taken() -> Decomposition:
    """Pink noise, white from 4 s on."""
    return decompose_array(np.concatenate([_pink(4.0), _white(4.0)]), RATE)


def test_white_noise_is_one_texture_event_within_1_db() -> None:
    sound = _white(4.0)
    found = decompose_array(sound, RATE)
    assert [event.kind for event in found.score.table] == [Kind.TEXTURE]
    assert abs(20.0 * np.log10(found.resynthesis.std() / sound.std())) < 1.0


def test_pink_then_white_noise_are_two_texture_events_cut_within_0_2_s(
    taken: Decomposition,
) -> None:
    events = sorted(taken.score.table, key=lambda event: event.onset_s)
    assert [event.kind for event in events] == [Kind.TEXTURE, Kind.TEXTURE]
    assert [event.onset_s for event in events] == pytest.approx([0.0, 4.0], abs=0.2)
    assert events[0].onset_s + events[0].duration_s == pytest.approx(events[1].onset_s, abs=1e-9)


def test_each_of_them_is_within_1_5_db_in_every_octave(taken: Decomposition) -> None:
    recorded, made = taken.recording.frames[:, 0], taken.resynthesis[:, 0]
    for first, last in ((0.2, 3.8), (4.2, 7.8)):
        part = slice(round(first * RATE), round(last * RATE))
        off = _octaves_db(made[part]) - _octaves_db(recorded[part])
        assert np.abs(off).max() < 1.5


def test_noise_that_swells_again_and_again_does_not_change() -> None:
    time_s = np.arange(12 * RATE) / RATE
    level_db = 6.0 * np.sin(2.0 * np.pi * 0.7 * time_s)
    assert find_changes(_white(12.0) * 10.0 ** (level_db / 20.0), RATE) == []
    assert find_changes(_white(12.0), RATE) == []


@pytest.mark.parametrize(("per_s", "t60_s"), [(8, 0.6), (6, 0.8)])
def test_cymbals_struck_again_and_again_are_no_texture(per_s: int, t60_s: float) -> None:
    random, sound = np.random.default_rng(3), np.zeros(6 * RATE)
    time = np.arange(RATE) / RATE
    for onset in range(0, len(sound), RATE // per_s):
        hit = 0.1 * random.standard_normal(RATE) * 10.0 ** (-3.0 * time / t60_s)
        sound[onset : onset + RATE] += hit[: len(sound) - onset]
    texture, _ = only_texture(recording_from_array(sound, RATE), None)
    assert texture is None


def test_silence_after_a_texture_is_no_event() -> None:
    sound = np.concatenate([_white(5.0), np.zeros(3 * RATE)])
    made = decompose_array(sound, RATE)
    (event,) = made.score.table
    assert event.kind is Kind.TEXTURE
    assert event.duration_s == pytest.approx(5.0, abs=0.1)
    heard = made.resynthesis[:, 0]
    assert np.std(heard[RATE : 4 * RATE]) == pytest.approx(0.1, rel=0.15)
    assert np.abs(heard[round(5.5 * RATE) :]).max() < 1e-4
