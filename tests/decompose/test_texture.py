"""A scratchy record is one event: its statistics are found again, and nothing else is invented."""

import dataclasses

import numpy as np
import pytest

from rtsynth.decompose import (
    Recipe,
    decompose_array,
    event_signal,
    fit_texture,
    render_score,
    render_texture,
    synthesis,
    texture_statistics,
    texture_w1,
)
from rtsynth.decompose.texture.click import DEAD_S, find_clicks
from rtsynth.decompose.texture.hum import find_hum
from rtsynth.decompose.texture.synthesis import click_times
from rtsynth.dsp.texture import HOP
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.instrument import Instrument

RATE = 22_050
SECONDS = 30
CLICKS_HZ, SPREAD_DB = 10.0, 4.0
BANDS = slice(2, 25)  # broad enough for 30 s to fix their level, and below 11 kHz


def record() -> Instrument:
    made = Instrument.blank(1, 4, attack_rate=RATE)
    made.set_modes(
        0,
        np.array([900.0, 2500.0, 6000.0]),
        np.array([0.05, 0.02, 0.01]),
        np.array([0.05, 0.08j, 0.08]),
    )
    made.texture_gain[0] = np.geomspace(0.004, 0.001, 32)
    made.am_depth_db[0], made.am_rate_hz[0] = 3.0, 2.0
    made.click_rate_hz[0], made.click_spread_db[0] = CLICKS_HZ, SPREAD_DB
    made.click_gain[0] = made.impulse[0]
    made.hum_hz[0, :2], made.hum_gain[0, :2] = (60.0, 180.0), (0.02, 0.01)
    return made


TRUTH = record()
SOUND = event_signal(Event(1, kind=Kind.TEXTURE, seed=7), TRUTH, RATE, SECONDS * RATE)
FIT = fit_texture(SOUND, RATE)


def test_clicks_are_found_where_they_are() -> None:
    frames, _ = click_times(7, CLICKS_HZ, SPREAD_DB, len(SOUND), RATE)
    found = find_clicks(SOUND, RATE).frames
    near = [np.abs(frames - frame).min() for frame in found]
    assert (
        np.mean(np.array(near) <= DEAD_S * RATE) > 0.99
    )  # no others, of two in one place the stronger
    assert len(found) > 0.93 * len(frames)


def test_rate_and_spread_of_the_clicks_are_recovered() -> None:
    frames, _ = click_times(7, CLICKS_HZ, SPREAD_DB, len(SOUND), RATE)
    assert FIT.click_rate_hz == pytest.approx(len(frames) / SECONDS, rel=0.07)
    assert FIT.click_spread_db == pytest.approx(SPREAD_DB, abs=1.0)  # dB


def test_the_click_rings_in_the_modes_it_was_made_of() -> None:
    energy = FIT.click.energy()
    strongest = FIT.click.take(np.argsort(-energy)[:3])
    for hz, t60, size in ((900.0, 0.05, 0.05), (2500.0, 0.02, 0.08), (6000.0, 0.01, 0.08)):
        at = int(np.argmin(np.abs(strongest.freq_hz - hz)))
        assert strongest.freq_hz[at] == pytest.approx(hz, rel=0.01)
        assert 20 * np.log10(strongest.t60_s[at] / t60) == pytest.approx(0.0, abs=0.5)  # dB
        level = 20 * np.log10(np.abs(strongest.amplitude[at]) / size)
        assert level == pytest.approx(0.0, abs=1.5)  # dB


def test_levels_of_the_bands_are_recovered() -> None:
    level_db = 20 * np.log10(FIT.band_gain[BANDS] / TRUTH.texture_gain[0, BANDS])
    # 30 s of motion at 2 Hz vary by 0.5 dB themselves; where a click rings the hiss is masked
    assert abs(float(np.mean(level_db))) < 0.5
    assert np.median(np.abs(level_db)) < 0.75
    assert np.sqrt(np.mean(level_db**2)) < 1.5


def test_depth_and_rate_of_the_motion_are_recovered() -> None:
    assert np.median(FIT.am_depth_db[BANDS]) == pytest.approx(3.0, abs=0.75)  # dB
    assert FIT.am_rate_hz == pytest.approx(2.0, rel=0.35)


