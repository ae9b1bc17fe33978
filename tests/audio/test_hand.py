"""The hand-turned device."""

import numpy as np
import pytest

from rtsynth.audio import HandDevice
from rtsynth.errors import DeviceError
from tests.audio.fake import FakeEngine, expected

SIZES = (1, 64, 65, 0, 700)


@pytest.mark.parametrize("through_callback", [False, True])
def test_any_block_sizes_give_one_stream(engine: FakeEngine, through_callback: bool) -> None:
    with HandDevice(engine, through_callback=through_callback) as device:
        heard = np.concatenate([device.turn(size) for size in SIZES])
    np.testing.assert_array_equal(heard, expected(sum(SIZES)))
    assert engine.frame == sum(SIZES)


def test_flags_of_the_driver_reach_the_callback(engine: FakeEngine) -> None:
    with HandDevice(engine, through_callback=True) as device:
        device.turn(8)
        device.turn(8, flags=4)
    assert engine.counts[2] == 1


def test_a_stopped_device_does_not_turn(engine: FakeEngine) -> None:
    device = HandDevice(engine)
    assert not device.active()
    with pytest.raises(DeviceError, match="start"):
        device.turn(8)
