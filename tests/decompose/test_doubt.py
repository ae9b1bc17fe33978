"""A file cut short and a step of the mean are told; music and streamed files are not doubted."""

import pathlib
import struct

import numpy as np
import pytest
import soundfile

from rtsynth.decompose import read_audio, recording_from_array
from rtsynth.decompose.doubt import missing_bytes
from tests.decompose.known_bank import RATE, melody

SOUND = melody([60, 67, 72, 48], [1.0, 0.8, 0.6, 0.9], step_s=0.8).sound


def test_bytes_that_a_header_promises_and_the_file_lacks_are_counted(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, SOUND, RATE, "PCM_16")
    assert missing_bytes(str(path)) == 0
    assert read_audio(path).notes == ()
    path.write_bytes(path.read_bytes()[:-2_000])
    assert missing_bytes(str(path)) == 2_000
    assert "2000 bytes" in read_audio(path).notes[0]


@pytest.mark.parametrize("size", [0, 0x7FFF_F000, 0x7FFF_FFFF, 0xFFFF_FFFF])
def test_a_stream_of_unknown_length_is_not_called_cut(tmp_path: pathlib.Path, size: int) -> None:
    path = tmp_path / "stream.wav"
    soundfile.write(path, SOUND, RATE, "PCM_16")
    whole = path.read_bytes()
    place = whole.index(b"data") + 4
    path.write_bytes(whole[:place] + struct.pack("<I", size) + whole[place + 4 :])
    assert missing_bytes(str(path)) == 0


def test_what_is_no_wav_lacks_nothing(tmp_path: pathlib.Path) -> None:
    soundfile.write(tmp_path / "keys.flac", SOUND, RATE)
    assert missing_bytes(str(tmp_path / "keys.flac")) == 0


@pytest.mark.parametrize("height", [0.2, -0.05])
def test_a_step_of_the_mean_is_told_with_its_place(height: float) -> None:
    stepped = SOUND + np.where(np.arange(len(SOUND)) > 1.93 * RATE, height, 0.0)
    (note,) = recording_from_array(stepped, RATE).notes
    told = float(note.split("steps by ")[1].split()[0])
    assert told == pytest.approx(height, rel=0.2)
    place_s = float(note.split("about ")[1].split()[0])
    assert place_s == pytest.approx(1.93, abs=0.2)  # s


@pytest.mark.parametrize("hz", [25.0, 41.0, 440.0])
def test_a_low_note_that_enters_is_no_step(hz: float) -> None:
    time = np.arange(6 * RATE) / RATE
    note = 0.5 * np.sin(2 * np.pi * hz * time) * np.exp(-(time - 2.0)) * (time > 2.0)
    assert recording_from_array(note, RATE).notes == ()


def test_a_constant_offset_is_no_step() -> None:
    assert recording_from_array(SOUND + 0.3, RATE).notes == ()
