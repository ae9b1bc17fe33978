"""When a datagram arrived: by the system's own stamp where it gives one.

A Python thread learns of a packet when the interpreter lets it run, milliseconds late beside a busy
thread. Linux stamps a datagram in the driver (SO_TIMESTAMPNS, see socket(7)); elsewhere the time at
which it was read has to do. Thread: osc.
"""

import socket
import struct
import sys
import time
from typing import Any

__all__ = ["receive", "stamp_arrivals"]

SO_TIMESTAMPNS = 35  # from Linux's asm-generic/socket.h; Python has no name for it
TIMESPEC = struct.Struct("@qq")
ANCILLARY = socket.CMSG_SPACE(TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
LONGEST_S = 1.0
"""An older stamp is one from before the wall clock was set."""


def stamp_arrivals(socket_: socket.socket) -> bool:
    """Ask the system to stamp what arrives; whether it will."""
    if sys.platform != "linux" or struct.calcsize("@l") != 8:
        return False
    try:
        socket_.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True


def receive(socket_: socket.socket, size: int, stamped: bool) -> tuple[bytes, Any, float]:
    """The next datagram, its source, and the `time.monotonic()` at which it arrived."""
    if not stamped:
        data, address = socket_.recvfrom(size)
        return data, address, time.monotonic()
    data, ancillary, _, address = socket_.recvmsg(size, ANCILLARY)
    now_s = time.monotonic()
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(content) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(content)
            age_s = time.time() - seconds - nanoseconds * 1e-9
            return data, address, now_s - age_s if 0.0 < age_s < LONGEST_S else now_s
    return data, address, now_s
