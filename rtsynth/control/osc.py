"""The OSC server: one UDP socket, one receiving thread. Thread: osc, its own; `tell` hub."""

import errno
import logging
import re
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from rtsynth.control.arrival import receive, stamp_arrivals
from rtsynth.control.command import Command, parse
from rtsynth.control.loopback import check_host
from rtsynth.control.packet import Message, decode, encode, split
from rtsynth.control.pattern import is_pattern, matcher
from rtsynth.control.port import News
from rtsynth.control.session import Reply, Session
from rtsynth.errors import (
    PortInUseError,
    ProtocolError,
    RtsynthError,
    UnknownNameError,
    ValueRangeError,
)
from rtsynth.params import COMMANDS, PARAMS

__all__ = ["DEFAULT_OSC_PORT", "OscServer"]

DEFAULT_OSC_PORT = 57_140
RECEIVE_BUFFER = 8 << 20  # bytes; the system may grant less
MAX_LISTENERS = 64
MAX_CACHED = 1_024
LOG_PERIOD_S = 1.0
STOP_S = 0.9
ROOT = "/rts/"
GROUP = re.compile(r"/rts/group/([^/]+)/([a-z]+)")
GROUP_VERBS = frozenset({"set", "trigger", "mute", "solo", "choke", "free"})
SILENT = frozenset(c.op for c in COMMANDS if c.timed and c.op != "event/new")
"""Commands that are answered only when they fail; `event/new` tells the id."""

REPLIES = frozenset(
    f"/rts/{word}"
    for word in (
        "done",
        "fail",
        "synced",
        "status.reply",
        "describe.reply",
        "late",
        "go",
        "end",
        "feedback",
    )
)
"""Never answered, so that two servers cannot talk to each other for ever."""

Address = tuple[str, int]
Route = tuple[str, tuple[Any, ...]]

_logger = logging.getLogger(__name__)


def _routes() -> dict[str, Route]:
    routes: dict[str, Route] = {f"{ROOT}{c.op}": (c.op, ()) for c in COMMANDS}
    for row in PARAMS:
        routes[f"{ROOT}param/{row.path}"] = ("param/set", (row.path,))
        routes[f"{ROOT}param/{row.path}/mod"] = ("param/mod", (row.path,))
    return routes


NO_ARGUMENTS = frozenset(c.op for c in COMMANDS if not c.args)