def test_hum_is_found_and_told_from_noise() -> None:
    order = np.argsort(FIT.hum_hz)
    assert FIT.hum_hz[order] == pytest.approx([60.0, 180.0], abs=0.1)  # Hz
    assert 20 * np.log10(FIT.hum_gain[order] / [0.02, 0.01]) == pytest.approx([0, 0], abs=0.5)
    noise = np.random.default_rng(0).normal(size=10 * RATE)
    assert len(find_hum(noise, RATE)[0]) == 0


def test_one_event_explains_the_record_and_no_simpler_texture_does() -> None:
    explained = texture_w1(SOUND, render_texture(FIT, RATE, 60.0, seed=5), RATE)
    still = dataclasses.replace(FIT, click_rate_hz=0.0, am_depth_db=np.zeros(32))
    simpler = texture_w1(SOUND, render_texture(still, RATE, 40.0, seed=5), RATE)
    assert explained < 0.03
    assert simpler > 0.08


def test_a_rendering_has_the_statistics_of_the_record() -> None:
    found = texture_statistics(SOUND, RATE)
    made = texture_statistics(render_texture(FIT, RATE, 20.0, seed=5), RATE)
    assert np.sqrt(np.mean((found.median_db - made.median_db)[BANDS] ** 2)) < 1.0  # dB
    assert np.sqrt(np.mean((found.deviation_db - made.deviation_db)[BANDS] ** 2)) < 1.0  # dB


def test_a_record_is_decomposed_into_one_event() -> None:
    made = decompose_array(SOUND[: 8 * RATE], RATE)
    (event,) = made.score.table
    assert event.kind == Kind.TEXTURE
    assert event.duration_s == pytest.approx(8.0)
    assert any("texture" in note for note in made.report["notes"])
    level = 20 * np.log10(np.std(made.resynthesis) / np.std(SOUND[: 8 * RATE]))
    assert level == pytest.approx(0.0, abs=1.5)  # dB


def test_a_melody_is_no_texture_unless_asked_for() -> None:
    time = np.arange(RATE) / RATE
    notes = [
        np.exp(-6 * time) * np.sin(2 * np.pi * hz * time) for hz in (220.0, 330.0, 440.0, 550.0)
    ]
    melody = 0.3 * np.concatenate(notes)
    kinds = [event.kind for event in decompose_array(melody, RATE).score.table]
    assert kinds.count(Kind.MODAL) >= 4
    asked = decompose_array(melody, RATE, recipe=Recipe(only_texture=True))
    assert [event.kind for event in asked.score.table] == [Kind.TEXTURE]


def test_steady_noise_has_neither_clicks_nor_hum_nor_motion() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.05, 10 * RATE)
    fit = fit_texture(noise, RATE)
    assert fit.click_rate_hz == 0.0
    assert len(fit.hum_hz) == 0
    assert np.median(fit.am_depth_db[BANDS]) < 1.0  # dB
    level = 20 * np.log10(np.std(render_texture(fit, RATE, 5.0)) / 0.05)
    assert level == pytest.approx(0.0, abs=0.5)  # dB


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_silence_and_direct_current_give_a_silent_texture(level: float) -> None:
    fit = fit_texture(np.full(2 * RATE, level), RATE)
    assert not fit.band_gain.any()
    assert fit.click_rate_hz == 0.0
    assert not render_texture(fit, RATE, 1.0).any()


def test_too_short_or_broken_a_signal_is_refused_with_what_is_legal() -> None:
    with pytest.raises(ValueRangeError, match="legal: 1 s or more"):
        fit_texture(np.ones(RATE // 2), RATE)
    with pytest.raises(ValueRangeError, match="finite"):
        fit_texture(np.full(2 * RATE, np.nan), RATE)


def test_a_texture_in_pieces_is_the_texture_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    event = Event(1, kind=Kind.TEXTURE, seed=7, duration_s=0.9)
    score = Score(EventTable([event]), seconds=1.0, sample_rate=RATE, channels=1)
    monkeypatch.setattr(synthesis, "PIECE", 4 * HOP)
    whole = event_signal(event, TRUTH, RATE, RATE)
    pieces = render_score(score, TRUTH, RATE)[: len(whole), 0]
    np.testing.assert_allclose(pieces, whole, atol=1e-12)
