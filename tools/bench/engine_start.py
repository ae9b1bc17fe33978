"""From starting Python to the first sound, the kernels' cache being warm; the first block's time.

    python tools/bench/engine_start.py

The start is by the clock on the wall; the blocks are processor time, so that others count less, and
are asked for as a driver does, through the C function and at their times: between two blocks the
thread sleeps, and finds its caches as a stream does. Steady state is also measured in blocks one
right after the other, as no stream has them. Sixteen struck events of 64 modes begin with the first
block; what a later block takes in which they all begin again says how much of the first one is
their beginning, and how much that nothing has run before.
"""

import subprocess
import sys
import time
from pathlib import Path

CHILD = """
import ctypes, sys, time
import numpy as np
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
instrument = Instrument.blank(1, 64, attack_length=32, attack_rate=48000)
gain = np.full(64, 1e-3 + 0j)
instrument.set_modes(0, np.geomspace(80.0, 9e3, 64), np.full(64, 20.0), gain)
table = EventTable(Event(i + 1, 0.0, resonance=0) for i in range(16))
engine = Engine(EngineConfig(block_size=256), instrument, table)
out = np.zeros((256, 2), np.float32)
pointer, number = ctypes.c_void_p, ctypes.c_ulong
kind = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer, number, pointer, number, pointer)
call = kind(engine.callback_address)
given = 0, out.ctypes.data, len(out), 0, 0, engine.userdata_address
def block():
    began = time.thread_time()
    call(*given)
    return time.thread_time() - began
def stream(count):
    times, due = [], time.monotonic()
    for _ in range(count):
        due += 256 / 48000
        time.sleep(max(due - time.monotonic(), 0.0))
        times.append(block())
    return times
engine.post(Op.PLAY, 0, 0)
first = block()
heard = time.monotonic()
assert out.any()
steady = np.median(stream(400)[100:])
close = np.median([block() for _ in range(400)][100:])
again = []
for _ in range(9):
    engine.post(Op.PANIC)
    stream(50)
    assert engine.stats().voices == 0
    engine.post(Op.SEEK, 0, 0, 0, 0.0)
    engine.post(Op.PLAY)
    again += stream(1)
    assert engine.stats().voices == 16
print(heard, first, np.median(again), steady, close)
"""


def main() -> None:
    root = str(Path(__file__).parents[2])
    words = [sys.executable, "-c", CHILD]
    subprocess.run(words, cwd=root, check=True, capture_output=True)  # warms the cache
    found = []
    for _ in range(5):
        began = time.monotonic()
        done = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True)
        heard, *times = (float(n) for n in done.stdout.split())
        found.append((heard - began, times[0] / times[2], *(t * 1e6 for t in times)))
    seconds, ratio, first, again, steady, close = (
        sorted(column)[2] for column in zip(*found, strict=True)
    )
    print(
        f"start to first sound {seconds:.2f} s; first block {ratio:.2f} × steady state "
        f"({first:.0f} and {steady:.0f} µs; {again:.0f} where the same begins later; "
        f"steady blocks without a pause between them {close:.0f}; medians of 5)"
    )


if __name__ == "__main__":
    main()
