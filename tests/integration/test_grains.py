"""A service with the grain renderer says so, and reports what it adds to the latency."""

import re
from pathlib import Path

import pytest

from rtsynth.client import Client
from rtsynth.events import EventTable
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
