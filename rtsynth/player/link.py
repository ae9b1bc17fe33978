"""JSON lines between control process and engine process. Thread: any writes, one reads.

Tiny messages, a few a minute: what has to be fast goes through the arena. The engine process has
its end on standard input and output; what libraries print goes elsewhere.
"""

import json
import logging
import threading
from collections.abc import Iterator
from typing import IO, Any

__all__ = ["Link", "LinkHandler"]

MAX_LINE = 65_536


class Link:
    """One end.

    Args:
        incoming, outgoing: open for reading and writing bytes.
    """

    def __init__(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._lock = threading.Lock()

    def say(self, **message: Any) -> bool:
        """Send one message; False if nobody is there any more."""
        line = json.dumps(message).encode() + b"\n"
        try:
            with self._lock:
                self._outgoing.write(line)
                self._outgoing.flush()
        except (OSError, ValueError):
            return False
        return True

    def heard(self) -> Iterator[dict[str, Any]]:
        """Every message until the other end closes; a line that is none is left out."""
        while True:
            try:
                line = self._incoming.readline(MAX_LINE)
            except (OSError, ValueError):
                return
            if not line:
                return
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                yield message

    def close(self) -> None:
        """Close both directions."""
        for stream in (self._outgoing, self._incoming):
            try:
                stream.close()
            except OSError:
                pass  # nobody reads what was not sent yet


class LinkHandler(logging.Handler):
    """Sends log records over a link."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def emit(self, record: logging.LogRecord) -> None:
        """Send one."""
        self._link.say(log=record.levelno, text=self.format(record))
