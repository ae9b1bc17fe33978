"""OSC over a real socket."""

import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage

from rtsynth.control.osc import SILENT, OscServer
from rtsynth.control.packet import MAX_REPLY, decode, encode, split
from rtsynth.engine.ops import NoticeKind, Op
from rtsynth.errors import PortInUseError, ProtocolError, ValueRangeError
from rtsynth.params import PARAMS, Command
from rtsynth.units import seconds_to_ntp
from tests.control.conftest import EXAMPLES, Served


def bundle(tag: int, *elements: bytes) -> bytes:
    parts = [len(e).to_bytes(4, "big") + e for e in elements]
    return b"#bundle\0" + tag.to_bytes(8, "big") + b"".join(parts)


class Peer:
    """A client of its own port."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(5)

    def send(self, address: str, *args: Any) -> None:
        self.raw(encode(address, args))

    def raw(self, data: bytes) -> None:
        self._socket.sendto(data, self._to)

    def receive(self) -> tuple[str, list[Any]]:
        data = self._socket.recv(65_536)
        assert len(data) <= MAX_REPLY
        message = OscMessage(data)
        return message.address, message.params

    def until(self, address: str) -> list[Any]:
        while True:
            found, args = self.receive()
            if found == address:
                return args

    def settle(self) -> list[tuple[str, list[Any]]]:
        """Everything that arrives before the answer to a ping."""
        self.send("/rts/ping", 77)
        seen = []
        while (message := self.receive())[1][:2] != ["ping", 77.0]:
            seen.append(message)
        return seen

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def peer(served: Served) -> Iterator[Peer]:
    found = Peer(served[0].osc_port)
    yield found
    found.close()


@pytest.mark.parametrize(("command", "args"), EXAMPLES, ids=[c.op for c, _ in EXAMPLES])
def test_every_command_has_an_address(
    served: Served, peer: Peer, command: Command, args: list[Any]
) -> None:
    peer.send(f"/rts/{command.op}", *args)
    seen = peer.settle()
    assert not [m for m in seen if m[0] == "/rts/fail"]
    if command.timed:
        assert served[1].posts
    if command.op not in SILENT and command.op != "ping":
        assert seen


@pytest.mark.parametrize("row", PARAMS, ids=[p.path for p in PARAMS])
def test_every_parameter_has_an_address(served: Served, peer: Peer, row: Any) -> None:
    peer.send(f"/rts/param/{row.path}", row.maximum)
    peer.send(f"/rts/param/{row.path}/mod", -row.maximum if row.minimum <= 0 else 0)
    peer.send(f"/rts/param/{row.path}")
    args = peer.until("/rts/done")
    assert args[:2] == ["param/get", row.path]
    assert args[2] == pytest.approx(row.maximum)


def test_refusals_have_codes(peer: Peer) -> None:
    for address, args, code in [
        ("/rts/event/trigger", (99,), "unknown_name"),
        ("/rts/event/trigger", (1, 9.0), "bad_value"),
        ("/rts/event/trigger", (), "bad_message"),
        ("/rts/nothing", (), "unknown_name"),
        ("/rts/[", (), "bad_value"),
    ]:
        peer.send(address, *args)
        assert peer.until("/rts/fail")[1] == code


def test_numbers_of_any_type_are_taken(served: Served, peer: Peer) -> None:
    word = b"/rts/event/mute\0"
    peer.raw(word + b",dh\0" + b"\x3f\xf0" + bytes(6) + (1).to_bytes(8, "big"))
    peer.raw(word + b",fT\0" + b"\x40\x00\x00\x00")
    peer.raw(word + b",sf\0" + b"kick2\0\0\0" + b"\x3f\x80\x00\x00")
    assert peer.settle() == []
    assert [e.id for e in served[2].copy_table() if e.muted] == [1, 2, 4]


def test_button_let_go_does_nothing(served: Served, peer: Peer) -> None:
    peer.send("/rts/transport/play", 1.0)
    peer.send("/rts/transport/play", 0.0)
    assert peer.settle() == []
    assert [p.op for p in served[1].posts] == [Op.PLAY]


def test_group_and_pattern_addresses(served: Served, peer: Peer) -> None:
    peer.send("/rts/group/strings/mute", 1)
    peer.send("/rts/param/bank/{damp,transpose}", 2.0)
    assert peer.settle() == []
    assert [e.id for e in served[2].copy_table() if e.muted] == [2, 3]
    assert [p.args for p in served[1].posts if p.op is Op.PARAM] == [(2.0,), (2.0,)]


def test_bundle_falls_on_one_frame_and_nested_tags_are_checked(served: Served, peer: Peer) -> None:
    engine = served[1]
    engine.began_s = time.monotonic()
    trigger = [encode("/rts/event/trigger", (i,)) for i in (1, 2, 3)]
    now = time.time()
    tags = [seconds_to_ntp(now + s) for s in (5.0, 6.0, 40.0)]
    peer.raw(bundle(tags[0], trigger[0], bundle(tags[1], trigger[1]), trigger[2]))
    assert peer.settle() == []
    first, second, third = (p.frame for p in engine.posts)
    assert (first, second - first) == (third, 48_000)
    peer.raw(bundle(tags[1], bundle(tags[0], trigger[0])))
    assert peer.until("/rts/fail")[1] == "bad_message"
    peer.raw(bundle(tags[2], trigger[0]))
    assert peer.until("/rts/fail")[1] == "bad_value"
    assert len(engine.posts) == 3


def test_late_bundle_is_told(served: Served, peer: Peer) -> None:
    engine = served[1]
    engine.frame, engine.began_s = 480_000, time.monotonic()
    peer.send("/rts/notify", 1)
    peer.raw(bundle(seconds_to_ntp(time.time() - 2), encode("/rts/event/trigger", (1,))))
    args = peer.until("/rts/late")
    assert (args[0], args[2]) == (1, "play")
    assert args[1] > 1.5


def test_listeners_hear_changes_of_others_and_the_engine(served: Served, peer: Peer) -> None:
    other = Peer(served[0].osc_port)
    for each in (peer, other):
        each.send("/rts/notify", 1)
        each.until("/rts/done")
    other.send("/rts/event/set", 1, "gain", 0.5)
    assert peer.until("/rts/event/set") == [1, "gain", 0.5]
    other.send("/rts/event/trigger", 2)
    assert other.until("/rts/go") == [2]
    served[1].tell(NoticeKind.END, 2)
    assert other.until("/rts/end") == [2]
    other.close()


def test_sync_answers_when_done(peer: Peer) -> None:
    peer.send("/rts/event/trigger", 1)
    peer.send("/rts/sync", 12)
    assert peer.until("/rts/synced") == [12]


def test_long_lists_stay_short_on_the_wire(served: Served, peer: Peer) -> None:
    for index in range(40):
        peer.send("/rts/event/new", -1, "name", "ü" * 60 + str(index))
    peer.settle()
    peer.send("/rts/event/list", 1)
    assert peer.until("/rts/done")[:3] == ["event/list", 1, 2]
    packets = split("/rts/done", ("event/list", 0, 1), [[i, 0.5, "ü" * 64] for i in range(32)])
    assert max(map(len, packets)) <= MAX_REPLY
    ids = [a for p in packets for a in OscMessage(p).params[3::3]]
    assert ids == list(range(32))


def test_malformed_packets_are_refused() -> None:
    deep = encode("/rts/panic", ())
    for _ in range(9):
        deep = bundle(1, deep)
    for data in (b"", b"abc", b"/rts", b"/\xff\xff\0,\0\0\0", b"#bundle\0", deep, deep[:-4]):
        with pytest.raises(ProtocolError):
            decode(data)
    with pytest.raises(ProtocolError):
        decode(b"/a\0\0,b\0\0" + bytes(4))
    assert decode(deep[20 + 0 :][: len(deep) - 20])[0][1] == "/rts/panic"


def test_mutated_packets_raise_nothing_and_log_little(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    server = served[0].osc
    assert server is not None
    generator = random.Random(1)
    seeds = [encode(f"/rts/{c.op}", args) for c, args in EXAMPLES]
    seeds += [bundle(1, *seeds[:4]), bundle(1, bundle(1, *seeds[:2]))]
    began_s = time.monotonic()
    for _ in range(10_000):
        data = bytearray(generator.choice(seeds))
        for _ in range(generator.randint(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        if generator.random() < 0.2:
            del data[generator.randrange(len(data)) :]
        server.receive(bytes(data), ("127.0.0.1", 9), 0.0)
    assert len(caplog.records) <= 2 + (time.monotonic() - began_s)
    assert not [r for r in caplog.records if r.exc_info]
    assert server.counts["malformed"] > 100


def test_port_in_use_and_open_host_are_refused(served: Served) -> None:
    control, _, session = served
    with pytest.raises(PortInUseError):
        OscServer(session, control.osc_port)
    for host in ("0.0.0.0", "example"):
        with pytest.raises(ValueRangeError):
            OscServer(session, 0, host)
    allowed = OscServer(session, 0, "0.0.0.0", allow=("192.0.2.7",))
    allowed.receive(encode("/rts/panic", ()), ("192.0.2.8", 9), 0.0)
    assert allowed.counts["foreign"] == 1
    allowed.stop()


@pytest.mark.oscsend
@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools is not installed")
def test_oscsend_is_understood(served: Served, peer: Peer) -> None:
    port = str(served[0].osc_port)
    words = ["/rts/event/set", "isfsi", "1", "gain", "0.5", "muted", "1"]
    subprocess.run(["oscsend", "localhost", port, *words], check=True, timeout=10)
    assert peer.settle() == []
    event = served[2].copy_table()[1]
    assert (event.gain, event.muted) == (0.5, True)
