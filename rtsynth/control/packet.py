"""OSC bytes to messages and back; python-osc decodes, nothing here trusts a length. Thread: any."""

from collections.abc import Iterator, Sequence

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from rtsynth.errors import ProtocolError
from rtsynth.units import ntp_to_seconds

__all__ = ["MAX_REPLY", "Message", "decode", "encode", "split"]

MAX_REPLY = 1_400
"""Longest datagram sent, bytes: fits an Ethernet frame."""

MAX_DEPTH = 8
MAX_MESSAGES = 1_024
BUNDLE = b"#bundle\0"
IMMEDIATELY = 1
TAGS = frozenset(b"ifsdhTFN")

Message = tuple[float | None, str, list[int | float | str | bool | None]]
"""Time (Unix seconds, `None` for now), address, arguments."""


def decode(data: bytes) -> list[Message]:
    """Every message of a packet, in order.

    Raises:
        ProtocolError: malformed, nested deeper than 8, or with types that rtsynth does not read.
    """
    found: list[Message] = []
    for tag, content in _walk(data, None, 1):
        if len(found) >= MAX_MESSAGES:
            raise ProtocolError(f"bundle of more than {MAX_MESSAGES} messages")
        found.append(_message(tag, content))
    return found


def encode(address: str, args: Sequence[object]) -> bytes:
    """A message; whole numbers as `i` (`h` when large), others as `f`."""
    builder = OscMessageBuilder(address)
    for arg in args:
        if isinstance(arg, bool):
            builder.add_arg(int(arg), "i")
        elif isinstance(arg, int):
            builder.add_arg(arg, "i" if -(2**31) <= arg < 2**31 else "h")
        elif isinstance(arg, float):
            builder.add_arg(arg, "f" if abs(arg) < 1e6 or abs(arg) > 1e30 else "d")
        else:
            builder.add_arg(str(arg), "s")
    dgram: bytes = builder.build().dgram
    return dgram


def split(address: str, head: Sequence[object], items: Sequence[Sequence[object]]) -> list[bytes]:
    """As few messages `address head item item …` as keep each within `MAX_REPLY` bytes."""
    packets = [encode(address, head)]
    held: list[object] = list(head)
    for item in items:
        longer = encode(address, [*held, *item])
        if len(longer) > MAX_REPLY and len(held) > len(head):
            packets.append(b"")
            held = list(head)
            longer = encode(address, [*held, *item])
        held += item
        packets[-1] = longer
    return packets


def _walk(data: bytes, tag: int | None, depth: int) -> Iterator[tuple[int | None, bytes]]:
    if len(data) % 4 or not data:
        raise ProtocolError(f"packet of {len(data)} bytes; legal: a multiple of 4, above 0")
    if not data.startswith(BUNDLE):
        yield tag, data
        return
    if depth > MAX_DEPTH or len(data) < 16:
        raise ProtocolError(f"bundles nested deeper than {MAX_DEPTH}, or cut short")
    own = int.from_bytes(data[8:16], "big")
    if own == IMMEDIATELY:
        own_tag = tag
    elif tag is not None and own < tag:
        raise ProtocolError("a nested bundle is due before the one around it")
    else:
        own_tag = own
    at = 16
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size > len(data) - at - 4:
            raise ProtocolError("bundle element longer than its packet")
        yield from _walk(data[at + 4 : at + 4 + size], own_tag, depth + 1)
        at += 4 + size


def _message(tag: int | None, data: bytes) -> Message:
    end = data.find(b"\0")
    begin = (end | 3) + 1
    if data[:1] != b"/" or end < 0 or data[begin : begin + 1] not in (b",", b""):
        raise ProtocolError("no OSC message: needs an address from '/' and a type tag from ','")
    tags = data[begin : data.find(b"\0", begin)] if begin < len(data) else b""
    if not TAGS.issuperset(tags[1:]):
        raise ProtocolError(f"type tags {tags[:40]!r}; legal: i f s d h T F N")
    try:
        message = OscMessage(data)
        address, params = message.address, message.params
    except Exception as error:  # python-osc lets UnicodeDecodeError, struct.error and others out
        raise ProtocolError(f"malformed OSC message ({type(error).__name__})") from None
    return (None if tag is None else ntp_to_seconds(tag)), address, params
