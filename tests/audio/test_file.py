"""Rendering into a file."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtsynth.audio import FileDevice, HandDevice, WavWriter
from rtsynth.errors import AudioFileError, ValueRangeError
from tests.audio.fake import FakeEngine

LENGTH = 10_007


@pytest.mark.parametrize("sizes", [(1024,), (1, 64, 65, 700), (20_000,)])
def test_the_file_holds_what_a_hand_would_hear(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    FileDevice(FakeEngine(), tmp_path / "a.wav", LENGTH, sizes).run()
    sound, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    with HandDevice(FakeEngine()) as hand:
        np.testing.assert_array_equal(sound, hand.turn(LENGTH))
    assert rate == 48_000


def test_the_same_sound_is_the_same_file(tmp_path: Path) -> None:
    FileDevice(FakeEngine(), tmp_path / "a.wav", LENGTH).run()
    time.sleep(1.1)  # libsndfile notes the time of day, in seconds
    FileDevice(FakeEngine(), tmp_path / "b.wav", LENGTH, (64, 3)).run()
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_file_that_is_not_large_is_an_ordinary_wav(tmp_path: Path) -> None:
    FileDevice(FakeEngine(), tmp_path / "a.wav", LENGTH).run()
    assert (tmp_path / "a.wav").read_bytes()[:4] == b"RIFF"
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.subtype, info.channels, info.frames) == ("FLOAT", 2, LENGTH)


def test_no_frames_are_an_empty_file(tmp_path: Path) -> None:
    FileDevice(FakeEngine(), tmp_path / "a.wav", 0).run()
    assert soundfile.info(tmp_path / "a.wav").frames == 0


def test_values_beyond_one_are_kept(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 48_000, 1)
    writer.write(np.array([[3.5], [-7.25]], np.float32))
    writer.close()
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert sound.tolist() == [3.5, -7.25]


def test_what_is_synced_survives_a_killed_process(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 48_000, 2)
    writer.write(np.ones((500, 2), np.float32))
    writer.sync()
    (tmp_path / "copy.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    writer.close()
    assert soundfile.info(tmp_path / "copy.wav").frames == 500


def test_as_a_device_it_renders_in_the_background(tmp_path: Path) -> None:
    device = FileDevice(FakeEngine(), tmp_path / "a.wav", LENGTH)
    with device:
        assert device.wait(10.0)
        assert device.active()
    assert soundfile.info(tmp_path / "a.wav").frames == LENGTH


def test_stop_ends_the_file_where_it_is(tmp_path: Path) -> None:
    device = FileDevice(FakeEngine(), tmp_path / "a.wav", 10**12, (256,))
    device.start()
    assert not device.wait(0.05)
    device.stop()
    frames = soundfile.info(tmp_path / "a.wav").frames
    assert frames == device.engine.frame


def test_a_folder_that_does_not_exist_is_an_error_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.wav"
    with pytest.raises(AudioFileError, match="none"):
        FileDevice(FakeEngine(), path, 1).run()
    device = FileDevice(FakeEngine(), path, 1)
    device.start()
    assert not device.wait(10.0)
    assert device.lost
    assert isinstance(device.error, AudioFileError)
    device.stop()


@pytest.mark.parametrize(("length", "sizes"), [(-1, (1,)), (1, ()), (1, (64, 0))])
def test_impossible_sizes_are_refused(tmp_path: Path, length: int, sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueRangeError):
        FileDevice(FakeEngine(), tmp_path / "a.wav", length, sizes)
