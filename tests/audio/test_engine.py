"""The devices and the recorder with the real engine."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtsynth.audio import FileDevice, HandDevice, NullDevice, PortAudioDevice, Recorder
from rtsynth.engine import Engine, Op
from tests.audio.jack import JackServer
from tests.audio.wait import until
from tests.engine.bank import engine_on, mixed_table

LENGTH = 24_000


def playing() -> Engine:
    engine = engine_on(mixed_table())
    engine.post(Op.PLAY)
    return engine


def test_file_and_driver_hear_the_same_whatever_the_blocks(tmp_path: Path) -> None:
    FileDevice(playing(), tmp_path / "a.wav", LENGTH, (256, 1, 700)).run()
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    with HandDevice(playing(), through_callback=True) as hand:
        heard = np.concatenate([hand.turn(480) for _ in range(LENGTH // 480)])
    np.testing.assert_array_equal(sound, heard)
    assert np.abs(heard).max() > 0.01


def test_the_recording_is_what_was_heard(tmp_path: Path) -> None:
    engine = playing()
    with HandDevice(engine) as hand, Recorder(engine, tmp_path / "a.wav", skip=96):
        heard = np.concatenate([hand.turn(480) for _ in range(LENGTH // 480)])
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert abs(len(sound) - (LENGTH - 96)) <= 32  # the engine records whole ticks
    shared = min(len(sound), LENGTH - 96)
    np.testing.assert_array_equal(sound[:shared], heard[96 : 96 + shared])
    assert engine.stats().record_lost == 0


def test_the_null_device_counts_the_blocks_it_gave() -> None:
    engine = playing()
    with NullDevice(engine, 256):
        assert until(lambda: engine.frame >= 4 * 256)
    stats = engine.stats()
    assert stats.frame == stats.blocks * 256
    assert stats.block_min == stats.block_max == 256


@pytest.mark.jack
def test_a_driver_plays_the_events_and_the_recorder_writes_them(
    jack: JackServer, tmp_path: Path
) -> None:
    engine = engine_on(mixed_table())
    with PortAudioDevice(engine, "JACK"), Recorder(engine, tmp_path / "a.wav") as recorder:
        assert until(lambda: recorder.frames > 0)
        engine.post(Op.PLAY)
        assert until(lambda: engine.stats().position_s > 0.3)
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert np.abs(sound).max() > 0.01
    stats = engine.stats()
    assert stats.record_lost == 0
    assert stats.block_max == jack.block_size
