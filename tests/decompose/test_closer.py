"""What no rule about the sound can tell: held or struck, whichever comes closer."""

import dataclasses
import pathlib
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.decompose import Recipe, closer, decompose_array
from rtsynth.decompose.closer import (
    clearly_closer,
    held_if_closer,
    looks_held,
    may_be_held,
    surely_held,
)
from rtsynth.decompose.held.band_error import band_error
from rtsynth.decompose.held.draft import find_line
from rtsynth.decompose.held.or_struck import falling_share
from rtsynth.decompose.held.voicing import PATH_STEP_S
from rtsynth.decompose.pipeline import decompose
from rtsynth.decompose.recording import recording_from_array
from rtsynth.metrics import event_pitches
from tests.decompose.bowed_line import NOTE_S, RATE, SCALE, laid, struck, tone

Float = NDArray[np.float64]

FAST = Recipe(newton=0, sweeps=1, peels=0, mends=0)


def spoken(pitch: float) -> Float:
    """A syllable: it rises for 80 ms, then fades, and glides down by three semitones."""
    time = np.arange(int(0.4 * RATE)) / RATE
    fading = (1.0 - np.exp(-time / 0.08)) * 10.0 ** (-50.0 * time / 20.0)
    return tone(pitch - 3.0 * np.minimum(time / 0.35, 1.0) ** 0.7, fading)


@pytest.fixture(scope="module")
def speech() -> Float:
    return laid([spoken(p) for p in (52, 55, 50, 57, 53)], 0.4)


def test_syllables_that_fade_and_glide_are_a_line_though_they_only_fall(speech: Float) -> None:
    pytest.importorskip("torch")
    recording = recording_from_array(speech, RATE)
    assert find_line(recording) is None
    made, forbidden = (
        decompose(recording, recipe=recipe)
        for recipe in (FAST, dataclasses.replace(FAST, held=False))
    )
    assert any("closer as a line" in note for note in made.report["notes"])
    assert not any("several pitches" in note for note in made.report["notes"])
    assert (made.instrument.bow > 0).any()
    assert not (forbidden.instrument.bow > 0).any()
    of_line, of_strikes = (
        band_error(speech, np.asarray(m.resynthesis).mean(axis=1), RATE) for m in (made, forbidden)
    )
    assert of_line < 0.8 * of_strikes


def test_a_line_told_by_its_closeness_is_kept_in_the_work_folder(
    speech: Float, tmp_path: pathlib.Path
) -> None:
    pytest.importorskip("torch")
    recording = recording_from_array(speech[: int(1.6 * RATE)], RATE)
    first, second = (decompose(recording, recipe=FAST, work=tmp_path) for _ in range(2))
    assert (first.instrument.bow > 0).any()
    assert first.instrument.fingerprint() == second.instrument.fingerprint()
    np.testing.assert_array_equal(first.resynthesis, second.resynthesis)
    told = [[n for n in made.report["notes"] if "line of" in n] for made in (first, second)]
    assert told[0] == told[1]
    assert "closer" in told[0][0]


def test_struck_keys_stay_struck_even_where_their_strikes_are_badly_found() -> None:
    sound = laid([struck(p) for p in SCALE], NOTE_S)
    recording = recording_from_array(sound, RATE)
    assert not may_be_held(recording)
    assert held_if_closer(recording, np.zeros((len(sound), 1)), 32) is None
    made = decompose_array(sound, RATE, recipe=FAST)
    assert not (made.instrument.bow > 0).any()


def test_strikes_that_leave_a_hundredth_of_the_energy_are_strikes(speech: Float) -> None:
    recording = recording_from_array(speech, RATE)
    assert held_if_closer(recording, 0.905 * recording.frames, 32) is None
    assert held_if_closer(recording, 0.3 * recording.frames, 32) is not None


def test_the_better_strikes_explain_the_sound_the_closer_a_line_has_to_be() -> None:
    assert clearly_closer(0.79, 1.0, 0.0)
    assert not clearly_closer(0.81, 1.0, 0.0)
    assert clearly_closer(0.59, 1.0, 12.0)
    assert not clearly_closer(0.61, 1.0, 12.0)
    assert clearly_closer(0.39, 1.0, 19.9)
    assert not clearly_closer(0.41, 1.0, 19.9)
    assert not clearly_closer(0.0, 1.0, 20.1)


def test_a_line_has_to_be_closer_in_its_levels_as_well(speech: Float) -> None:
    """Strikes with the recording's levels but another waveform, as by half a sample's delay."""
    recording = recording_from_array(speech, RATE)
    spectrum = np.fft.rfft(recording.frames[:, 0])
    turned = np.fft.irfft(1j * spectrum, len(speech))[:, None]
    assert band_error(speech, turned[:, 0], RATE) < 0.5
    assert held_if_closer(recording, turned, 32) is None


