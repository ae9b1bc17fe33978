"""From a recording of known keys back to those keys; and nothing from nothing."""

import json
import pathlib

import numpy as np
import pytest
import soundfile

from rtsynth.decompose import Recipe, decompose_array, decompose_file, event_signal, render_score
from rtsynth.errors import ValueRangeError
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from tests.decompose.known_bank import RATE, key_sound, melody

KEYS = [60, 64, 67, 60, 64, 67, 60, 72]
KNOWN = melody(KEYS, [1.0, 0.8, 0.9, 0.5, 0.9, 0.6, 0.8, 0.7])
MADE = decompose_array(KNOWN.sound, RATE)
MODAL = [event for event in MADE.score.table if event.kind == Kind.MODAL]


def test_one_event_per_struck_key_within_2_ms() -> None:
    assert len(MODAL) == len(KEYS)
    found = [event.onset_s for event in MODAL]
    np.testing.assert_allclose(found, KNOWN.onsets_s, atol=0.002)


def test_the_same_key_is_the_same_resonance() -> None:
    used = [event.resonance for event in MODAL]
    assert len(set(used)) == len(set(KEYS))
    assert len(set(zip(used, KEYS, strict=True))) == len(set(KEYS))


def test_gains_follow_the_strikes_within_2_db() -> None:
    for resonance in {event.resonance for event in MODAL}:
        ratios = [
            20 * np.log10(event.gain / gain)
            for event, gain in zip(MODAL, KNOWN.gains, strict=True)
            if event.resonance == resonance
        ]
        assert max(ratios) - min(ratios) < 2.0  # dB


def test_the_resynthesis_is_close() -> None:
    metrics = MADE.report["metrics"]
    assert metrics["sc"] < 0.15
    assert metrics["log_mag"] < 0.3  # nepers
    assert metrics["snr_db"] > 15.0


def test_one_event_alone_is_its_key() -> None:
    event = MODAL[2]
    alone, truth = np.zeros(RATE), np.zeros(RATE)  # from 0.1 s before the key on
    early = round((event.onset_s - KNOWN.onsets_s[2] + 0.1) * RATE)
    sound = event_signal(event, MADE.instrument, RATE, RATE // 2)
    alone[early : early + len(sound)] = sound
    key = 0.2 * KNOWN.gains[2] * key_sound(KEYS[2], 0.5)
    truth[round(0.1 * RATE) :][: len(key)] = key
    span = slice(0, round(0.1 * RATE) + RATE // 4)
    error = np.sum((alone - truth)[span] ** 2)
    assert 10 * np.log10(np.sum(truth[span] ** 2) / error) > 10.0  # dB


def test_the_same_recording_gives_the_same_files(tmp_path: pathlib.Path) -> None:
    again = decompose_array(KNOWN.sound, RATE)
    assert again.score.table == MADE.score.table
    assert again.instrument.fingerprint() == MADE.instrument.fingerprint()
    MADE.score.save(tmp_path / "a.score.safetensors")
    MADE.instrument.save(tmp_path / "a.instrument.safetensors")
    score = Score.load(tmp_path / "a.score.safetensors")
    instrument = Instrument.load(tmp_path / "a.instrument.safetensors")
    assert score.instrument == instrument.fingerprint()
    np.testing.assert_array_equal(
        render_score(score, instrument), render_score(MADE.score, MADE.instrument)
    )


def test_the_report_is_json() -> None:
    report = json.loads(json.dumps(MADE.report, allow_nan=False))
    assert report["events"] == len(MADE.score.table)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(RATE), np.full(RATE, 0.3), np.zeros(0), np.zeros(100), np.ones(1)],
    ids=["silence", "constant", "empty", "short", "one sample"],
)
def test_nothing_gives_no_events_and_a_note(samples: np.ndarray) -> None:
    made = decompose_array(samples, RATE)
    assert len(made.score.table) == 0
    assert any("no events" in note for note in made.report["notes"])
    made.instrument.validate()


def test_a_clipped_stereo_file_works_and_keeps_its_sides(tmp_path: pathlib.Path) -> None:
    left = melody([60, 60], [1.0, 0.8]).sound
    stereo = np.clip(8.0 * np.stack([left, 0.2 * left], axis=1), -1.0, 1.0)
    soundfile.write(tmp_path / "clipped.wav", stereo, RATE)
    made = decompose_file(tmp_path / "clipped.wav")
    loudest = max(made.score.table, key=lambda event: event.gain * (event.kind == Kind.MODAL))
    assert loudest.pan < -0.2
    assert made.resynthesis.shape == made.recording.frames.shape
    assert any("clipped" in note for note in made.report["notes"])


def test_steady_noise_becomes_a_texture() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.05, 3 * RATE)
    made = decompose_array(noise, RATE)
    textures = [event for event in made.score.table if event.kind == Kind.TEXTURE]
    assert len(textures) == 1
    level = 20 * np.log10(np.std(made.resynthesis) / 0.05)
    assert abs(level) < 3.0  # dB


@pytest.mark.parametrize("setting", [{"modes": 129}, {"sweeps": 0}, {"onset_threshold": -1.0}])
def test_settings_out_of_range_are_refused(setting: dict[str, int]) -> None:
    with pytest.raises(ValueRangeError, match="legal"):
        Recipe(**setting)  # type: ignore[arg-type]
