"""The null device: no sound, the right pace."""

import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.audio import NullDevice
from rtsynth.audio import null as null_module
from rtsynth.errors import ValueRangeError
from tests.audio.fake import FakeEngine, expected
from tests.audio.wait import until


def test_every_block_due_is_played_and_none_before_it_is_due(engine: FakeEngine) -> None:
    begin = time.monotonic()
    with NullDevice(engine, 480) as device:
        assert until(lambda: engine.frame >= 24_000)
        took_s = time.monotonic() - begin
        played = engine.frame
    dropped = device.xruns
    due = took_s * 48_000 / 480 + 1
    assert played / 480 <= due + 1
    assert played / 480 + dropped >= 0.5 * due  # a busy machine may be late, not lazy


def test_the_tap_hears_the_whole_stream(engine: FakeEngine) -> None:
    heard: list[NDArray[np.float32]] = []
    with NullDevice(engine, 128, tap=lambda block: heard.append(block.copy())):
        assert until(lambda: len(heard) >= 40)
    sound = np.concatenate(heard)
    assert len(sound) == engine.frame
    np.testing.assert_array_equal(sound, expected(len(sound)))


def test_nothing_is_played_after_stop_and_it_may_start_again(engine: FakeEngine) -> None:
    device = NullDevice(engine)
    for _ in range(2):
        device.start()
        device.start()
        frame = engine.frame
        assert until(lambda before=frame: engine.frame > before)  # type: ignore[misc]
        assert device.active()
        device.stop()
        device.stop()
        after = engine.frame
        time.sleep(0.05)
        assert engine.frame == after
        assert not device.running
        assert not device.active()


def test_an_engine_that_fails_is_a_lost_device(engine: FakeEngine) -> None:
    def fail(_: NDArray[np.float32]) -> None:
        raise RuntimeError("broken")

    device = NullDevice(engine, tap=fail)
    device.start()
    assert until(lambda: device.lost)
    assert not device.active()
    assert "broken" in str(device.error)
    device.stop()


def test_stop_from_another_thread_ends_it(engine: FakeEngine) -> None:
    device = NullDevice(engine)
    device.start()
    stopper = threading.Thread(target=device.stop)
    stopper.start()
    stopper.join(5.0)
    assert not device.running


def test_a_negative_block_size_is_refused(engine: FakeEngine) -> None:
    with pytest.raises(ValueRangeError, match="-1"):
        NullDevice(engine, -1)


class TestGrid:
    """When blocks are due, on a clock turned by hand; blocks of 10 ms."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        now = [0]
        monkeypatch.setattr(time, "monotonic_ns", lambda: now[0])
        return now

    def test_block_n_is_due_n_periods_after_the_start(self, clock: list[int]) -> None:
        grid = null_module._Grid(441, 44_100)
        for _ in range(100_000):
            grid.account()
        clock[0] = 100_000 * 10_000_000 - 5_000_000
        assert grid.wait_s() == pytest.approx(0.005, abs=1e-9)

    def test_late_blocks_are_xruns_and_are_made_up_for(self, clock: list[int]) -> None:
        grid = null_module._Grid(480, 48_000)
        clock[0] = 35_000_000
        assert [grid.account() for _ in range(4)] == [1, 1, 1, 0]
        assert grid.wait_s() == pytest.approx(0.005)

    def test_a_long_absence_is_not_made_up_for(self, clock: list[int]) -> None:
        grid = null_module._Grid(480, 48_000)
        clock[0] = 3_600_000_000_000
        assert grid.account() == 360_000
        assert grid.wait_s() == pytest.approx(0.01)
