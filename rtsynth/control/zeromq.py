"""The ZeroMQ server: requests, urgent requests, telemetry. Thread: zmq, its own; `tell` hub."""

import dataclasses
import logging
import socket
import threading
import time
from collections import deque
from typing import Any

import zmq

from rtsynth.control.envelope import (
    Failure,
    Response,
    commands_of,
    encode_json,
    failure,
    read,
    write,
)
from rtsynth.control.port import News
from rtsynth.control.query import PROTOCOL, table_hash, version
from rtsynth.control.session import Session
from rtsynth.errors import PortInUseError, ProtocolError, RtsynthError, ValueRangeError

__all__ = ["DEFAULT_ZMQ_PORT", "VERSION_FRAME", "ZmqServer"]

DEFAULT_ZMQ_PORT = 57_141
VERSION_FRAME = b"rts/1"
URGENT_OPS = frozenset({"panic", "transport/pause", "ping", "hello"})
MAX_MESSAGE = 1 << 20  # bytes; a longer one closes the connection
HIGH_WATER = 1_000  # messages held for one client by ZeroMQ itself
MAX_CLIENTS = 1_024
BURST = 32  # requests between two looks at the urgent socket
RETRY_MS = 50
MAX_OUTBOX = 16_384
CLIENT_S = 10.0  # without a request, and a client counts no more
STOP_S = 0.9

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class _Client:
    """Somebody who does not read his replies: how many were left out."""

    missed: int = 0
    as_json: bool = True


