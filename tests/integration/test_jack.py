"""The whole program on a real JACK server without hardware."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rtsynth.audio import read_wav
from rtsynth.events import Score
from tests.audio.jack import JackServer, missing
from tests.audio.wait import until
from tests.engine.bank import clicks
from tests.integration.running import RTSYNTH, write_score

pytestmark = pytest.mark.jack


@pytest.fixture
def jack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of this test's own, which this process itself is no client of."""
    if missing():
        pytest.skip(missing())
    for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER", "JACK_NO_AUDIO_RESERVATION"):
        monkeypatch.setenv(name, "")  # put back afterwards
    server = JackServer()
    server.start(seen=False)
    if not until(lambda: "JACK" in ran("devices", "--json").stdout, 10.0):
        server.stop()
        pytest.skip("jackd is installed but PortAudio does not see it")
    yield
    server.stop()


def ran(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RTSYNTH, *words], capture_output=True, text=True, timeout=60)


def test_a_score_of_another_rate_plays_at_the_servers(jack: None, tmp_path: Path) -> None:
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


def test_a_process_that_only_asked_for_the_devices_ends_well(jack: None) -> None:
    found = ran("devices", "--json")
    assert found.returncode == 0
    assert "JACK" in found.stdout
    assert ran("serve", "--device", "no such card").returncode == 2