def test_a_line_has_to_be_closer_on_all_of_a_recording(speech: Float) -> None:
    """Its loudest five seconds have strikes that are too faint, the rest some as loud as it is."""
    recording = recording_from_array(np.concatenate([speech] * 2 + [0.7 * speech] * 5), RATE)
    assert len(speech) > 2.5 * RATE
    faint = 0.6 * recording.frames
    assert held_if_closer(recording, faint, 32) is not None
    faint[2 * len(speech) :] /= -0.6
    assert held_if_closer(recording, faint, 32) is None


def test_what_takes_more_than_two_minutes_or_has_no_pitch_is_no_line(speech: Float) -> None:
    long = np.tile(speech, 45)
    assert may_be_held(recording_from_array(speech, RATE))
    assert not may_be_held(recording_from_array(long[: 121 * RATE], RATE))
    assert may_be_held(recording_from_array(long[: 119 * RATE], RATE))
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * RATE)
    assert not may_be_held(recording_from_array(noise, RATE))


def test_without_torch_what_would_be_closer_as_a_line_stays_struck_and_is_told(
    speech: Float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rtsynth.nn.regress_line", None)
    made = decompose_array(speech[: int(1.6 * RATE)], RATE, recipe=FAST)
    assert not (made.instrument.bow > 0).any()
    assert any("with torch" in note for note in made.report["notes"])


def swelling_fourths() -> Float:
    time = np.arange(int(0.5 * RATE)) / RATE
    swell = (1.0 - 0.7 * np.exp(-time / 0.1)) * np.minimum((0.5 - time) / 0.05, 1.0)
    fourths = [
        sum((tone(np.full(len(time), p + i), swell) for i in (0.0, 5.0)), np.zeros(len(time)))
        for p in (52, 57, 55)
    ]
    return laid(fourths, 0.5)


def test_held_chords_are_one_event_per_note_and_that_is_told() -> None:
    pytest.importorskip("torch")
    made = decompose_array(swelling_fourths(), RATE, recipe=FAST)
    pitches = event_pitches(made.score, made.instrument)
    assert sorted(np.round(pitches[np.isfinite(pitches)])) == [52, 55, 57, 57, 60, 62]
    assert any("several sustained voices" in note for note in made.report["notes"])


def test_chords_that_only_have_a_common_period_are_one_event_each_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(closer, "measured_voices", lambda *_: None)
    made = decompose_array(swelling_fourths(), RATE, recipe=FAST)
    assert (made.instrument.bow > 0).any()
    assert any("several pitches" in note for note in made.report["notes"])


def test_what_hardly_falls_after_onsets_is_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = recording_from_array(swelling_fourths(), RATE)
    assert looks_held(recording)
    line = surely_held(recording, 16)
    assert line is not None
    assert sum(bool(len(note.ratio)) for note in line.notes) == 6
    chords = [struck(p) + struck(p + 5.0) for p in (52, 57, 55)]
    assert not looks_held(recording_from_array(laid(chords, NOTE_S), RATE))
    assert surely_held(recording_from_array(laid(chords, NOTE_S), RATE), 16) is None
    monkeypatch.setattr(closer, "LONGEST_S", 1.0)
    assert not looks_held(recording)
    assert surely_held(recording, 16) is None


def test_one_line_stands_in_for_voices_only_where_it_is_much_closer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = recording_from_array(swelling_fourths(), RATE)
    line, voices = object(), object()
    monkeypatch.setattr(closer, "find_line", lambda _: (recording.frames[:, 0], None, None))
    monkeypatch.setattr(closer, "measured_line", lambda *_: line)
    monkeypatch.setattr(closer, "measured_voices", lambda *_: voices)
    for of_line, taken in ((1.0, voices), (0.9, voices), (0.8, line)):
        errors = {id(line): of_line, id(voices): 1.15}
        monkeypatch.setattr(closer, "line_error", lambda held, *_, e=errors: e[id(held)])
        assert surely_held(recording, 16) is taken


def test_chords_whose_strikes_explain_them_stay_strikes() -> None:
    chords = [struck(p) + struck(p + 5.0) for p in (52, 57, 55)]
    made = decompose_array(laid(chords, NOTE_S), RATE, recipe=FAST)
    assert not (made.instrument.bow > 0).any()


def test_band_error_of_one_gain_is_that_gain_and_silence_has_none() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(44_100)
    assert band_error(noise, noise, 44_100) == 0.0
    assert band_error(noise, 0.5 * noise, 44_100) == pytest.approx(6.0, abs=0.1)
    assert band_error(np.zeros(44_100), np.zeros(44_100), 44_100) == 0.0


def test_where_there_is_no_onset_nothing_falls_after_one() -> None:
    assert falling_share(np.linspace(0.0, -30.0, 300), np.zeros(0)) == 0.0


@pytest.mark.parametrize(("slope_db_s", "share"), [(-2.4, 1.0), (-1.6, 0.0)])
def test_two_decibels_a_second_are_a_fall(slope_db_s: float, share: float) -> None:
    level_db = slope_db_s * PATH_STEP_S * np.arange(300.0, dtype=np.float64)
    assert falling_share(level_db, np.array([0.1, 1.1])) == share