class ZmqServer:
    """ROUTER for requests, ROUTER for `panic`, `transport/pause` and `ping`, XPUB for telemetry.

    A client that does not read is marked slow: the replies that do not fit any more are counted,
    its requests are refused meanwhile, and as soon as it reads again it is told how many it missed
    (error code `slow_client` with `count`). Nothing is dropped in silence.

    Args:
        session: carries the commands out.
        port: of requests; urgent is one, telemetry two above. 0 for any free ones.

    Attributes:
        ports: requests, urgent, telemetry.
        counts: requests, refused, malformed, missed, dead.

    Raises:
        PortInUseError: somebody else listens there.
    """

    def __init__(self, session: Session, port: int = DEFAULT_ZMQ_PORT) -> None:
        if not 0 <= port <= 65_533:
            raise ValueRangeError(f"port = {port}; legal: 0 … 65533", field="port")
        self._session = session
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        try:
            kinds = (zmq.ROUTER, zmq.ROUTER, zmq.XPUB)
            bound = [self._bind(k, port + i if port else 0) for i, k in enumerate(kinds)]
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self.ports = (bound[0], bound[1], bound[2])
        self._requests, self._urgent, self._telemetry = self._sockets
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._outbox: deque[News] = deque(maxlen=MAX_OUTBOX)
        self._numbers: dict[str, int] = {}
        self._slow: dict[tuple[int, bytes], _Client] = {}
        self._asked_s: dict[bytes, float] = {}  # by client, the last first to go
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="rtsynth-zmq", daemon=True)
        self.counts = dict.fromkeys(("requests", "refused", "malformed", "missed", "dead"), 0)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End within a second; the sockets are closed."""
        self._stopping = True
        if self._thread.is_alive():
            self._wake()
            self._thread.join(STOP_S)
        self._context.destroy(linger=0)
        self._wake_in.close()
        self._wake_out.close()

    def clients(self) -> int:
        """Who have asked for something in the last ten seconds. Thread: any."""
        now_s = time.monotonic()
        return sum(now_s - asked_s < CLIENT_S for asked_s in list(self._asked_s.values()))

    def tell(self, news: News) -> None:
        """Publish news, or answer the client it is for. Thread: hub."""
        if news.to is None or (isinstance(news.to, tuple) and news.to[0] == "zmq"):
            self._outbox.append(news)
            self._wake()

    def _bind(self, kind: int, port: int) -> int:
        found = self._context.socket(kind)
        self._sockets.append(found)
        found.setsockopt(zmq.LINGER, 0)
        found.setsockopt(zmq.SNDHWM, HIGH_WATER)
        found.setsockopt(zmq.RCVHWM, HIGH_WATER)
        found.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        found.setsockopt(zmq.HEARTBEAT_IVL, 1_000)
        found.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3_000)
        if kind == zmq.ROUTER:
            found.setsockopt(zmq.ROUTER_MANDATORY, 1)
        try:
            found.bind(f"tcp://127.0.0.1:{port or '*'}")
        except zmq.ZMQError as error:
            raise PortInUseError(
                f"cannot listen on TCP port {port} ({error.strerror}); choose another, or 0",
                field="port",
            ) from None
        return int(found.getsockopt_string(zmq.LAST_ENDPOINT).rsplit(":", 1)[1])

    def _wake(self) -> None:
        try:
            self._wake_out.send(b"x")
        except OSError:
            pass  # full: awake already; closed: stopping

    def _run(self) -> None:
        poller = zmq.Poller()
        for source in (*self._sockets, self._wake_in):
            poller.register(source, zmq.POLLIN)
        while not self._stopping:
            try:
                ready = dict(poller.poll(RETRY_MS if self._slow else 1_000))
                if self._wake_in.fileno() in ready:
                    self._wake_in.recv(4_096)
                self._turn()
            except Exception:  # a fault of ours must not end the server
                _logger.exception("zeromq: a request could not be handled")

    def _turn(self) -> None:
        while self._serve(self._urgent):
            pass
        for _ in range(BURST):
            if not self._serve(self._requests):
                break
        self._publish()
        for key in list(self._slow):
            self._tell_missed(key)
        while self._telemetry.poll(0):
            self._telemetry.recv_multipart()  # subscriptions; ZeroMQ keeps them itself

    def _serve(self, router: "zmq.Socket[bytes]") -> bool:
        try:
            frames = router.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return False
        arrived_s = time.monotonic()
        self.counts["requests"] += 1
        identity, as_json = frames[0], True
        self._asked_s.pop(identity, None)
        self._asked_s[identity] = arrived_s
        if len(self._asked_s) > MAX_CLIENTS:
            del self._asked_s[next(iter(self._asked_s))]
        request_id: int | str | None = None
        try:
            if len(frames) != 3 or frames[1] != VERSION_FRAME:
                raise ProtocolError(
                    f"{len(frames) - 1} frames; legal: {VERSION_FRAME!r} and a body"
                )
            as_json = frames[2][:1] not in _MSGPACK_MAPS
            request, as_json = read(frames[2])
            request_id = request.id
            response = self._respond(request, (identity, as_json), router, arrived_s)
        except RtsynthError as error:
            self.counts["malformed" if isinstance(error, ProtocolError) else "refused"] += 1
            rev = self._session.revision
            response = Response(request_id, False, rev, self._session.engine.frame)
            response.error = failure(error)
        if response is not None:
            self._send(router, identity, response, as_json)
        return True

    def _respond(
        self,
        request: Any,
        sender: tuple[bytes, bool],
        router: "zmq.Socket[bytes]",
        arrived_s: float,
    ) -> Response | None:
        """The response; `None` for `sync`, which is answered when the engine has done it."""
        if router is self._urgent and request.op not in URGENT_OPS:
            raise ProtocolError(
                f"{request.op[:40]!r} on the urgent port; legal: {', '.join(sorted(URGENT_OPS))}",
                field="op",
            )
        if request.op == "hello":
            frame = self._session.engine.frame
            return Response(request.id, True, self._session.revision, frame, self._hello())
        if (self._key(router), sender[0]) in self._slow and router is self._requests:
            raise ProtocolError("replies are not being read, so nothing is carried out")
        commands = commands_of(request, ("zmq", *sender))
        replies = self._session.submit(commands, arrived_s=arrived_s)
        if request.op == "sync":
            return None
        last = replies[-1]
        result = {"results": [r.result for r in replies]} if request.op == "bundle" else last.result
        return Response(request.id, True, last.revision, last.frame, result)

    def _hello(self) -> dict[str, Any]:
        engine = self._session.engine
        return {
            **version(),
            "protocol_min": PROTOCOL,
            "protocol_max": PROTOCOL,
            "table": table_hash(),
            "sample_rate": engine.sample_rate,
            "channels": engine.channels,
            "urgent_port": self.ports[1],
            "telemetry_port": self.ports[2],
            "capabilities": ["json", "msgpack", "bundle", "telemetry"],
        }

    def _publish(self) -> None:
        while self._outbox:
            news = self._outbox.popleft()
            if isinstance(news.to, tuple):
                self._answer_later(news, news.to)
            else:
                self._publish_one(news)

    def _publish_one(self, news: News) -> None:
        number = self._numbers[news.topic] = self._numbers.get(news.topic, 0) + 1
        body = {"seq": number, "frame": news.frame, **_named(news)}
        try:
            self._telemetry.send_multipart(
                [news.topic.encode(), VERSION_FRAME, encode_json(body)], zmq.NOBLOCK
            )
        except zmq.Again:
            pass  # a subscriber that does not read sees a gap in `seq`

    def _answer_later(self, news: News, to: tuple[Any, ...]) -> None:
        _, identity, as_json = to
        response = Response(news.request, True, self._session.revision, news.frame)
        if news.topic == "synced":
            response.result = {"number": news.args[0]}
        elif news.args[0] == "sync":
            response.ok, response.error = False, Failure(news.args[1], news.args[2])
        else:
            self._publish_one(news)  # its request was answered when it was accepted
            return
        self._send(self._requests, identity, response, as_json)

    def _send(
        self, router: "zmq.Socket[bytes]", identity: bytes, response: Response, as_json: bool
    ) -> None:
        key = self._key(router), identity
        if key in self._slow:
            self._tell_missed(key)
        if key in self._slow or not self._try(router, identity, write(response, as_json), key):
            client = self._slow.get(key)
            if client is not None:
                client.missed += 1
                client.as_json = as_json
                self.counts["missed"] += 1

    def _try(
        self, router: "zmq.Socket[bytes]", identity: bytes, body: bytes, key: tuple[int, bytes]
    ) -> bool:
        """Send, or mark the client slow, or forget it if it is gone."""
        try:
            router.send_multipart([identity, VERSION_FRAME, body], zmq.NOBLOCK)
            return True
        except zmq.Again:
            if key not in self._slow:
                if len(self._slow) >= MAX_CLIENTS:
                    del self._slow[next(iter(self._slow))]
                self._slow[key] = _Client()
                news = News("slow", (identity.hex(),), self._session.engine.frame)
                self._publish_one(news)
        except zmq.ZMQError:  # EHOSTUNREACH
            self._slow.pop(key, None)
            self.counts["dead"] += 1
        return False

    def _tell_missed(self, key: tuple[int, bytes]) -> None:
        client = self._slow[key]
        router = self._urgent if key[0] else self._requests
        text = f"{client.missed} replies were left out because they were not read"
        error = Failure("slow_client", text, count=client.missed)
        response = Response(
            None, False, self._session.revision, self._session.engine.frame, error=error
        )
        if self._try(router, key[1], write(response, client.as_json), key):
            self._slow.pop(key, None)

    def _key(self, router: "zmq.Socket[bytes]") -> int:
        return int(router is self._urgent)


_MSGPACK_MAPS = frozenset(bytes([b]) for b in (*range(0x80, 0x90), 0xDE, 0xDF))
_FIELDS = {
    "late": ("event", "seconds", "action"),
    "fail": ("op", "code", "message"),
    "xrun": ("cause", "count"),
    "slow": ("client",),
    "feedback": ("gain",),
    "device": ("state", "text"),
}


def _named(news: News) -> dict[str, Any]:
    if news.topic == "stats":
        return dict(news.args[0])
    if news.topic == "echo":
        return {"op": news.args[0], "args": list(news.args[1:])}
    return dict(zip(_FIELDS.get(news.topic, ("event",)), news.args, strict=False))
