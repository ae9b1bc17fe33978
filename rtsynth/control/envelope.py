"""ZeroMQ bodies: JSON or msgpack, told by the first byte, validated. Thread: any."""

from typing import Any

import msgspec

from rtsynth.control.command import Command, parse, parse_named
from rtsynth.errors import ProtocolError, RtsynthError

__all__ = ["Failure", "Request", "Response", "commands_of", "encode_json", "read", "write"]

MAX_COMMANDS = 1_024


class Request(msgspec.Struct):
    """What a client sends; fields it does not know are ignored.

    `v` holds the arguments by name or in order; `t` is Unix seconds.
    """

    id: int | str
    op: str
    v: dict[str, Any] | list[Any] = msgspec.field(default_factory=dict)
    t: float | None = None


class Failure(msgspec.Struct, omit_defaults=True):
    """Why a request was not carried out."""

    code: str
    message: str
    field: str | None = None
    count: int = 0


class Response(msgspec.Struct, omit_defaults=True):
    """What the client gets back; `at_sample` is when, −1 for the next tick."""

    id: int | str | None
    ok: bool
    rev: int
    at_sample: int
    result: Any = None
    error: Failure | None = None


_JSON_IN = msgspec.json.Decoder(Request)
_MSGPACK_IN = msgspec.msgpack.Decoder(Request)
_JSON_OUT = msgspec.json.Encoder()
_MSGPACK_OUT = msgspec.msgpack.Encoder()


def read(body: bytes) -> tuple[Request, bool]:
    """The request, and whether it came as JSON.

    Raises:
        ProtocolError: neither a JSON object nor a msgpack map of the right fields.
    """
    is_json = body[:1] in (b"{", b" ", b"\n", b"\t", b"\r")
    try:
        request = (_JSON_IN if is_json else _MSGPACK_IN).decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"no request: {str(error)[:200]}") from None
    if isinstance(request.id, str) and len(request.id) > 256:
        raise ProtocolError("request id longer than 256 characters", field="id")
    return request, is_json


def write(response: Response, as_json: bool) -> bytes:
    """The bytes of a response."""
    return (_JSON_OUT if as_json else _MSGPACK_OUT).encode(response)


def encode_json(fields: dict[str, Any]) -> bytes:
    """The bytes of a telemetry body."""
    return _JSON_OUT.encode(fields)


def commands_of(request: Request, origin: tuple[Any, ...]) -> list[Command]:
    """The commands of a request; `bundle` holds several in `v.commands`.

    Raises:
        RtsynthError: one of them is none; the message says which.
    """
    if request.op != "bundle":
        return [_command(request.op, request.v, request, origin)]
    items = request.v.get("commands") if isinstance(request.v, dict) else request.v
    if not isinstance(items, list) or not 0 < len(items) <= MAX_COMMANDS:
        raise ProtocolError(
            f"bundle needs commands: a list of 1 … {MAX_COMMANDS} maps of op and v",
            field="commands",
        )
    commands = []
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not isinstance(item.get("op"), str):
            raise ProtocolError(f"bundle: command {index} has no op", field="commands")
        commands.append(_command(item["op"], item.get("v", {}), request, origin))
    return commands


def _command(op: str, values: Any, request: Request, origin: tuple[Any, ...]) -> Command:
    if isinstance(values, dict):
        return parse_named(op, values, request.t, request.id, origin)
    if isinstance(values, list):
        return parse(op, values, request.t, request.id, origin)
    raise ProtocolError(f"{op}: v must be a map or a list", field="v")


def failure(error: RtsynthError) -> Failure:
    """The error as the wire tells it."""
    unknown_op = error.code == "unknown_name" and error.field == "op"
    return Failure("unknown_op" if unknown_op else error.code, str(error)[:1000], error.field)
