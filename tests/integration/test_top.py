"""`rtsynth top` shows what a running service says of itself."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pythonosc.udp_client import SimpleUDPClient

from rtsynth.client import Client
from tests.engine.bank import mixed_table
from tests.integration.running import RTSYNTH, Running, serving, write_score

MAX_REPLY = 1_400  # bytes, so that a reply is one packet


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    score = write_score(tmp_path_factory.mktemp("top"), mixed_table())
    with serving(score, "--single-process") as found:
        yield found


def top(service: Running, *options: str) -> subprocess.CompletedProcess[str]:
    words = [*RTSYNTH, "top", "--zmq-port", str(service.port("zeromq")), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def test_once_shows_every_line_and_the_device(service: Running) -> None:
    found = top(service, "--once")
    assert found.returncode == 0, found.stderr
    for word in ("load", "voices", "latency", "xruns", "late", "stolen", "clients", "processes"):
        assert word in found.stdout
    assert "null · 48000 Hz" in found.stdout
    assert "restarted never" in found.stdout
    assert max(len(line) for line in found.stdout.splitlines()) <= 80


def test_json_is_the_status_with_processes_device_and_clients(service: Running) -> None:
    with Client(service.port("zeromq")) as client:
        client.play()
        found = json.loads(top(service, "--json").stdout)
    assert found["processes"] == 1
    assert found["engine_pid"] == service.process.pid
    assert (found["device"], found["device_state"], found["restarts"]) == ("null", "ok", 0)
    assert found["clients"] >= 2  # who has asked within ten seconds
    assert found["playing"]
    assert {"load", "voices", "late", "stolen", "xruns_own", "realtime"} <= found.keys()


def test_the_latencys_parts_add_up(service: Running) -> None:
    line = next(line for line in top(service, "--once").stdout.splitlines() if "latency" in line)
    numbers = [int(word) for word in line.split() if word.isdecimal()]
    ms = float(line.split(" ms")[0].split()[-1])
    assert ms == pytest.approx(1e3 * sum(numbers) / 48_000, abs=0.06)


def test_over_osc_the_status_is_still_one_packet(service: Running) -> None:
    osc = SimpleUDPClient("127.0.0.1", service.port("osc"))
    with osc:
        osc.send_message("/rts/status", [])
        packet = osc.receive(timeout=10.0)
    assert b"device_state" in packet
    assert len(packet) <= MAX_REPLY


def test_it_watches_until_the_service_ends(tmp_path: Path) -> None:
    with serving(write_score(tmp_path, mixed_table()), "--single-process") as service:
        words = [*RTSYNTH, "top", "--zmq-port", str(service.port("zeromq")), "--every", "0.05"]
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watching:
            with Client(service.port("zeromq")) as client:
                while client.status()["clients"] < 2:
                    time.sleep(0.02)
            service.end()
            shown, said = watching.communicate(timeout=60)
    assert watching.returncode == 1
    assert "transport" in shown
    assert said.strip() == "rtsynth: the service has ended"


def test_control_c_ends_it_well(service: Running) -> None:
    words = [*RTSYNTH, "top", "--zmq-port", str(service.port("zeromq"))]
    with Client(service.port("zeromq")) as client:
        before = client.status()["clients"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watching:
            while client.status()["clients"] <= before:
                time.sleep(0.02)
            time.sleep(0.5)
            watching.send_signal(signal.SIGINT)
            watching.communicate(timeout=60)
    assert watching.returncode == 0


def test_control_c_ends_it_while_the_service_does_not_answer(tmp_path: Path) -> None:
    with serving(write_score(tmp_path, mixed_table()), "--single-process") as service:
        words = [*RTSYNTH, "top", "--zmq-port", str(service.port("zeromq")), "--every", "0.2"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watching:
            with Client(service.port("zeromq")) as client:
                while client.status()["clients"] < 2:
                    time.sleep(0.02)
            service.process.send_signal(signal.SIGSTOP)
            try:
                time.sleep(0.5)
                watching.send_signal(signal.SIGINT)
                watching.communicate(timeout=60)
            finally:
                service.process.send_signal(signal.SIGCONT)
        assert watching.returncode == 0


def test_where_nobody_listens_it_is_one_line() -> None:
    found = subprocess.run(
        [*RTSYNTH, "top", "--once", "--zmq-port", "1"], capture_output=True, text=True, timeout=60
    )
    assert found.returncode == 2
    assert "is it running" in found.stderr
    assert len(found.stderr.splitlines()) == 1
