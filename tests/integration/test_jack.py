"""The whole program on a real JACK server without hardware."""

from pathlib import Path

import pytest

from rtsynth.audio import read_wav
from rtsynth.events import Score
from tests.audio.jack import JackServer
from tests.engine.bank import clicks
from tests.integration.running import ran, write_score

pytestmark = pytest.mark.jack


def test_a_score_of_another_rate_plays_at_the_servers(jack: JackServer, tmp_path: Path) -> None:
    path = write_score(tmp_path, clicks(0.1))
    score = Score.load(path)
    score.sample_rate = 44_100
    score.save(path)
    wav = tmp_path / "heard.wav"
    options = ["--seconds", "0.6", "--osc-port", "0", "--zmq-port", "0", "--record", str(wav)]
    found = ran("play", str(path), *options)
    assert found.returncode == 0, found.stderr
    assert "JACK" in found.stdout
    sound, rate = read_wav(wav)
    assert rate == 48_000
    assert abs(sound).max() > 0.1


def test_a_process_that_only_asked_for_the_devices_ends_well(jack: JackServer) -> None:
    found = ran("devices", "--json")
    assert found.returncode == 0
    assert "JACK" in found.stdout
    assert ran("serve", "--device", "no such card").returncode == 2
