"""ZeroMQ: round trip and validated requests per second over TCP.

python tools/bench/zeromq.py
"""

import subprocess
import sys

from stand_in import StandIn

from rtsynth.control import Control, Session
from rtsynth.events import Event, EventTable

ROUND_TRIP = """
import sys, time, statistics
from rtsynth.client import Client
with Client(int(sys.argv[1])) as client:
    for op in ("ping", "trigger"):
        ask = client.ping if op == "ping" else lambda: client.trigger(7)
        times = []
        for _ in range(5000):
            began = time.perf_counter(); ask(); times.append(time.perf_counter() - began)
        print(f"{op}: round trip p50 {statistics.median(times) * 1e6:.0f} µs, "
              f"p99 {statistics.quantiles(times, n=100)[-1] * 1e6:.0f} µs")
"""
FLOOD = """
import sys, time, zmq, msgspec
context = zmq.Context(); s = context.socket(zmq.DEALER); s.connect(f"tcp://127.0.0.1:{sys.argv[1]}")
body = msgspec.msgpack.encode({"id": 1, "op": "event/trigger", "v": {"id": 7, "velocity": 0.5}})
count, flying, done = 60000, 0, 0
began = time.perf_counter()
while done < count:
    while flying < 200 and flying + done < count:
        s.send_multipart([b"rts/1", body]); flying += 1
    s.recv_multipart(); flying -= 1; done += 1
print(f"requests: {count / (time.perf_counter() - began):,.0f} /s with 200 in flight, 0 unanswered")
context.destroy(linger=0)
"""


def main() -> None:
    table = EventTable(Event(i) for i in range(1, 301))
    with Control(Session(StandIn(table), table), osc=False, zmq_port=0) as control:
        for script in (ROUND_TRIP, FLOOD):
            subprocess.run([sys.executable, "-c", script, str(control.zmq_ports[0])], check=True)


if __name__ == "__main__":
    main()
