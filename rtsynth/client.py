"""The ZeroMQ client for scripted performance; light to import. Thread: any (one lock).

with Client() as rts:
    rts.trigger(12, velocity=0.8)
    with rts.bundle(at=time.time() + 0.5) as later:
        later.trigger("kick")
        later.set("snare", gain=0.5)
"""

import dataclasses
import itertools
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import msgspec
import zmq

from rtsynth import errors
from rtsynth.errors import ProtocolError, RtsynthError, ValueRangeError

__all__ = ["Client", "NoAnswerError", "Telemetry"]

DEFAULT_PORT = 57_141
VERSION_FRAME = b"rts/1"
EventId = int | str


class NoAnswerError(RtsynthError, TimeoutError):
    """The server did not answer in time."""

    code = "timeout"


@dataclasses.dataclass(frozen=True, slots=True)
class Telemetry:
    """One thing the server told; a gap in `seq` within a topic means that some were missed."""

    topic: str
    seq: int
    frame: int
    fields: dict[str, Any]


def _classes() -> dict[str, type[RtsynthError]]:
    found = [getattr(errors, name) for name in errors.__all__]
    return {c.code: c for c in found} | {"unknown_op": errors.UnknownNameError}


_CLASSES = _classes()


def _raise(error: dict[str, Any]) -> None:
    kind = _CLASSES.get(str(error.get("code")), RtsynthError)
    raise kind(str(error.get("message", "refused")), field=error.get("field"))


class _Verbs:
    """What can be asked for; `Client` sends it at once, a bundle keeps it."""

    def request(self, op: str, /, **values: Any) -> dict[str, Any]:
        """Ask for any command of the table by name."""
        raise NotImplementedError

    def trigger(self, event: EventId, velocity: float = 1.0) -> None:
        """Sound an event, a name, a pattern, `*` or `group/<name>`; velocity 0 … 4."""
        self.request("event/trigger", id=event, velocity=velocity)

    def set(self, event: EventId, **fields: float | str | bool) -> None:
        """Change fields, e.g. `gain=0.5, vector0=-6.0, name="kick"`."""
        self.request("event/set", id=event, fields=fields)

    def mute(self, event: EventId, on: bool = True) -> None:
        """Mute or unmute."""
        self.request("event/mute", id=event, on=on)

    def solo(self, event: EventId, on: bool = True) -> None:
        """Hear only soloed events."""
        self.request("event/solo", id=event, on=on)

    def choke(self, event: EventId) -> None:
        """Fade its sounding voices out."""
        self.request("event/choke", id=event)

    def free(self, event: EventId) -> None:
        """Choke it and take it out of the score."""
        self.request("event/free", id=event)

    def new(self, event: EventId = -1, **fields: float | str | bool) -> int:
        """Make an event; returns its id (−1 from a bundle, where it is not known yet)."""
        return int(self.request("event/new", id=event, fields=fields).get("id", -1))

    def play(self) -> None:
        """Play the score from where it stands."""
        self.request("transport/play")

    def pause(self) -> None:
        """Stop there; sounding voices ring on."""
        self.request("transport/pause")

    def seek(self, seconds: float) -> None:
        """Go to a time of the score."""
        self.request("transport/seek", seconds=seconds)

    def loop(self, on: bool = True, begin_s: float = 0.0, end_s: float = 0.0) -> None:
        """Repeat a stretch of the score; end 0 is the score's end."""
        self.request("transport/loop", on=on, begin_s=begin_s, end_s=end_s)

    def tempo(self, rate: float) -> None:
        """Rate of the score; 1 as recorded."""
        self.request("transport/tempo", rate=rate)

    def set_param(self, path: str, value: float) -> None:
        """Set a global parameter."""
        self.request("param/set", path=path, value=value)

    def mod(self, path: str, offset: float) -> None:
        """Offset a global parameter without changing its value."""
        self.request("param/mod", path=path, offset=offset)


class _Bundle(_Verbs):
    """Commands kept until the end of the `with` block."""

    def __init__(self, client: "Client", at: float | None) -> None:
        self._client, self._at = client, at
        self._commands: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []

    def request(self, op: str, /, **values: Any) -> dict[str, Any]:
        """Keep a command."""
        self._commands.append({"op": op, "v": values})
        return {}

    def __enter__(self) -> "_Bundle":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.send()

    def send(self) -> None:
        """Send what was kept, once; the end of the `with` block does it too."""
        commands, self._commands = self._commands, []
        if commands:
            reply = self._client.request_at("bundle", {"commands": commands}, self._at)
            self.results = reply.get("results", [])


