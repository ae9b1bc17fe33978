"""Everything that listens, started and stopped together. Thread: main."""

from collections.abc import Callable, Sequence
from operator import call

from rtsynth.control.hub import Hub
from rtsynth.control.osc import DEFAULT_OSC_PORT, OscServer
from rtsynth.control.port import Listener
from rtsynth.control.session import Session
from rtsynth.control.zeromq import DEFAULT_ZMQ_PORT, ZmqServer

__all__ = ["Control"]


class Control:
    """OSC and ZeroMQ servers over one session; a context manager.

    The sockets are bound here, so that a port in use is known before anything runs.

    Args:
        session: shared by both.
        osc_port: UDP; 0 for any free one.
        zmq_port: base of three TCP ports; 0 for any free ones.
        osc, zmq: whether to serve each.
        host: numeric address that OSC listens on; ZeroMQ is loopback only.
        osc_allow: addresses that may send OSC when `host` is not loopback.

    Attributes:
        osc_port: bound, 0 if not served.
        zmq_ports: bound (requests, urgent, telemetry), empty if not served.

    Raises:
        PortInUseError: somebody else listens there; nothing is left open.
        ValueRangeError: a host that other machines reach, and nobody is allowed.
    """

    def __init__(
        self,
        session: Session,
        *,
        osc_port: int = DEFAULT_OSC_PORT,
        zmq_port: int = DEFAULT_ZMQ_PORT,
        osc: bool = True,
        zmq: bool = True,
        host: str = "127.0.0.1",
        osc_allow: Sequence[str] = (),
    ) -> None:
        self.osc = OscServer(session, osc_port, host, osc_allow) if osc else None
        try:
            self.zmq = ZmqServer(session, zmq_port) if zmq else None
        except BaseException:
            if self.osc is not None:
                self.osc.stop()
            raise
        self.osc_port = self.osc.port if self.osc else 0
        self.zmq_ports: tuple[int, ...] = self.zmq.ports if self.zmq else ()
        listeners: list[Listener] = [s for s in (self.osc, self.zmq) if s is not None]
        self._hub = Hub(session, listeners)

    def clients(self) -> int:
        """How many listen or have asked for something lately. Thread: any."""
        return sum(server.clients() for server in (self.osc, self.zmq) if server is not None)

    def start(self, start_receiving: Callable[[Callable[[], None]], None] = call) -> None:
        """Begin to serve; `start_receiving(start)` starts what waits for messages."""
        self._hub.start()
        for server in (self.osc, self.zmq):
            if server is not None:
                start_receiving(server.start)

    def stop(self) -> None:
        """End every thread and close every socket, within a second each."""
        for server in (self._hub, self.osc, self.zmq):
            if server is not None:
                server.stop()

    def __enter__(self) -> "Control":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
