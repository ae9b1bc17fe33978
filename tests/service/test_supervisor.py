"""Two processes as one service, from inside."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rtsynth.engine import Engine
from rtsynth.errors import DeviceError, ValueRangeError
from rtsynth.events import Event, EventTable, Score
from rtsynth.service import Config, Service
from rtsynth.service.supervisor import Supervisor
from tests.audio.wait import until
from tests.engine.bank import BELL, RATE, small_instrument

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills with POSIX signals")
LONG_S = 60.0  # for a process to import everything beside other work


def service() -> Service:
    score = Score(EventTable([Event(1, resonance=BELL)]), sample_rate=RATE)
    config = Config(device="null", osc_port=0, zmq_port=0, processes=2)
    return Service(config, small_instrument(), score)


@pytest.fixture
def played() -> Iterator[tuple[Service, Supervisor]]:
    with service() as found:
        assert isinstance(found._stage, Supervisor)
        yield found, found._stage


def goes_on(engine: Engine) -> bool:
    """Whether the device asks for blocks."""
    blocks = engine.stats().blocks
    return until(lambda: engine.stats().blocks > blocks + 4, LONG_S)


def test_status_names_both_processes_and_the_device(played: tuple[Service, Supervisor]) -> None:
    found, _ = played
    status = found.session.stats()
    assert status["processes"] == 2
    assert status["engine_pid"] not in (0, os.getpid())
    assert (status["device"], status["device_state"]) == ("null", "ok")
    assert (status["restarts"], status["clients"]) == (0, 0)
    assert status["realtime"]
    assert goes_on(found.engine)


def test_the_engine_process_has_neither_sockets_nor_torch(
    played: tuple[Service, Supervisor],
) -> None:
    found, _ = played
    process = psutil.Process(found.session.stats()["engine_pid"])
    mapped = "\n".join(m.path for m in process.memory_maps())
    assert "numba" in mapped
    assert "libzmq" not in mapped
    assert "/zmq/" not in mapped
    assert "libtorch" not in mapped
    assert process.net_connections() == []


def test_one_process_in_reserve_takes_over_and_another_takes_its_place(
    played: tuple[Service, Supervisor],
) -> None:
    found, stage = played
    told: list[tuple[str, str]] = []
    stage.on_change = lambda state, text: told.append((state, text))
    assert until(lambda: stage._standby is not None and stage._standby.ready, LONG_S)
    assert stage._standby is not None
    reserve, first = stage._standby.pid, stage.facts()["engine_pid"]
    frame = found.engine.frame
    os.kill(first, signal.SIGKILL)
    assert until(lambda: stage.facts()["engine_pid"] == reserve, LONG_S)
    assert until(lambda: stage.facts()["device_state"] == "ok", LONG_S)
    assert goes_on(found.engine)
    assert found.engine.frame > frame
    assert until(lambda: stage._standby is not None, LONG_S)
    assert [state for state, _ in told] == ["lost", "ok"]
    assert "SIGKILL" in told[0][1]


def test_the_stream_has_gone_on_as_if_it_had_been_heard(played: tuple[Service, Supervisor]) -> None:
    found, stage = played
    assert goes_on(found.engine)
    frame, at_s = found.engine.clock()
    os.kill(stage.facts()["engine_pid"], signal.SIGSTOP)
    assert until(lambda: stage.facts()["restarts"] == 1, LONG_S)
    assert until(lambda: stage.facts()["device_state"] == "ok", LONG_S)
    assert goes_on(found.engine)
    later, later_s = found.engine.clock()
    # within the second that is spent on catching up at most, should the machine be busy
    assert abs((later - frame) / found.engine.sample_rate - (later_s - at_s)) < 0.5


def test_a_process_that_cannot_start_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(DeviceError, match=r"cannot start, exit status 1; try --single-process"):
        service()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(DeviceError, match=r"no engine process can be started.*single-process"):
        service()


def test_processes_that_die_at_once_are_no_busy_loop_and_control_answers(
    played: tuple[Service, Supervisor], caplog: pytest.LogCaptureFixture
) -> None:
    found, stage = played
    assert stage._folder is not None
    kept = stage._folder.instrument.read_bytes()
    stage._folder.instrument.write_bytes(b"damaged")
    with caplog.at_level(logging.WARNING):
        os.kill(stage.facts()["engine_pid"], signal.SIGKILL)
        assert until(lambda: stage._patience.failures >= 3, LONG_S)
    assert found.session.stats()["device_state"] == "lost"
    assert "lost 3 times in a row" in caplog.text
    assert "silenced" in caplog.text
    assert "instrument" in caplog.text  # what each of them said
    stage._folder.instrument.write_bytes(kept)
    assert until(lambda: stage.facts()["device_state"] == "ok", LONG_S)
    assert goes_on(found.engine)


def test_stop_leaves_no_process_no_thread_and_no_file() -> None:
    before = psutil.Process().children(recursive=True)  # a sound server of other tests
    found = service()
    with found:
        stage = found._stage
        assert isinstance(stage, Supervisor)
        assert until(lambda: stage._standby is not None, LONG_S)
        assert stage._folder is not None
        folder: Path = stage._folder.arena.parent
        assert folder.is_dir()
        assert len(psutil.Process().children(recursive=True)) == len(before) + 2
        begin_s = time.monotonic()
    assert time.monotonic() - begin_s < 10.0  # 2 s on a machine that is not busy
    assert psutil.Process().children(recursive=True) == before
    assert not folder.exists()
    assert "rtsynth-supervisor" not in {t.name for t in threading.enumerate()}


def test_three_processes_are_refused() -> None:
    with pytest.raises(ValueRangeError, match="legal: 1, 2"):
        Service(Config(processes=3), small_instrument())


def test_an_instrument_of_another_rate_plays_and_goes_on_playing() -> None:
    score = Score(EventTable([Event(1, resonance=BELL)]), sample_rate=RATE)
    config = Config(device="null", sample_rate=44_100, osc_port=0, zmq_port=0, processes=2)
    with Service(config, small_instrument(), score) as found:
        assert found.engine.sample_rate == 44_100
        assert goes_on(found.engine)
        assert isinstance(found._stage, Supervisor)
        assert found._stage._process is not None
        os.kill(found._stage._process.pid, signal.SIGKILL)
        assert until(lambda: found.session.stats()["restarts"] == 1, LONG_S)
        assert goes_on(found.engine)