class OscServer:
    """OSC over UDP.

    Args:
        session: carries the commands out.
        port: 0 for any free one.
        host: numeric address to listen on.
        allow: addresses that may send, needed (and used) when `host` is not loopback.

    Attributes:
        port: the one it listens on.
        counts: packets, messages, malformed, refused, unknown, foreign.

    Raises:
        PortInUseError: somebody else listens there.
        ValueRangeError: a host that other machines reach, and nobody is allowed.
    """

    def __init__(
        self,
        session: Session,
        port: int = DEFAULT_OSC_PORT,
        host: str = "127.0.0.1",
        allow: Sequence[str] = (),
    ) -> None:
        check_host(host, allow)
        self._session = session
        self._allow = frozenset(allow)
        self._socket = _bound(host, port)
        self._stamped = stamp_arrivals(self._socket)
        self.port: int = self._socket.getsockname()[1]
        self._host = "127.0.0.1" if host == "0.0.0.0" else host
        self._routes = _routes()
        self._resolved: dict[str, list[Route]] = {}
        self._listeners: dict[Address, None] = {}
        self._stopping = False
        self._logged_s = -LOG_PERIOD_S
        self._thread = threading.Thread(target=self._run, name="rtsynth-osc", daemon=True)
        self.counts = dict.fromkeys(
            ("packets", "messages", "malformed", "refused", "unknown", "foreign"), 0
        )

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self) -> None:
        """End within a second; the socket is closed."""
        self._stopping = True
        if self._thread.is_alive():
            try:  # wakes the receiving thread
                self._socket.sendto(b"", (self._host, self.port))
            except OSError:
                pass
            self._thread.join(STOP_S)
        self._socket.close()

    def clients(self) -> int:
        """Who have asked for news. Thread: any."""
        return len(self._listeners)

    def tell(self, news: News) -> None:
        """Pass news on to the client it is for, or to all who asked for it. Thread: hub."""
        packet = _news_packet(news)
        if packet is None:
            return
        if news.to is not None:
            if isinstance(news.to, tuple) and news.to[0] == "osc":
                self._send(packet, news.to[1])
            return
        for address in list(self._listeners):
            if news.source != ("osc", address):
                self._send(packet, address)

    def _run(self) -> None:
        while not self._stopping:
            try:
                data, address, arrived_s = receive(self._socket, 65_536, self._stamped)
            except OSError:  # a reply to a client that has gone comes back as an error here
                continue
            try:
                if data or not self._stopping:
                    self.receive(data, address, arrived_s)
            except Exception:  # a fault of ours must not end the server
                self._log("a packet could not be handled", exc_info=True)

    def receive(self, data: bytes, address: Address, arrived_s: float) -> None:
        """Handle one packet; never raises for what it holds."""
        self.counts["packets"] += 1
        if self._allow and address[0] not in self._allow and not address[0].startswith("127."):
            self.counts["foreign"] += 1
            return
        try:
            messages = decode(data)
        except ProtocolError as error:
            self.counts["malformed"] += 1
            self._log(str(error))
            self._fail("packet", error, address)
            return
        self.counts["messages"] += len(messages)
        self._carry_out(messages, address, arrived_s)

    def _carry_out(self, messages: list[Message], address: Address, arrived_s: float) -> None:
        word = "packet"
        try:
            commands: list[Command] = []
            for message in messages:
                word = message[1][len(ROOT) :][:80]
                commands += self._commands(message, address)
            word = commands[0].op if len(commands) == 1 else "bundle" if len(commands) > 1 else word
            replies = self._session.submit(commands, arrived_s=arrived_s) if commands else []
        except RtsynthError as error:
            self.counts["refused"] += 1
            self._fail(word, error, address)
            return
        for command, reply in zip(commands, replies, strict=True):
            if command.op not in SILENT:
                self._answer(command, reply, address)

    def _commands(self, message: Message, address: Address) -> list[Command]:
        time_s, path, args = message
        if not path.startswith(ROOT) and not is_pattern(path):
            self.counts["unknown"] += 1
            return []
        if path in REPLIES:
            return []
        origin = ("osc", address)
        return [
            parse(op, (*head, *rest), time_s, 0, origin)
            for op, head, rest in self._targets(path, args)
        ]

    def _targets(self, path: str, args: list[Any]) -> list[tuple[str, tuple[Any, ...], list[Any]]]:
        found = []
        for op, head in self._resolve(path):
            rest = args
            if op in NO_ARGUMENTS and len(args) == 1 and isinstance(args[0], int | float):
                if not args[0]:
                    continue  # a button let go
                rest = []
            if op == "param/set" and head and not args:
                op = "param/get"
            found.append((op, head, rest))
        return found

    def _resolve(self, path: str) -> list[Route]:
        route = self._routes.get(path)
        if route is not None:
            return [route]
        cached = self._resolved.get(path)
        if cached is None:
            cached = self._search(path)
            if len(self._resolved) >= MAX_CACHED:
                self._resolved.clear()
            self._resolved[path] = cached
        return cached

    def _search(self, path: str) -> list[Route]:
        group = GROUP.fullmatch(path)
        if group is not None and group[2] in GROUP_VERBS:
            return [(f"event/{group[2]}", (f"group/{group[1]}",))]
        routes: list[Route] = []
        if is_pattern(path):
            matches = matcher(path)
            routes = [route for address, route in self._routes.items() if matches(address)]
        if not routes:
            raise UnknownNameError(f"no address {path[:120]!r}; see /rts/describe", field="address")
        return routes

    def _answer(self, command: Command, reply: Reply, address: Address) -> None:
        result, op = reply.result, reply.op
        if op == "notify":
            self._notify(address, bool(result["on"]))
        if op == "status":
            packets = split("/rts/status.reply", (), list(result.items()))
        elif op == "event/list":
            packets = split("/rts/done", (op, result["page"], result["pages"]), result["events"])
        elif op == "event/get":
            fields = [item for pair in result["fields"].items() for item in pair]
            packets = [encode("/rts/done", (op, result["id"], *fields))]
        elif op == "describe":
            packets = _described(result)
        else:
            values = result.values()
            made = result.get("id", command.target)  # none where it came late and was dropped
            asked = (command.target,) if op == "event/new" and command.target != made else ()
            packets = [encode("/rts/done", (op, *values, *asked))]
        for packet in packets:
            self._send(packet, address)

    def _notify(self, address: Address, on: bool) -> None:
        listeners = dict(self._listeners)
        listeners.pop(address, None)
        if on:
            listeners[address] = None
            if len(listeners) > MAX_LISTENERS:
                del listeners[next(iter(listeners))]
        self._listeners = listeners  # replaced, never edited: the hub reads it

    def _fail(self, word: str, error: RtsynthError, address: Address) -> None:
        self._send(encode("/rts/fail", (word, error.code, str(error)[:400])), address)

    def _send(self, packet: bytes, address: Address) -> None:
        try:
            self._socket.sendto(packet, socket.MSG_DONTWAIT, address)
        except OSError:
            pass  # gone, or not reading: UDP promises nothing

    def _log(self, text: str, exc_info: bool = False) -> None:
        now_s = time.monotonic()
        if now_s - self._logged_s >= LOG_PERIOD_S:
            self._logged_s = now_s
            counts = self.counts
            _logger.warning(
                "osc: %s (%d malformed of %d packets so far)",
                text,
                counts["malformed"],
                counts["packets"],
                exc_info=exc_info,
            )


def _bound(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise ValueRangeError(f"port = {port}; legal: 0 … 65535", field="port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_DGRAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"UDP port {port} is in use; choose another, or 0 for any", field="port"
            ) from None
        raise ValueRangeError(f"cannot listen on {host}:{port} ({error.strerror})") from None
    return found


def _news_packet(news: News) -> bytes | None:
    if news.topic in ("stats", "nan"):
        return None
    if news.topic == "echo":
        return encode(f"{ROOT}{news.args[0]}", news.args[1:])
    return encode(f"{ROOT}{news.topic}", news.args)


def _described(result: dict[str, Any]) -> list[bytes]:
    address, packets = "/rts/describe.reply", []
    for row in result["commands"]:
        args = " ".join(f"[{a['name']}]" if a["optional"] else a["name"] for a in row["args"])
        packets.append(encode(address, ("command", row["op"], args, row["description"])))
    for kind, rows in (("param", result["params"]), ("event_param", result["event_params"])):
        keys = ("path", "minimum", "maximum", "default", "unit", "description")
        packets += [encode(address, (kind, *(row[k] for k in keys))) for row in rows]
    return [*packets, encode("/rts/done", ("describe", len(packets)))]
