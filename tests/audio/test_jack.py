"""The compiled callback on a real driver: JACK without hardware."""

import ctypes
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rtsynth.audio import PortAudioDevice, list_devices, open_device, rescan
from rtsynth.errors import DeviceError
from tests.audio.fake import FakeEngine
from tests.audio.jack import JackServer, missing
from tests.audio.wait import until

pytestmark = pytest.mark.jack
ROOT = Path(__file__).parents[2]
HELD_US = 500_000


def test_the_list_shows_the_jack_server(jack: JackServer) -> None:
    first, null = list_devices()
    assert "JACK" in first.host
    assert first.default
    assert first.sample_rate == 48_000
    assert (null.name, null.default) == ("null", False)


@pytest.mark.parametrize("block_size", [0, 64, 256, 1000])
def test_every_block_due_is_delivered(
    jack: JackServer, engine: FakeEngine, block_size: int
) -> None:
    with PortAudioDevice(engine, "JACK", block_size=block_size) as device:
        assert until(lambda: engine.frame > 0)
        begin, frame = time.monotonic(), engine.frame
        time.sleep(0.5)
        due = (time.monotonic() - begin) * 48_000
        delivered = engine.frame - frame
        assert device.active()
    assert 0.7 * due < delivered < 1.3 * due
    assert engine.counts[3] == (block_size or jack.block_size)


def test_the_default_device_is_opened_without_a_name(jack: JackServer, engine: FakeEngine) -> None:
    with open_device(engine) as device:
        assert "JACK" in device.name
        assert device.reason == ""
        assert device.latency_frames >= jack.block_size
        assert until(lambda: engine.frame > 0)


def test_blocks_keep_coming_while_a_thread_holds_the_interpreter(
    jack: JackServer, engine: FakeEngine
) -> None:
    """`PyDLL` calls C without letting the interpreter go, so no Python runs for half a second."""
    frames: list[int] = []

    def hold() -> None:
        hog = ctypes.PyDLL(None).usleep
        frames.append(engine.frame)
        hog(HELD_US)
        frames.append(engine.frame)

    with PortAudioDevice(engine, "JACK") as device:
        assert until(lambda: engine.frame > 0)
        thread = threading.Thread(target=hold)
        thread.start()
        thread.join()
        assert not device.lost
    before, after = frames
    assert after - before > 0.7 * HELD_US * 1e-6 * 48_000


def test_nothing_is_played_after_stop_and_it_may_start_again(
    jack: JackServer, engine: FakeEngine
) -> None:
    device = PortAudioDevice(engine)
    for _ in range(3):
        device.start()
        device.start()
        frame = engine.frame
        assert until(lambda before=frame: engine.frame > before)  # type: ignore[misc]
        device.stop()
        device.stop()
        after = engine.frame
        time.sleep(0.05)
        assert engine.frame == after
        assert not device.active()


def test_a_rate_the_device_does_not_run_at_is_an_error_that_names_both(
    jack: JackServer,
) -> None:
    with pytest.raises(DeviceError, match=r"44100 Hz.*48000 Hz"):
        PortAudioDevice(FakeEngine(44_100), "JACK")


def test_an_unknown_device_is_an_error_that_lists_what_there_is(
    jack: JackServer, engine: FakeEngine
) -> None:
    with pytest.raises(DeviceError, match="JACK"):
        PortAudioDevice(engine, "no such thing")


def test_a_jack_client_does_not_rescan(jack: JackServer) -> None:
    assert not rescan()


def test_a_killed_server_is_noticed_and_neither_stop_nor_exit_hang() -> None:
    if missing():
        pytest.skip(missing())
    done = subprocess.run(
        [sys.executable, "-m", "tests.audio.killed_jack"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    if "skip" in facts:
        pytest.skip(facts["skip"])
    assert facts["played"]
    assert facts["lost"]
    assert facts["told"] == [True]
    assert facts["stop_s"] < 5.0  # 1.5 s on an idle machine
    assert facts.get("rescan") is False or "anew" in facts["error"]
