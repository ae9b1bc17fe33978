"""Whatever file comes in, it is either read or refused in one line."""

import pathlib

import numpy as np
import pytest
import soundfile

from rtsynth.decompose import read_audio, recording_from_array
from rtsynth.errors import AudioFileError


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000, 192_000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_rates_widths_and_channel_counts_are_read(
    tmp_path: pathlib.Path, rate: int, subtype: str, channels: int
) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate // 10) / rate)
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([tone] * channels, axis=1), rate, subtype)
    recording = read_audio(path)
    assert recording.sample_rate == min(rate, 48_000)
    assert recording.source_rate == rate
    assert recording.channels == (channels if channels <= 2 else 1)
    assert recording.seconds == pytest.approx(0.1, abs=1e-3)
    assert np.abs(recording.frames).max() == pytest.approx(0.5, rel=0.02)


def test_bad_files_are_refused_in_one_line(tmp_path: pathlib.Path) -> None:
    empty, text = tmp_path / "empty.wav", tmp_path / "text.wav"
    empty.touch()
    text.write_text("this is no sound")
    broken = tmp_path / "nan.wav"
    soundfile.write(broken, np.array([0.0, np.nan, 0.0]), 8_000, "FLOAT")
    for path in (empty, text, broken, tmp_path / "missing.wav", tmp_path):
        with pytest.raises(AudioFileError) as caught:
            read_audio(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)


def test_integers_are_scaled_and_the_mean_is_taken_away() -> None:
    recording = recording_from_array(np.array([16384, -16384] * 50 + [0, 0], np.int16), 8_000)
    assert np.abs(recording.frames).max() == pytest.approx(0.5)
    steady = recording_from_array(np.full(1000, 0.7), 8_000)
    assert np.abs(steady.frames).max() < 1e-12


@pytest.mark.parametrize("samples", [np.zeros((2, 2, 2)), np.array(["a"]), np.array([1j])])
def test_arrays_that_are_no_sound_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(AudioFileError):
        recording_from_array(samples, 8_000)


def test_impossible_rates_are_refused() -> None:
    with pytest.raises(AudioFileError, match="1000"):
        recording_from_array(np.zeros(10), 10)
