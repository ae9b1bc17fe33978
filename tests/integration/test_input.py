"""A service that hears: says how late, refuses a howl before it starts, logs what came in."""

import json
import re
from pathlib import Path

import pytest

from rtsynth.audio import read_wav
from rtsynth.client import Client
from rtsynth.errors import ValueRangeError
from tests.engine.bank import RATE, clicks
from tests.integration.running import serving, write_score


def test_the_way_of_the_input_is_itemised_and_its_parts_add_up(tmp_path: Path) -> None:
    score = write_score(tmp_path, clicks(0.1))
    log = tmp_path / "log.jsonl"
    options = ("--input", "null", "--monitor", "-6", "--late", "drop", "--too-far", "2.5")
    with serving(score, *options, "--log", str(log), "--margin", "96") as service:
        line = next(line for line in service.said if line.startswith("input"))
        total, *parts = (int(n) for n in re.findall(r"(\d+) (?:frames|device|added)", line))
        assert total == sum(parts)
        with Client(service.port("zeromq")) as rts:
            status = rts.status()
            assert status["latency_monitor"] == total
            assert status["latency_offset"] == 96
            assert (status["late_policy"], status["too_far_s"]) == ("drop", 2.5)
            assert rts.get_param("monitor/gain")["value"] == 10 ** (-6 / 20)
        assert service.end() == 0
    header, *_ = (json.loads(line) for line in log.read_text().splitlines())
    assert (header["inputs"], header["heard"]) == (1, "log.jsonl.input.wav")
    sound, rate = read_wav(tmp_path / header["heard"])
    assert (rate, sound.shape[1]) == (RATE, 1)
    assert len(sound) > 0


def test_without_an_input_monitoring_is_refused_with_the_reason(tmp_path: Path) -> None:
    score = write_score(tmp_path, clicks(0.1))
    with serving(score) as service, Client(service.port("zeromq")) as rts:
        with pytest.raises(ValueRangeError, match="--input"):
            rts.set_param("monitor/gain", 1.0)
