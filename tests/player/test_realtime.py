"""Priority of the threads that a device starts."""

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from rtsynth.player import realtime

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux gives threads priorities")


class Starts:
    """Starts one thread that says what its policy is."""

    def __init__(self) -> None:
        self.policy = -1
        self.quit = threading.Event()
        self.nice = 0

    def __call__(self) -> None:
        said = threading.Event()

        def run() -> None:
            self.policy = os.sched_getscheduler(0)
            said.set()
            self.quit.wait(10.0)
            self.nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

        self.thread = threading.Thread(target=run)
        self.thread.start()
        said.wait(10.0)

    def end(self) -> None:
        self.quit.set()
        self.thread.join()


def test_the_thread_gets_what_is_said_and_its_starter_keeps_its_own() -> None:
    starts, before = Starts(), os.sched_getscheduler(0)
    how = realtime.start_raised(starts)
    starts.end()
    assert os.sched_getscheduler(0) == before
    fifo = starts.policy & 0xFF == os.SCHED_FIFO
    assert how.startswith("SCHED_FIFO") == fifo
    if not fifo:
        assert how == realtime.NONE or how.split()[0] in ("RealtimeKit", "nice")


@pytest.mark.parametrize(("granted", "given"), [(99, [60, 10]), (20, [])])
def test_who_waits_for_messages_stands_far_below_who_renders_or_where_it_stood(
    granted: int, given: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def set_(_: int, policy: int, param: os.sched_param) -> None:
        if policy == os.SCHED_FIFO and param.sched_priority > granted:
            raise PermissionError
        if policy == os.SCHED_FIFO:
            asked.append(param.sched_priority)

    monkeypatch.setattr(os, "sched_setscheduler", set_)
    monkeypatch.setattr(os, "sched_setparam", lambda _, param: asked.append(param.sched_priority))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    started: list[list[int]] = []
    realtime.start_receiving(lambda: started.append(list(asked)))
    assert started == [given]


def test_on_one_core_nobody_who_waits_for_messages_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    starts = Starts()
    realtime.start_receiving(starts)
    starts.end()
    assert starts.policy == os.sched_getscheduler(0)


def test_who_waits_for_messages_starts_all_the_same_where_the_system_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", refused)
    starts = Starts()
    realtime.start_receiving(starts)
    assert starts.thread.is_alive()
    starts.end()


def refused(*_: object) -> None:
    raise PermissionError


def test_refused_by_the_system_realtimekit_is_asked_for_the_devices_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    monkeypatch.setattr(os, "sched_setscheduler", refused)
    asked = tmp_path / "asked"
    stand_in = tmp_path / "busctl"
    stand_in.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert shutil.which("busctl") == str(stand_in)
    starts = Starts()
    assert realtime.start_raised(starts) == f"RealtimeKit {realtime.RTKIT_PRIORITY}"
    words = asked.read_text().split()
    assert words[-4:] == [
        "ttu", str(os.getpid()), str(starts.thread.native_id), str(realtime.RTKIT_PRIORITY),
    ]  # fmt: skip
    starts.end()


def test_refused_everywhere_says_none_and_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_setscheduler", refused)
    monkeypatch.setattr(os, "setpriority", refused)
    monkeypatch.setenv("PATH", "")
    starts = Starts()
    assert realtime.start_raised(starts) == realtime.NONE
    assert starts.thread.is_alive()
    starts.end()
