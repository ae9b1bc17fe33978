"""A service with the grain renderer says so, and reports what it adds to the latency."""

import os
import re
import signal
from pathlib import Path

import pytest

from rtsynth.client import Client
from rtsynth.events import EventTable
from tests.audio.wait import until
from tests.engine.bank import mixed_table
from tests.integration.running import serving, write_score

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def table() -> EventTable:
    return mixed_table()


def test_serving_in_grains_says_so_and_counts_its_look_ahead(
    tmp_path: Path, table: EventTable
) -> None:
    score = write_score(tmp_path, table)
    with serving(score, "--renderer", "grains", "--block-size", "256") as service:
        with Client(service.port("zeromq")) as client:
            client.play()
            status = client.status()
            assert status["renderer"] == ("grains" if status["grains"] else "curves")
        assert service.end() == 0
    # a grain spans two hops of 256 frames, and a worker has one block of time
    assert status["latency_render"] == 3 * 256
    latency = next(line for line in service.said if line.startswith("latency"))
    total, *parts = (int(n) for n in re.findall(r"(\d+) (?:fr|bl|of|li|re|de)", latency))
    assert total == sum(parts)
    assert "768 render" in latency
    assert any(line.startswith("render  in grains on c") for line in service.said)


def test_serving_from_curves_looks_not_ahead(tmp_path: Path, table: EventTable) -> None:
    with serving(write_score(tmp_path, table)) as service:
        with Client(service.port("zeromq")) as client:
            status = client.status()
        assert service.end() == 0
    assert (status["renderer"], status["latency_render"]) == ("curves", 0)


def test_after_its_process_was_killed_it_sounds_from_curves_and_then_in_grains(
    tmp_path: Path, table: EventTable
) -> None:
    with serving(write_score(tmp_path, table), "--renderer", "grains") as service:
        with Client(service.port("zeromq"), timeout_s=10.0) as client:
            client.play()
            os.kill(client.status()["engine_pid"], signal.SIGKILL)
            assert until(lambda: client.status()["restarts"] == 1, 60.0)
            assert until(lambda: client.status()["device_state"] == "ok", 60.0)
            blocks = client.status()["blocks"]
            assert until(lambda: client.status()["blocks"] > blocks + 20, 60.0)
            assert client.status()["latency_render"] == 3 * 256
        assert service.end() == 0
