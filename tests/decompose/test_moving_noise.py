"""Noise that moves follows the recording's levels; steady noise and what is struck stay so."""

import dataclasses
import pathlib
import sys

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from rtsynth.decompose import Decomposition, Recipe, decompose_array
from rtsynth.decompose.held.bake import bake_line
from rtsynth.decompose.held.band_error import band_error
from rtsynth.decompose.held.draft import draw_line
from rtsynth.decompose.held.line import CODE
from rtsynth.decompose.held.noise_curves import noise_curves
from rtsynth.decompose.held.noise_line import noise_line
from rtsynth.decompose.held.sounding import line_sound
from rtsynth.decompose.pipeline import decompose
from rtsynth.decompose.recording import recording_from_array
from rtsynth.decompose.synthesis import render_score
from rtsynth.decompose.texture.moving import (
    may_be_noise,
    noise_if_closer,
    textures_move,
)
from rtsynth.decompose.texture.only import only_texture
from rtsynth.decompose.texture.stretches import find_stretches
from rtsynth.events import EventTable, Kind
from tests.decompose.bowed_line import NOTE_S, RATE, SCALE, laid, struck

Float = NDArray[np.float64]

QUICK = Recipe(newton=0, sweeps=1, peels=0, mends=0, curve_steps=400)
WAVE_S, WAVES = 1.6, 3
STEP_S = 0.004


def white(seconds: float, seed: int = 1) -> Float:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def waves(seconds: float = WAVES * WAVE_S, depth: float = 0.15, seed: int = 1) -> Float:
    """White noise that rises at 0 and every 1.6 s, and stays at its quietest half of the time."""
    time = np.arange(round(seconds * RATE)) / RATE
    return white(seconds, seed) * (
        depth + np.maximum(np.sin(2.0 * np.pi * time / WAVE_S), 0.0) ** 2
    )


def one_channel(made: Decomposition) -> Float:
    sound: Float = np.asarray(made.resynthesis, float).mean(axis=1)
    return sound


@pytest.fixture(scope="module")
def taken() -> Decomposition:
    pytest.importorskip("torch")
    return decompose_array(waves(), RATE, recipe=QUICK)


def test_each_wave_is_one_event_that_begins_where_it_rises(taken: Decomposition) -> None:
    events = sorted(taken.score.table, key=lambda event: event.onset_s)
    assert [event.kind for event in events] == [Kind.MODAL] * WAVES
    onsets = [event.onset_s for event in events]
    assert onsets == pytest.approx(WAVE_S * np.arange(WAVES), abs=0.15)
    assert len({event.resonance for event in events}) == 1
    assert any("noise that moves: 3 events" in note for note in taken.report["notes"])


def test_its_levels_are_closer_than_those_of_one_texture_with_the_same_statistics(
    taken: Decomposition,
) -> None:
    still = decompose_array(waves(), RATE, recipe=dataclasses.replace(QUICK, moving_noise=False))
    assert [event.kind for event in still.score.table] == [Kind.TEXTURE]
    follows, stands = (band_error(waves(), one_channel(made), RATE) for made in (taken, still))
    assert follows < 0.5 * stands


def test_held_past_what_was_recorded_it_goes_on_between_its_quietest_and_its_loudest(
    taken: Decomposition,
) -> None:
    first = min(taken.score.table, key=lambda event: event.onset_s)
    held = dataclasses.replace(first, duration_s=np.inf)
    score = dataclasses.replace(taken.score, table=EventTable([held]), seconds=20.0)
    sound = np.asarray(render_score(score, taken.instrument, RATE)).mean(axis=1)
    recorded = np.asarray(taken.recording.frames, float)[:, 0]
    levels = [np.sqrt(np.mean(s**2)) for s in np.array_split(sound[5 * RATE : 20 * RATE], 15)]
    quarters = np.array_split(recorded, 4 * round(len(recorded) / RATE))
    recorded_levels = [np.sqrt(np.mean(s**2)) for s in quarters]
    assert min(levels) > min(recorded_levels)
    assert max(levels) < max(recorded_levels)


def test_steady_noise_has_no_course_and_waves_have_one() -> None:
    for sound, moved in ((white(4.0), False), (waves(), True)):
        texture = only_texture(recording_from_array(sound, RATE), None)[0]
        assert texture is not None
        assert textures_move(texture, sound, RATE) == moved


def test_what_hums_stands_still_unless_the_hum_is_next_to_nothing() -> None:
    hum = np.sin(2 * np.pi * 200.0 * np.arange(len(waves())) / RATE)
    for level, moved in ((0.02, False), (0.0005, True)):
        texture = only_texture(recording_from_array(waves(), RATE), None)[0]
        assert texture is not None
        texture.fits[0] = dataclasses.replace(
            texture.fits[0], hum_hz=np.array([200.0]), hum_gain=np.array([level])
        )
        assert textures_move(texture, waves() + level * hum, RATE) == moved


