"""What is asked over the wire is heard in the recording, on its frame."""

import json
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtsynth.audio import read_wav
from rtsynth.client import Client
from rtsynth.events import Event, EventTable
from tests.engine.bank import BELL, CLICK, clicks, mixed_table
from tests.integration.running import RTSYNTH, serving, write_score

BLOCK = 256


def logged(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def only(records: list[dict[str, Any]], op: str) -> list[dict[str, Any]]:
    return [r for r in records if r.get("op") == op]


@pytest.mark.oscsend
@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo's oscsend is not installed")
def test_oscsend_triggers_and_mutes_an_event_within_a_block_of_the_stamped_time(
    tmp_path: Path,
) -> None:
    table = EventTable([Event(1, resonance=CLICK), Event(2, resonance=BELL, name="bell")])
    score = write_score(tmp_path, table)
    wav, log = tmp_path / "heard.wav", tmp_path / "log.jsonl"
    with serving(score, "--record", str(wav), "--log", str(log)) as service:
        port = str(service.port("osc"))

        def oscsend(*words: str) -> None:
            subprocess.run(["oscsend", "127.0.0.1", port, *words], check=True, timeout=10)
            time.sleep(0.15)

        time.sleep(0.1)
        oscsend("/rts/event/trigger", "if", "1", "1.0")
        oscsend("/rts/event/trigger", "s", "bell")
        oscsend("/rts/event/mute", "si", "bell", "1")
        assert service.end() == 0
    records = logged(log)
    click, bell = only(records, "event/trigger")
    (mute,) = only(records, "event/mute")
    sound = np.abs(read_wav(wav)[0][:, 0])
    heard = int(np.flatnonzero(sound > 0.1)[0])
    assert abs(heard - click["frame"]) <= BLOCK
    begin, end = mute["frame"], mute["frame"] + BLOCK
    assert sound[bell["frame"] + BLOCK : begin].max() > 0.05
    assert sound[end : end + 2_400].max() < 1e-3


def test_a_recording_is_the_replay_of_its_log_whatever_the_block_size(tmp_path: Path) -> None:
    score = write_score(tmp_path, mixed_table())
    wav, log = tmp_path / "heard.wav", tmp_path / "log.jsonl"
    with serving(score, "--record", str(wav), "--log", str(log)) as service:
        with Client(service.port("zeromq")) as client:
            client.play()
            time.sleep(0.2)
            client.mute(1)
            client.set("bell", transpose=5.0, gain=0.5)
            new = client.new(-1, resonance=BELL, gain=0.4, onset_s=0.1)
            client.trigger(new, 0.7)
            with client.bundle() as bundle:
                bundle.trigger(2)
                bundle.trigger(3)
            client.set_param("bank/transpose", 3.0)
            time.sleep(0.1)
            client.free(new)
            client.solo(3)
            client.seek(0.05)
            time.sleep(0.2)
            client.panic()
        assert service.end(signal.SIGINT) == 0
    heard, rate = read_wav(wav)
    assert np.abs(heard).max() > 0.05
    for block in ("1", "480", "8193"):
        out = tmp_path / f"{block}.wav"
        command = ["render", str(score), "-o", str(out), "--commands", str(log)]
        subprocess.run([*RTSYNTH, *command, "--block-size", block], check=True, timeout=120)
        replayed, replayed_rate = read_wav(out)
        assert replayed_rate == rate
        assert len(replayed) == len(heard)
        assert np.array_equal(replayed, heard), f"block size {block}"


def test_osc_and_zeromq_edit_the_same_score(tmp_path: Path) -> None:
    from pythonosc.udp_client import SimpleUDPClient

    score = write_score(tmp_path, clicks(0.0, 0.5))
    with serving(score) as service, Client(service.port("zeromq")) as client:
        osc = SimpleUDPClient("127.0.0.1", service.port("osc"))
        with osc:
            osc.send_message("/rts/event/set", [2, "transpose", 5])
            osc.send_message("/rts/sync", 7)
            assert next(iter(osc.get_messages(timeout=5))).address == "/rts/synced"
        assert client.get(2)["fields"]["transpose"] == 5.0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_or_a_closed_terminal_ends_the_service_cleanly(tmp_path: Path, name: str) -> None:
    score = write_score(tmp_path, clicks(0.0))
    wav = tmp_path / "heard.wav"
    with serving(score, "--record", str(wav)) as service:
        time.sleep(0.2)
        service.process.send_signal(getattr(signal, name))
        assert service.process.wait(timeout=2) == 0
    assert len(read_wav(wav)[0]) > 0


def test_a_port_in_use_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    score = write_score(tmp_path, clicks(0.0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        found = subprocess.run(
            [*RTSYNTH, "serve", str(score), "--device", "null", "--osc-port", port],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert found.returncode == 2
    assert len(found.stderr.strip().splitlines()) == 1
    assert port in found.stderr


def test_an_unknown_device_says_what_there_is(tmp_path: Path) -> None:
    score = write_score(tmp_path, clicks(0.0))
    found = subprocess.run(
        [*RTSYNTH, "serve", str(score), "--device", "no such card", "--osc-port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert found.returncode == 2
    assert "no such card" in found.stderr
    assert "Traceback" not in found.stderr


def test_the_live_service_never_imports_torch(tmp_path: Path) -> None:
    score = write_score(tmp_path, clicks(0.0))
    stand_in = tmp_path / "site" / "torch"
    stand_in.mkdir(parents=True)
    # found before any torch there is, and noted in sys.modules even if the import is caught
    (stand_in / "__init__.py").write_text("")
    code = (
        f"import sys; sys.path.insert(0, {str(stand_in.parent)!r}); from rtsynth.cli import run;"
        f"code = run(['serve', {str(score)!r}, '--device', 'null', '--seconds', '0.2',"
        " '--osc-port', '0', '--zmq-port', '0']);"
        "print('torch' in sys.modules, file=sys.stderr); sys.exit(code)"
    )
    found = subprocess.run(
        [RTSYNTH[0], "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stderr.strip() == "False"
