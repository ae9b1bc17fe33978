"""From starting Python to the first sound, the kernels' cache being warm; the first block's time.

    python tools/bench/engine_start.py

The start is by the clock on the wall; the blocks are processor time, so that others count less.
"""

import subprocess
import sys
import time
from pathlib import Path

CHILD = """
import sys, time
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
engine.post(Op.PLAY, 0, 0)
times = []
for block in range(400):
    began = time.thread_time()
    engine.process(out)
    times.append(time.thread_time() - began)
    if block == 0:
        heard = time.monotonic()
        assert out.any()
print(heard, times[0], float(np.median(times[100:])))
"""


def main() -> None:
    root = str(Path(__file__).parents[2])
    words = [sys.executable, "-c", CHILD]
    subprocess.run(words, cwd=root, check=True, capture_output=True)  # warms the cache
    found = []
    for _ in range(5):
        began = time.monotonic()
        done = subprocess.run(words, cwd=root, check=True, capture_output=True, text=True)
        heard, first, steady = (float(n) for n in done.stdout.split())
        found.append((heard - began, first / steady, first * 1e6, steady * 1e6))
    seconds, ratio, first_us, steady_us = (sorted(column)[2] for column in zip(*found, strict=True))
    print(
        f"start to first sound {seconds:.2f} s; first block {ratio:.2f} × steady state "
        f"({first_us:.0f} and {steady_us:.0f} µs; medians of 5)"
    )


if __name__ == "__main__":
    main()
