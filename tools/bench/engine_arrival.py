"""Untagged OSC: from a trigger's arrival to the engine's inbox, beside a Python loop; its jitter.

    python tools/bench/engine_arrival.py [--margin FRAMES]

A process of its own sends numbered triggers over UDP at random moments and says when. Arrival is
the system's stamp on the datagram; `from sending` counts what the sender itself is kept waiting
between looking at its clock and the system's call, too. The engine plays on JACK's dummy driver at
48 kHz/128, or, without JACK, in the null device's thread, which is late itself beside a busy
interpreter; a thread computes in Python all the while. Jitter is the spread of (frame on which the
event sounded − frame it was given on arrival), in samples, once the stream's clock has settled;
what comes too late for its frame is in it, and counted.
"""

import argparse
import contextlib
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.audio import NullDevice, PortAudioDevice
from rtsynth.control import Control, Session
from rtsynth.control.packet import encode
from rtsynth.engine import Engine, EngineConfig, NoticeKind, Op
from rtsynth.engine.ops import Operation
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from rtsynth.player.pulse import SWITCH_INTERVAL_S
from rtsynth.player.realtime import start_receiving
from tests.audio.jack import JackServer

RATE, BLOCK = 48_000, 128
SETTLE_S = 3.0
SENDER = """
import random, socket, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
packets = [bytes.fromhex(word) for word in sys.stdin.read().split()]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", port))
r, times = random.Random(1), []
for packet in packets:
    time.sleep(0.003 + 0.007 * r.random())
    times.append(time.monotonic()); s.send(packet)
print(*times)
"""


class Noting(Engine):
    """An engine that notes when each trigger came to its inbox, for which frame, and its arrival.

    Attributes:
        noted: by velocity.
        arrived_s: of the packet that is being read.
    """

    def __init__(self, *args: Any) -> None:
        self.noted: dict[float, tuple[float, int, float]] = {}
        self.arrived_s = 0.0
        super().__init__(*args)

    def post_all(self, operations: Sequence[Operation]) -> None:
        """Note triggers once they are in."""
        super().post_all(operations)
        for op, _, frame, _, numbers in operations:
            if op is Op.TRIGGER:
                self.noted[numbers[0]] = time.monotonic(), frame, self.arrived_s


def loop(quit_: threading.Event) -> None:
    """Compute in Python and never rest."""
    while not quit_.is_set():
        sum(i * i for i in range(10_000))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--margin", type=int, default=EngineConfig().margin, help="frames")
    options = parser.parse_args()
    count = options.count
    instrument = Instrument.blank(1, 1, attack_length=32, attack_rate=RATE)
    instrument.set_modes(0, np.array([440.0]), np.array([0.02]), np.array([1e-3 + 0j]))
    table = EventTable([Event(1, resonance=0)])
    config = EngineConfig(sample_rate=RATE, block_size=BLOCK, margin=options.margin)
    engine = Noting(config, instrument, table)
    velocities = [0.5 + 0.25 * i / count for i in range(count)]
    packets = [encode("/rts/event/trigger", (1, v)) for v in velocities]
    velocities = [float(np.float32(v)) for v in velocities]
    sounded: dict[float, int] = {}
    quit_ = threading.Event()
    gc.collect()
    gc.freeze()  # as the service does
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep = engine.notices

    def notices() -> Any:
        found = keep()
        sounded.update({n.value: n.frame for n in found if n.kind is NoticeKind.GO})
        return found

    engine.notices = notices  # type: ignore[method-assign]
    session = Session(engine, table)
    keep_submit = session.submit

    def submit(*args: Any, **named: Any) -> Any:
        engine.arrived_s = named.get("arrived_s") or time.monotonic()
        return keep_submit(*args, **named)

    session.submit = submit  # type: ignore[method-assign]
    server = JackServer(RATE, BLOCK)
    jack = server.start()
    device = (
        PortAudioDevice(engine, "JACK", block_size=BLOCK)
        if jack
        else NullDevice(engine, block_size=BLOCK)
    )
    control = Control(session, osc_port=0, zmq=False)
    with device, contextlib.ExitStack() as at_end:
        control.start(start_receiving)  # as `rtsynth serve` does
        at_end.callback(control.stop)
        threading.Thread(target=loop, args=(quit_,), daemon=True).start()
        time.sleep(SETTLE_S)
        words = [sys.executable, "-c", SENDER, str(control.osc_port), str(count)]
        given = " ".join(packet.hex() for packet in packets)
        done = subprocess.run(words, input=given, capture_output=True, text=True, check=True)
        time.sleep(0.3)
        quit_.set()
    if jack:
        server.stop()
    sent = [float(word) for word in done.stdout.split()]
    came = [v for v in velocities if v in engine.noted]
    waits = [engine.noted[v][0] - engine.noted[v][2] for v in came]
    since = [engine.noted[v][0] - s for v, s in zip(velocities, sent, strict=True) if v in came]
    spread = [sounded[v] - engine.noted[v][1] for v in came if v in sounded]
    p50, p99 = np.percentile(waits, [50, 99]) * 1e3
    sent50, sent99 = np.percentile(since, [50, 99]) * 1e3
    print(
        f"arrival: p50 {p50:.2f} ms, p99 {p99:.2f} ms beside a Python loop, on {device.name} "
        f"(from sending {sent50:.2f} and {sent99:.2f}); "
        f"jitter {max(spread) - min(spread)} samples; {len(spread)} of {count} sounded, "
        f"{engine.stats().late} late"
    )


if __name__ == "__main__":
    main()
