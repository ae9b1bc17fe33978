"""ZeroMQ over real sockets."""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import zmq

from rtsynth.control import Control
from rtsynth.errors import PortInUseError
from rtsynth.params import Command
from tests.control.conftest import EXAMPLES, Served


class Peer:
    def __init__(self, port: int, hwm: int = 1000) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.RCVHWM, hwm)
        self.socket.connect(f"tcp://127.0.0.1:{port}")

    def send(self, body: bytes) -> None:
        self.socket.send_multipart([b"rts/1", body])

    def ask(self, **request: Any) -> dict[str, Any]:
        self.send(json.dumps({"id": 1, **request}).encode())
        return self.receive()

    def receive(self) -> dict[str, Any]:
        assert self.socket.poll(5_000)
        found: dict[str, Any] = json.loads(self.socket.recv_multipart()[1])
        return found

    def close(self) -> None:
        self.context.destroy(linger=0)


@pytest.fixture
def peer(served: Served) -> Iterator[Peer]:
    found = Peer(served[0].zmq_ports[0])
    yield found
    found.close()


@pytest.mark.parametrize(("command", "args"), EXAMPLES, ids=[c.op for c, _ in EXAMPLES])
def test_every_command_is_carried_out(
    served: Served, peer: Peer, command: Command, args: list[Any]
) -> None:
    reply = peer.ask(op=command.op, v=args, strange=1)
    assert reply["ok"], reply
    assert (reply["id"], command.timed) == (1, bool(served[1].posts))
    assert {"rev", "at_sample"} <= set(reply)


def test_json_and_msgpack_are_told_by_the_first_byte(peer: Peer) -> None:
    assert peer.ask(op="ping", v={"value": 3})["result"]["value"] == 3
    peer.send(msgspec.msgpack.encode({"id": "a", "op": "ping", "v": {"value": 3}}))
    assert peer.socket.poll(5_000)
    assert msgspec.msgpack.decode(peer.socket.recv_multipart()[1])["id"] == "a"


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        ({"op": "no/such"}, "unknown_op", "op"),
        ({"op": "event/trigger", "v": {"id": 99}}, "unknown_name", "id"),
        ({"op": "event/trigger", "v": {}}, "bad_message", "id"),
        ({"op": "event/set", "v": {"id": 1, "fields": {"gain": -1}}}, "bad_value", "gain"),
        ({"op": "bundle", "v": {}}, "bad_message", "commands"),
        ({"op": "ping", "v": 3}, "bad_message", None),
        ({"op": "event/trigger", "v": [1], "t": 9e12}, "bad_value", "t"),
    ],
)
def test_refusals_have_code_and_field(
    peer: Peer, request_: dict[str, Any], code: str, field: str | None
) -> None:
    error = peer.ask(**request_)["error"]
    assert (error["code"], error.get("field")) == (code, field)


def test_hello_tells_rate_table_and_ports(served: Served, peer: Peer) -> None:
    result = peer.ask(op="hello")["result"]
    assert (result["sample_rate"], result["protocol"]) == (48_000, 1)
    assert (result["urgent_port"], result["telemetry_port"]) == served[0].zmq_ports[1:]


def test_urgent_port_takes_only_urgent_words(served: Served) -> None:
    peer = Peer(served[0].zmq_ports[1])
    assert peer.ask(op="panic")["ok"]
    assert peer.ask(op="event/trigger", v=[1])["error"]["code"] == "bad_message"
    peer.close()


def test_malformed_bodies_are_answered_and_survived(peer: Peer) -> None:
    generator = random.Random(2)
    seeds = [json.dumps({"id": 1, "op": c.op, "v": a}).encode() for c, a in EXAMPLES]
    seeds += [msgspec.msgpack.encode({"id": 1, "op": c.op, "v": a}) for c, a in EXAMPLES]
    count = 0
    for _ in range(500):
        data = bytearray(generator.choice(seeds))
        data[generator.randrange(len(data))] = generator.randrange(256)
        peer.send(bytes(data))
        assert peer.socket.poll(5_000)
        peer.socket.recv_multipart()
        count += 1
    peer.socket.send_multipart([b"rts/9", b"{}", b"more"])
    assert peer.receive()["error"]["code"] == "bad_message"
    assert peer.ask(op="ping")["ok"]


def test_client_that_does_not_read_is_told_what_it_missed(served: Served) -> None:
    server = served[0].zmq
    assert server is not None
    peer = Peer(served[0].zmq_ports[0], hwm=10)
    count = 4_000
    watcher = Peer(served[0].zmq_ports[0])
    for index in range(count):  # describe is long, so that buffers fill
        peer.send(json.dumps({"id": index, "op": "describe"}).encode())
    while server.counts["requests"] < count:
        watcher.ask(op="ping")  # others are served meanwhile
    read, missed = 0, 0
    while read + missed < count:
        reply = peer.receive()
        if reply["id"] is None:
            assert reply["error"]["code"] == "slow_client"
            missed += reply["error"]["count"]
        else:
            read += 1
    assert missed > 0
    assert read + missed == count
    assert peer.ask(op="ping")["ok"]
    peer.close()
    watcher.close()


def test_port_in_use_leaves_nothing_open(served: Served) -> None:
    with pytest.raises(PortInUseError):
        Control(served[2], osc_port=0, zmq_port=served[0].zmq_ports[0])