def test_noise_with_onsets_is_noise_where_strikes_are_further_from_it() -> None:
    """Gusts: too uneven for a texture; the strikes found at their onsets leave most of them."""
    pytest.importorskip("torch")
    time = np.arange(3 * RATE) / RATE
    gusts = white(3.0) * (0.003 + np.exp(-((time % 1.0 - 0.3) ** 2) / 0.02))
    assert only_texture(recording_from_array(gusts, RATE), None)[0] is None
    made, strikes = (
        decompose_array(gusts, RATE, recipe=recipe)
        for recipe in (QUICK, dataclasses.replace(QUICK, only_texture=False))
    )
    assert any("closer as noise" in note for note in made.report["notes"])
    assert not any("no onset" in note for note in made.report["notes"])
    assert len(made.score.table) == 3
    assert not any("noise that moves" in note for note in strikes.report["notes"])
    of_noise, of_strikes = (band_error(gusts, one_channel(m), RATE) for m in (made, strikes))
    assert of_noise < 0.6 * of_strikes


def test_strikes_that_explain_three_quarters_of_the_noise_stay_strikes() -> None:
    """However far off they are between the waves, where they are silent."""
    recording = recording_from_array(waves(), RATE)
    loud = (np.abs(waves() / white(WAVES * WAVE_S)) > 0.2)[:, None]
    assert noise_if_closer(recording, 0.6 * recording.frames * loud) is None
    assert noise_if_closer(recording, 0.4 * recording.frames * loud) is not None


def test_strikes_that_are_as_close_as_noise_stay_strikes() -> None:
    recording = recording_from_array(waves(), RATE)
    assert noise_if_closer(recording, waves(seed=2)[:, None]) is None
    assert noise_if_closer(recording, np.zeros_like(recording.frames)) is not None


def test_a_quiet_recording_is_judged_as_a_loud_one_is() -> None:
    """At -120 dBFS all of it lies below the floor that the distance of log-magnitudes has."""
    recording = recording_from_array(1e-5 * waves(), RATE)
    assert noise_if_closer(recording, 0.9 * recording.frames) is None
    assert noise_if_closer(recording, 0.2 * recording.frames[::-1]) is not None


def test_keys_and_what_takes_more_than_two_minutes_are_no_noise() -> None:
    assert may_be_noise(recording_from_array(waves(), RATE))
    keys = laid([struck(p) for p in SCALE], NOTE_S)
    assert not may_be_noise(recording_from_array(keys, RATE))
    long = np.tile(white(1.0), 121)
    assert not may_be_noise(recording_from_array(long, RATE))


def test_without_torch_a_texture_stays_a_texture_and_that_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rtsynth.nn.regress_line", None)
    made = decompose_array(waves(), RATE, recipe=QUICK)
    assert [event.kind for event in made.score.table] == [Kind.TEXTURE]
    assert any("with torch" in note for note in made.report["notes"])


