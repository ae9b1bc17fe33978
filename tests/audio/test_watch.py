"""The watch on the frame counter."""

from rtsynth.audio.watch import Watch
from tests.audio.fake import FakeEngine
from tests.audio.wait import until


def test_a_counter_that_stands_still_is_a_lost_device_and_one_that_moves_is_back(
    engine: FakeEngine,
) -> None:
    told: list[bool] = []
    watch = Watch(engine, 0.005, told.append)
    watch.start()
    assert until(lambda: watch.lost)

    def moves() -> bool:
        engine.counts[0] += 1
        return not watch.lost

    assert until(moves)
    watch.stop()
    assert told[:2] == [True, False]


def test_a_counter_that_moves_is_no_lost_device(engine: FakeEngine) -> None:
    told: list[bool] = []
    watch = Watch(engine, 10.0, told.append)  # with patience, so that a busy machine may pause
    watch.start()

    def done() -> bool:
        engine.counts[0] += 1
        return bool(engine.counts[0] > 60)

    assert until(done)
    watch.stop()
    assert told == []
