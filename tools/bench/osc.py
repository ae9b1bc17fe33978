"""OSC: messages per second through a real socket, losses, round trip; optionally a long fuzz.

    python tools/bench/osc.py [--fuzz 1000000]

The engine is a stand-in that takes everything, so that the wire and the session are measured.
"""

import argparse
import random
import resource
import socket
import statistics
import subprocess
import sys
import time

from stand_in import StandIn

from rtsynth.control import Control, Session
from rtsynth.control.packet import encode
from rtsynth.events import Event, EventTable
from rtsynth.params import COMMANDS

SENDER = """
import socket, sys, time
port, count, rate = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
packet = bytes.fromhex(sys.argv[4])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", port))
began = time.perf_counter()
for i in range(count):
    s.send(packet)
    while rate and i > (time.perf_counter() - began) * rate: pass
"""


def send(control: Control, packet: bytes, count: int, rate: float) -> tuple[float, int]:
    """Messages per second that were carried out, and how many were lost."""
    server = control.osc
    assert server is not None
    first = server.counts["messages"]
    words = [str(control.osc_port), str(count), str(rate), packet.hex()]
    began_s = 0.0
    with subprocess.Popen([sys.executable, "-c", SENDER, *words]) as sender:
        while server.counts["messages"] == first:
            time.sleep(0.0005)
        began_s = time.perf_counter()
        last, last_s = -1, began_s
        while sender.poll() is None or server.counts["messages"] != last:
            if server.counts["messages"] != last:
                last, last_s = server.counts["messages"], time.perf_counter()
            time.sleep(0.02)
    done = server.counts["messages"] - first
    return done / (last_s - began_s), count - done


def round_trip_us(port: int, count: int = 5_000) -> float:
    """Median time from a ping to its answer, microseconds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.connect(("127.0.0.1", port))
        packet, times = encode("/rts/ping", (1,)), []
        for _ in range(count):
            began_s = time.perf_counter()
            peer.send(packet)
            peer.recv(2_048)
            times.append(time.perf_counter() - began_s)
    return statistics.median(times) * 1e6


def fuzz(control: Control, count: int) -> None:
    """Mutated packets straight into the server; an exception would end the script."""
    server = control.osc
    assert server is not None
    generator = random.Random(1)
    values = {"id": 1, "f": 1.0, "i": 0, "b": 1, "path": "master/gain_db", "pairs": "gain"}
    seeds = [encode(f"/rts/{c.op}", [values[a.type] for a in c.args]) for c in COMMANDS]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(count):
        data = bytearray(generator.choice(seeds))
        for _ in range(generator.randint(1, 4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        server.receive(bytes(data), ("127.0.0.1", 9), 0.0)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"fuzz: {count} packets, {server.counts}, memory + {grown / 1024:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fuzz", type=int, default=0, help="number of mutated packets")
    options = parser.parse_args()
    table = EventTable(Event(i, name=f"e{i}") for i in range(1, 301))
    session = Session(StandIn(table), table)
    with Control(session, osc_port=0, zmq=False) as control:
        for name, packet in (
            ("exact", encode("/rts/event/trigger", (7, 0.5))),
            ("parameter", encode("/rts/param/master/gain_db", (-3.0,))),
            ("event/set", encode("/rts/event/set", (7, "gain", 0.5))),
            ("cached pattern", encode("/rts/param/master/gai?_db", (-3.0,))),
        ):
            rate, lost = send(control, packet, 100_000, 0.0)
            print(f"{name}: {rate:,.0f} messages/s as fast as they come ({lost} lost of 100000)")
        rate, lost = send(control, encode("/rts/event/trigger", (7,)), 50_000, 10_000.0)
        print(f"at 10 k/s: {lost} lost of 50000")
        print(f"round trip p50: {round_trip_us(control.osc_port):.0f} µs")
        if options.fuzz:
            fuzz(control, options.fuzz)


if __name__ == "__main__":
    main()
