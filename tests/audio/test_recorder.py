"""The recorder."""

import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rtsynth.audio import Recorder, WavWriter
from rtsynth.errors import AudioFileError, ValueRangeError
from tests.audio.wait import until


class FakeRing:
    """A `RecordingEngine` whose sound is put in by hand: frame numbers."""

    sample_rate = 48_000
    channels = 2

    def __init__(self) -> None:
        self.on = False
        self.next = 0
        self._kept = np.zeros((0, 2), np.float32)
        self._lock = threading.Lock()

    def play(self, num_frames: int) -> None:
        numbers = np.arange(self.next, self.next + num_frames, dtype=np.float32)
        self.next += num_frames
        with self._lock:
            if self.on:
                self._kept = np.concatenate([self._kept, np.stack([numbers, -numbers], 1)])

    def record(self, on: bool) -> None:
        self.on = on

    def read_recording(self, into: NDArray[np.float32]) -> int:
        with self._lock:
            count = min(len(into), len(self._kept))
            into[:count] = self._kept[:count]
            self._kept = self._kept[count:]
        return count


def left_numbers(path: Path) -> list[float]:
    sound, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(sound[:, 1], -sound[:, 0])
    numbers: list[float] = sound[:, 0].tolist()
    return numbers


def test_the_file_holds_all_between_start_and_stop(tmp_path: Path) -> None:
    ring = FakeRing()
    ring.play(10)
    with Recorder(ring, tmp_path / "a.wav") as recorder:
        for _ in range(50):
            ring.play(1000)
        assert ring.on
    ring.play(10)
    assert left_numbers(tmp_path / "a.wav") == list(range(10, 50_010))
    assert recorder.frames == 50_000
    assert not recorder.running
    assert not ring.on


@pytest.mark.parametrize("skip", [1, 300, 40_000])
def test_the_latency_is_left_out(tmp_path: Path, skip: int) -> None:
    ring = FakeRing()
    with Recorder(ring, tmp_path / "a.wav", skip=skip):
        for _ in range(60):
            ring.play(700)
    assert left_numbers(tmp_path / "a.wav") == list(range(skip, 42_000))


def test_frames_of_an_earlier_recording_are_not_in_the_next(tmp_path: Path) -> None:
    ring = FakeRing()
    ring.record(True)
    ring.play(100)
    recorder = Recorder(ring, tmp_path / "a.wav")
    for begin in (100, 105):
        recorder.start()
        recorder.start()
        ring.play(5)
        recorder.stop()
        recorder.stop()
        assert left_numbers(tmp_path / "a.wav") == list(range(begin, begin + 5))


def test_a_file_that_cannot_be_made_is_an_error_at_the_start(tmp_path: Path) -> None:
    ring = FakeRing()
    recorder = Recorder(ring, tmp_path / "none" / "a.wav")
    with pytest.raises(AudioFileError, match="none"):
        recorder.start()
    assert not ring.on
    assert not recorder.running


def test_a_full_disk_ends_the_file_and_not_the_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: WavWriter, block: NDArray[np.float32]) -> None:
        raise AudioFileError("no space left")

    ring = FakeRing()
    with Recorder(ring, tmp_path / "a.wav") as recorder:
        ring.play(1000)
        assert until(lambda: recorder.frames == 1000)
        monkeypatch.setattr(WavWriter, "write", full)
        ring.play(1000)
        assert until(lambda: recorder.error is not None)
        ring.play(1000)
        assert until(lambda: len(ring._kept) == 0)
    assert isinstance(recorder.error, AudioFileError)
    assert [r.message for r in caplog.records] == [
        "recording ended after 1000 frames: no space left"
    ]
    assert left_numbers(tmp_path / "a.wav") == list(range(1000))


def test_a_negative_skip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueRangeError, match="-1"):
        Recorder(FakeRing(), tmp_path / "a.wav", skip=-1)
