"""Whatever is handed in, there is a result or one line that says what is wrong."""

import pathlib
import struct
import tracemalloc

import numpy as np
import pytest
import soundfile

from rtsynth.decompose import (
    Recipe,
    closer,
    decompose_array,
    decompose_file,
    disk,
    panning,
    read_audio,
    recording,
    report,
    synthesis,
    work,
)
from rtsynth.decompose.held import draft as held_draft
from rtsynth.decompose.segment import cut_segments
from rtsynth.decompose.steps import load_state
from rtsynth.errors import AudioFileError, FileFormatError
from tests.decompose.known_bank import RATE, melody

QUICK = Recipe(modes=8, sweeps=1, only_texture=False)
SOUND = melody([60, 67, 72], [1.0, 0.8, 0.6]).sound


def header(frames: int, *, rate: int = 8_000) -> bytes:
    """A 16-bit mono WAV header that claims so many frames."""
    size = min(2 * frames, 0xFFFF_FFF0)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", min(size + 36, 0xFFFF_FFFF))
        + b"WAVE"
        + form
        + struct.pack("<4sI", b"data", size)
    )


@pytest.mark.parametrize("rate", [8_000, 192_000])
def test_the_lowest_and_the_highest_rates_give_the_same_keys(
    tmp_path: pathlib.Path, rate: int
) -> None:
    known = melody([60, 67, 72], [1.0, 0.8, 0.6], rate=rate)
    soundfile.write(tmp_path / "keys.wav", known.sound, rate, "PCM_24")
    made = decompose_file(tmp_path / "keys.wav", recipe=QUICK)
    found = [event.onset_s for event in made.score.table if event.name != "floor"]
    np.testing.assert_allclose(found, known.onsets_s, atol=0.003)  # s
    assert made.score.sample_rate == rate


def test_six_channels_are_mixed_to_one_and_said_so(tmp_path: pathlib.Path) -> None:
    soundfile.write(tmp_path / "51.wav", np.stack([SOUND] * 6, axis=1), RATE, "PCM_24")
    made = decompose_file(tmp_path / "51.wav", recipe=QUICK)
    assert made.score.channels == 1
    assert "6 channels were mixed to one" in made.report["notes"]
    assert len(made.score.table) >= 3


def test_two_sides_that_cancel_are_not_lost(tmp_path: pathlib.Path) -> None:
    made = decompose_array(np.stack([SOUND, -SOUND], axis=1), RATE, recipe=QUICK)
    assert len(made.score.table) >= 3


def test_a_dc_step_gives_a_finite_result() -> None:
    stepped = SOUND + np.where(np.arange(len(SOUND)) > len(SOUND) // 2, 0.4, 0.0)
    made = decompose_array(stepped, RATE, recipe=QUICK)
    assert np.isfinite(made.resynthesis).all()
    assert np.abs(made.resynthesis).max() < 4.0 * np.abs(stepped).max()
    assert "the mean steps by 0.4" in made.report["notes"][0]


def test_a_square_of_clipped_samples_gives_a_finite_result() -> None:
    made = decompose_array(np.sign(SOUND), RATE, recipe=QUICK)
    assert np.isfinite(made.resynthesis).all()
    assert "the recording seems clipped" in made.report["notes"]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("frame", [0, 300_000])
def test_what_is_not_finite_is_found_wherever_it_is(
    tmp_path: pathlib.Path, wrong: float, frame: int
) -> None:
    sound = np.zeros(310_000, np.float32)
    sound[frame] = wrong
    soundfile.write(tmp_path / "bad.wav", sound, RATE, "FLOAT")
    with pytest.raises(AudioFileError, match=f"NaN or infinity at frame {frame}"):
        read_audio(tmp_path / "bad.wav")


def test_a_truncated_file_gives_what_is_there(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, SOUND, RATE, "PCM_16")
    path.write_bytes(path.read_bytes()[: len(SOUND)])  # half of its 2-byte samples
    assert read_audio(path).seconds == pytest.approx(len(SOUND) / 2 / RATE, abs=0.01)


@pytest.mark.parametrize("hours", [0.9, 20])
def test_a_header_that_claims_much_takes_no_memory(tmp_path: pathlib.Path, hours: float) -> None:
    path = tmp_path / "liar.wav"
    path.write_bytes(header(int(hours * 3600 * 8_000)) + b"\x00\x10" * 500)
    tracemalloc.start()
    try:
        assert len(read_audio(path).frames) == 500
        assert tracemalloc.get_traced_memory()[1] < 30e6  # bytes
    finally:
        tracemalloc.stop()


def test_more_than_an_hour_is_refused_before_it_is_read() -> None:
    with pytest.raises(AudioFileError, match="cut it into parts"):
        decompose_array(np.zeros(3_601 * 1_000, np.int16), 1_000)


@pytest.mark.parametrize("blob", [b"", b"this is no sound", header(1000)[:20]])
def test_what_holds_no_sound_is_refused_in_one_line(tmp_path: pathlib.Path, blob: bytes) -> None:
    path = tmp_path / "no.wav"
    path.write_bytes(blob)
    with pytest.raises(AudioFileError, match=r"no\.wav: [^\n]+; ?[^\n]+$|no\.wav: [^\n]+legal"):
        decompose_file(path)


def test_a_header_without_sound_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "none.wav"
    path.write_bytes(header(0))
    with pytest.raises(AudioFileError, match="no sound"):
        decompose_file(path)


def test_a_long_recording_lies_on_disk_and_reads_the_same(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(SOUND, 10), RATE, "FLOAT")
    short = read_audio(path)
    monkeypatch.setattr(disk, "IN_MEMORY_VALUES", 1_000)
    long = read_audio(path)
    assert isinstance(long.frames, np.memmap)
    np.testing.assert_allclose(long.frames, short.frames, atol=1e-6)


def test_memory_does_not_grow_with_the_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "IN_MEMORY_VALUES", 1_000)
    monkeypatch.setattr(report, "EXCERPT_S", 1.0)
    for module in (held_draft, closer):
        monkeypatch.setattr(module, "LONGEST_S", 1.0)  # longer ones are not looked at whole
    for module in (panning, recording, work):
        monkeypatch.setattr(module, "BLOCK", 1 << 14)
    monkeypatch.setattr(synthesis, "PIECE", 1 << 14)
    recipe = Recipe(modes=4, sweeps=1, whole_s=5.0, segment_s=5.0, only_texture=False)
    peaks = []
    for times in (6, 12):
        sound = np.tile(SOUND, times).astype(np.float32)
        tracemalloc.start()
        try:
            made = decompose_array(sound, RATE, recipe=recipe)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert len(made.score.table) >= 3 * times
        assert len(cut_segments(made.recording, recipe)) > 1
    seconds = 6 * len(SOUND) / RATE
    hour = peaks[0] + (peaks[1] - peaks[0]) / seconds * 3_600
    assert hour < 2e9  # bytes


def test_a_state_that_is_no_state_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(b"\x00" * 64)
    with pytest.raises(FileFormatError):
        load_state(path)