@pytest.mark.parametrize("depth", [0.15, 0.0005])
def test_a_work_folder_keeps_it(
    tmp_path: pathlib.Path, depth: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deeper waves fall silent: they are no texture, and become noise after their strikes."""
    pytest.importorskip("torch")
    recording = recording_from_array(waves(2 * WAVE_S, depth), RATE)
    first = decompose(recording, recipe=QUICK, work=tmp_path)
    monkeypatch.setattr("rtsynth.decompose.whole.draw_line", None)
    second = decompose(recording, recipe=QUICK, work=tmp_path)
    assert first.instrument.field is not None
    assert first.instrument.fingerprint() == second.instrument.fingerprint()
    np.testing.assert_array_equal(first.resynthesis, second.resynthesis)
    assert first.report["notes"] == second.report["notes"]


def test_a_line_of_noise_has_the_recordings_level_in_every_band() -> None:
    sound = waves()
    line = noise_line(sound, RATE)
    assert line is not None
    partials, noise = line_sound(line, RATE, len(sound))
    assert not partials.any()
    chance = band_error(sound, waves(seed=2), RATE)
    assert band_error(sound, noise, RATE) < 0.85 * chance


def test_silence_is_no_line_of_noise() -> None:
    assert noise_line(np.zeros(RATE), RATE) is None


def test_two_colours_one_after_the_other_are_two_resonances_with_these_colours() -> None:
    high = scipy.signal.sosfilt(
        scipy.signal.butter(4, 2_000.0, "high", fs=RATE, output="sos"), white(2.0)
    )
    line = noise_line(np.concatenate([white(2.0, 2), high]), RATE)
    assert line is not None
    assert line.resonance.tolist() == [0, 1]
    assert line.notes[1].onset / RATE == pytest.approx(2.0, abs=0.1)
    low_bands = line.blow_gain[:, :12].sum(axis=1)
    assert low_bands[1] < 0.1 * low_bands[0]


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_there_is_no_hole_where_one_stretch_follows_another(rate: int) -> None:
    """A hop, in which noise fades in, is 32 ms at 8 kHz; what ends does so within 5 ms."""
    sound = 0.1 * np.random.default_rng(4).standard_normal(6 * rate)
    sound[: 3 * rate] *= 3.0
    line = noise_line(sound, rate)
    assert line is not None
    assert len(line.notes) == 2
    noise = line_sound(line, rate, len(sound))[1]
    cut = line.notes[1].onset
    size = round(0.005 * rate)
    around = noise[cut : cut + 8 * size].reshape(8, size)
    assert np.sqrt(np.mean(around**2, axis=1)).min() > 0.35 * 0.1


def test_noise_60_db_below_what_comes_before_it_is_heard() -> None:
    line = noise_line(np.concatenate([3.0 * white(2.0), 3e-3 * white(2.0)]), RATE)
    assert line is not None
    noise = line_sound(line, RATE, 4 * RATE)[1]
    quiet = noise[round(2.5 * RATE) :].std()
    assert 20.0 * np.log10(quiet / 3e-4) == pytest.approx(0.0, abs=2.0)


def test_the_quick_rendering_begins_as_the_formula_does() -> None:
    pytest.importorskip("torch")
    sound = waves(WAVE_S)[RATE // 2 :]
    line = noise_line(sound, RATE)
    assert line is not None
    score, instrument = draw_line(line, recording_from_array(sound, RATE), QUICK)
    quick = line_sound(line, RATE, len(sound))[1]
    exact = np.asarray(render_score(score, instrument, RATE))[:, 0]
    assert np.abs(exact[:2]).max() < 0.02 * np.abs(exact[:600]).max()
    assert np.abs(quick[:2]).max() < 0.02 * np.abs(quick[:600]).max()
    level = np.sqrt(np.mean(exact[:128] ** 2))
    assert np.sqrt(np.mean((quick[:128] - exact[:128]) ** 2)) < 0.5 * level


def test_clicks_in_steady_noise_are_no_motion() -> None:
    hiss = 0.03 * white(8.0)
    at = np.random.default_rng(5).integers(0, len(hiss), 24)
    hiss[at] += 0.4 * np.random.default_rng(6).standard_normal(24)
    texture = only_texture(recording_from_array(hiss, RATE), None)[0]
    assert texture is not None
    assert texture.fits[0].click_rate_hz > 0.0
    assert not textures_move(texture, hiss, RATE)


def test_what_is_on_one_side_stays_there_and_opposed_channels_are_both_heard() -> None:
    sound = waves()
    for left, right, wanted in ((1.0, 0.0, (1.0, 0.0)), (1.0, -1.0, (1.0, 1.0))):
        frames = np.stack([left * sound, right * sound], axis=1)
        line = noise_line(sound, RATE)
        assert line is not None
        code = np.zeros((len(line.notes), CODE))
        score, instrument = bake_line(line, recording_from_array(frames, RATE), code, 1)
        made = np.asarray(render_score(score, instrument, RATE))
        found = made.std(axis=0)
        louder = float(found.max())
        assert (found / louder).tolist() == pytest.approx(wanted, abs=0.05)


def test_noise_of_more_than_twenty_seconds_has_a_field_twice_as_wide() -> None:
    pytest.importorskip("torch")
    few = dataclasses.replace(QUICK, curve_steps=1)
    widths = []
    for sound in (waves(4.0), np.tile(waves(4.8), 5)):
        line = noise_line(sound, RATE)
        assert line is not None
        instrument = draw_line(line, recording_from_array(sound, RATE), few)[1]
        assert instrument.field is not None
        widths.append(instrument.field.controls.b0.shape[1])
        assert instrument.freq_hz.shape[1] == 1
    assert widths[1] == 2 * widths[0]


def test_stretches_end_in_silence_at_cuts_and_where_the_level_falls_by_12_db_and_rises() -> None:
    rise = np.concatenate([np.linspace(-40.0, 0.0, 100), np.linspace(0.0, -40.0, 100)])
    swells = 10.0 ** (np.tile(rise, 3) / 10.0)
    found = find_stretches(swells, STEP_S)
    assert [first for first, _ in found] == pytest.approx([0, 200, 400], abs=12)
    assert [last for _, last in found] == pytest.approx([200, 400, 600], abs=12)
    shallow = 10.0 ** (np.tile(rise / 4.0, 3) / 10.0)
    assert find_stretches(shallow, STEP_S) == [(0, 600)]
    assert find_stretches(shallow, STEP_S, [250]) == [(0, 250), (250, 600)]
    silent = np.concatenate([np.ones(50), np.zeros(50), np.ones(50), np.zeros(3), np.ones(50)])
    assert find_stretches(silent, STEP_S) == [(0, 50), (100, 203)]
    assert find_stretches(np.zeros(100), STEP_S) == []


def test_noise_curves_above_their_resonance_are_the_noise_they_were_made_of() -> None:
    source = np.random.default_rng(3)
    noise = [10.0 ** source.uniform(-3.0, -1.0, (points, 32)) for points in (20, 30, 10)]
    resonance, gain = np.array([0, 1, 0]), np.array([1.0, 0.5, 0.25])
    blow_gain, curves = noise_curves(noise, resonance, gain, 2)
    for own, drawn, r, g in zip(noise, curves, resonance, gain, strict=True):
        np.testing.assert_allclose(blow_gain[r] * g * np.exp2(drawn), own, rtol=1e-3)
