"""The client against a served session."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rtsynth.client import Client, NoAnswerError
from rtsynth.control import Control, Session
from rtsynth.errors import ProtocolError, UnknownNameError, ValueRangeError
from tests.control.conftest import EXAMPLES, Served, served
from tests.control.fake import FakeEngine, make_table

__all__ = ["served"]


@pytest.fixture
def client(served: Served) -> Iterator[Client]:  # a fixture, imported by its name
    with Client(served[0].zmq_ports[0], timeout_s=5.0) as found:
        yield found


def test_every_method_is_understood(client: Client) -> None:
    new = client.new(gain=0.5, name="snare", kind="texture")
    client.set("snare", gain=0.25, muted=True)
    client.trigger(new, velocity=0.5)
    client.mute("*")
    client.solo(1)
    client.choke("group/strings")
    assert client.get("snare")["fields"]["gain"] == 0.25
    assert ("snare" in [name for _, _, name in client.list()], len(list(client.list()))) == (
        True,
        6,
    )
    client.free(new)
    client.play()
    client.seek(1.0)
    client.loop(True, 0.5, 1.0)
    client.tempo(2.0)
    client.pause()
    client.set_param("master/gain_db", -6.0)
    client.mod("master/gain_db", 1.0)
    assert client.get_param("master/gain_db") == {
        "path": "master/gain_db",
        "value": -6,
        "offset": 1,
    }
    assert client.sync(5) == 5
    assert client.status()["events"] == 5
    assert client.ping(2.0)["value"] == 2.0
    client.panic()
    assert len(client.describe()["commands"]) == len(EXAMPLES)
    assert client.revision > 0


def test_errors_are_the_classes_of_their_codes(client: Client) -> None:
    with pytest.raises(UnknownNameError, match="99"):
        client.trigger(99)
    with pytest.raises(ValueRangeError) as caught:
        client.set(1, gain=-1.0)
    assert caught.value.field == "gain"
    with pytest.raises(ProtocolError):
        client.request("event/trigger")
    with pytest.raises(UnknownNameError):
        client.request("no/such")


def test_bundle_falls_on_one_frame(served: Served, client: Client) -> None:
    served[1].began_s = time.monotonic()
    with client.bundle(at=time.time() + 1.0) as later:
        later.trigger(1)
        later.new(-1, gain=0.5)
        later.trigger(2)
    assert len({p.frame for p in served[1].posts}) == 1
    assert later.results[1] == {"id": 6}
    broken = client.bundle()
    broken.trigger(1)
    broken.trigger("nobody")
    with pytest.raises(UnknownNameError):
        broken.send()
    assert len(served[1].posts) == 3


def test_telemetry_is_numbered(client: Client) -> None:
    news = client.telemetry("stats", "go", timeout_s=5.0)
    seqs = [next(news).seq for _ in range(3)]
    assert seqs == list(range(seqs[0], seqs[0] + 3))
    client.trigger(3)
    assert next(n for n in news if n.topic == "go").fields == {"event": 3}


def test_nobody_there_is_a_timeout() -> None:
    with pytest.raises(NoAnswerError):
        Client(1, timeout_s=0.05)


@pytest.mark.parametrize("port", [None, "57141", 0, 70_000, True, 1.5])
def test_what_is_no_port_is_refused_with_what_is(port: Any) -> None:
    with pytest.raises(ValueRangeError, match="legal: 1 … 65535"):
        Client(port)


def test_import_brings_no_numpy() -> None:
    code = "import rtsynth.client, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_stop_closes_the_ports() -> None:
    table = make_table()
    session = Session(FakeEngine(table), table)
    first = Control(session, osc_port=0, zmq_port=0)
    first.start()
    ports = first.osc_port, first.zmq_ports
    first.stop()
    second = Control(session, osc_port=ports[0], zmq=False)
    second.start()
    second.stop()