class Client(_Verbs):
    """A connection to a running rtsynth.

    Args:
        port: of requests; urgent is one, telemetry two above, unless the server says otherwise.
        host: numeric address.
        timeout_s: how long to wait for an answer, seconds.

    Attributes:
        hello: what the server said about itself.
        revision: of the last answer; a change means that something was edited.

    Raises:
        ValueRangeError: `port` is no port.
        NoAnswerError: nobody answers there.
        RtsynthError: every method raises the class that the server's error code names.
    """

    def __init__(
        self, port: int = DEFAULT_PORT, host: str = "127.0.0.1", timeout_s: float = 2.0
    ) -> None:
        if type(port) is not int or not 0 < port < 65_536:
            raise ValueRangeError(
                f"port = {port!r}; legal: 1 … 65535, as `rtsynth serve` says it (57141)",
                field="port",
            )
        self._host, self._timeout_s = host, timeout_s
        self._lock = threading.Lock()
        self._urgent_lock = threading.Lock()
        self._ids = itertools.count(1)
        self._context = zmq.Context()
        self.revision = 0
        self._requests = self._connect(zmq.DEALER, port)
        try:
            self.hello = self.request("hello")
            self._urgent = self._connect(zmq.DEALER, int(self.hello["urgent_port"]))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; iterators over telemetry end with it."""
        self._context.destroy(linger=0)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def request(self, op: str, /, **values: Any) -> dict[str, Any]:
        """Ask for any command of the table by name; returns its result.

        Raises:
            RtsynthError: of the class that the server's code names; `NoAnswerError` without answer.
        """
        return self.request_at(op, values, None)

    def request_at(self, op: str, values: dict[str, Any], at: float | None) -> dict[str, Any]:
        """As `request`, carried out at a Unix time in seconds."""
        with self._lock:
            return self._ask(self._requests, op, values, at)

    def bundle(self, at: float | None = None) -> _Bundle:
        """Commands to be carried out at one sample, all or none; `at` is Unix seconds."""
        return _Bundle(self, at)

    def get(self, event: EventId) -> dict[str, Any]:
        """Every field of one event."""
        return self.request("event/get", id=event)

    def list(self) -> Iterator[tuple[int, float, str]]:
        """Id, onset in seconds and name of every event."""
        pages = itertools.count()
        for page in pages:
            found = self.request("event/list", page=page)
            yield from ((int(i), float(s), str(n)) for i, s, n in found["events"])
            if page + 1 >= found["pages"]:
                return

    def get_param(self, path: str) -> dict[str, Any]:
        """Value and offset of a global parameter."""
        return self.request("param/get", path=path)

    def status(self) -> dict[str, Any]:
        """Load, voices, counters, latency, transport."""
        return self.request("status")

    def describe(self) -> dict[str, Any]:
        """The table of commands and parameters."""
        return self.request("describe")

    def ping(self, value: float = 0.0) -> dict[str, Any]:
        """The engine's frame now and the server's Unix time; never waits behind other requests."""
        return self._urgently("ping", {"value": value})

    def panic(self) -> None:
        """Fade out everything and stop the transport; never waits behind other requests."""
        self._urgently("panic", {})

    def sync(self, number: int = 0) -> int:
        """Wait until the engine has done all that was sent untimed before."""
        return int(self.request("sync", number=number)["number"])

    def telemetry(self, *topics: str, timeout_s: float | None = None) -> Iterator[Telemetry]:
        """What the server tells: go, end, late, stolen, echo, stats …; all topics if none is named.

        Ends after `timeout_s` without news.
        """
        found = self._context.socket(zmq.SUB)
        for topic in topics or ("",):
            found.setsockopt_string(zmq.SUBSCRIBE, topic)
        found.setsockopt(zmq.LINGER, 0)
        found.connect(f"tcp://{self._host}:{self.hello['telemetry_port']}")
        return self._listen(found, timeout_s)

    def _listen(self, source: "zmq.Socket[bytes]", timeout_s: float | None) -> Iterator[Telemetry]:
        try:
            while source.poll(None if timeout_s is None else round(timeout_s * 1e3)):
                topic, _, body = source.recv_multipart()
                fields = msgspec.json.decode(body)
                seq, frame = int(fields.pop("seq")), int(fields.pop("frame"))
                yield Telemetry(topic.decode(), seq, frame, fields)
        except zmq.ContextTerminated:
            return
        finally:
            source.close()

    def _urgently(self, op: str, values: dict[str, Any]) -> dict[str, Any]:
        with self._urgent_lock:
            return self._ask(self._urgent, op, values, None)

    def _connect(self, kind: int, port: int) -> "zmq.Socket[bytes]":
        found = self._context.socket(kind)
        found.setsockopt(zmq.LINGER, 0)
        found.connect(f"tcp://{self._host}:{port}")
        return found

    def _ask(
        self, dealer: "zmq.Socket[bytes]", op: str, values: dict[str, Any], at: float | None
    ) -> dict[str, Any]:
        number = next(self._ids)
        request: dict[str, Any] = {"id": number, "op": op, "v": values}
        if at is not None:
            request["t"] = at
        dealer.send_multipart([VERSION_FRAME, msgspec.msgpack.encode(request)])
        deadline_s = time.monotonic() + self._timeout_s
        while True:
            reply = self._receive(dealer, op, deadline_s)
            if reply.get("id") in (number, None):  # others are answers that came after a timeout
                break
        self.revision = int(reply["rev"])
        if not reply["ok"]:
            _raise(reply["error"])
        result = reply.get("result") or {}
        return dict(result)

    def _receive(self, dealer: "zmq.Socket[bytes]", op: str, deadline_s: float) -> dict[str, Any]:
        wait_ms = max(0, round((deadline_s - time.monotonic()) * 1e3))
        if not dealer.poll(wait_ms):
            raise NoAnswerError(
                f"no answer to {op} within {self._timeout_s:g} s from {self._host}; is it running?"
            )
        frames = dealer.recv_multipart()
        try:
            found = msgspec.msgpack.decode(frames[-1])
        except msgspec.DecodeError:
            found = None
        if not isinstance(found, dict):
            raise ProtocolError("the answer cannot be read; is it an rtsynth of this version?")
        return found
