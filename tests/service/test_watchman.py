"""Frames that stand still."""

import time

from rtsynth.service.watchman import GRACE_S, NOTICE_S, Watchman
from tests.audio.fake import FakeEngine


def looked_for(watchman: Watchman, seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        watchman.look()
        time.sleep(0.005)


def test_standing_frames_are_noticed_and_then_given_up() -> None:
    watchman = Watchman(FakeEngine(), 256)
    begin_s = time.monotonic()
    while not watchman.stopped():
        watchman.look()
        time.sleep(0.005)
    assert time.monotonic() - begin_s >= NOTICE_S
    assert not watchman.hopeless()
    looked_for(watchman, GRACE_S + 0.1)
    assert watchman.hopeless()
    watchman.begin()
    assert not watchman.stopped()


def test_a_frame_is_enough() -> None:
    engine = FakeEngine()
    watchman = Watchman(engine, 256)
    looked_for(watchman, NOTICE_S + 0.1)
    engine.counts[0] += 1
    watchman.look()
    assert not watchman.stopped()


def test_who_was_kept_from_looking_does_not_blame_the_engine() -> None:
    watchman = Watchman(FakeEngine(), 256)
    time.sleep(NOTICE_S + GRACE_S + 0.2)
    watchman.look()
    assert not watchman.stopped()


def test_large_blocks_are_waited_for() -> None:
    watchman = Watchman(FakeEngine(), 8_192)
    looked_for(watchman, NOTICE_S + 0.1)
    assert not watchman.stopped()
