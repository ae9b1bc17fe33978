"""The compiled callback against a Python one, on JACK without hardware, beside Python CPU loops.

    python tools/bench/callback.py --seconds 10

Both call the same engine with the same events. Due is what the clock of the wall asks for;
delivered is what the engine counted; flags are output underflows the driver told the callback.
"""

import argparse
import contextlib
import dataclasses
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.audio import PortAudioDevice
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from tests.audio.jack import JackServer

RATE = 48_000
HEADING = ("callback", "beside", "due", "delivered", "flags", "own", "p50 µs", "p99 µs", "max µs")


@dataclasses.dataclass(frozen=True)
class Row:
    """One measurement, in the order of `HEADING`."""

    callback: str
    beside: str
    due: int
    delivered: int
    flags: int
    own: int
    p50_us: float
    p99_us: float
    max_us: float


def build_engine(events: int, modes: int, block_size: int) -> Engine:
    """An engine on which `events` bells of `modes` modes ring all the while."""
    instrument = Instrument.blank(1, modes, attack_length=32, attack_rate=RATE)
    freq_hz = np.geomspace(80.0, 12_000.0, modes)
    instrument.set_modes(0, freq_hz, np.full(modes, 60.0), np.full(modes, 1e-3 + 0j))
    table = EventTable([Event(i + 1, 0.0, resonance=0, seed=i) for i in range(events)])
    return Engine(EngineConfig(sample_rate=RATE, block_size=block_size), instrument, table)


@contextlib.contextmanager
def python_loops(count: int, *, collecting: bool) -> Iterator[None]:
    """`count` threads that compute in Python and never rest, and one that collects garbage."""
    quit_ = threading.Event()

    def compute() -> None:
        while not quit_.is_set():
            sum(i * i for i in range(10_000))

    def collect() -> None:
        while not quit_.is_set():
            gc.collect()

    threads = [threading.Thread(target=compute, daemon=True) for _ in range(count)]
    threads += [threading.Thread(target=collect, daemon=True)] * collecting
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        quit_.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def compiled(engine: Engine, block_size: int) -> Iterator[Callable[[], int]]:
    """The engine's own callback; yields what counts the driver's flags."""
    with PortAudioDevice(engine, "JACK", block_size=block_size):
        yield lambda: engine.stats().xruns_output


@contextlib.contextmanager
def interpreted(engine: Engine, block_size: int) -> Iterator[Callable[[], int]]:
    """A Python function as the callback, calling the same engine."""
    import sounddevice

    flags = [0]

    def callback(out: Any, frames: int, info: Any, status: Any) -> None:
        flags[0] += bool(status.output_underflow)
        engine.process(out)

    with sounddevice.OutputStream(
        samplerate=RATE, blocksize=block_size, channels=2, dtype="float32", callback=callback
    ):
        yield lambda: flags[0]


def measure(stream: Any, name: str, beside: str, engine: Engine, block_size: int, s: float) -> Row:
    """Let `stream` play the engine for `s` seconds."""
    engine.post(Op.PLAY)
    with stream(engine, block_size) as flags:
        time.sleep(0.5)
        before, flags_before, own_before = engine.stats(), flags(), engine.stats().xruns_own
        begin = time.monotonic()
        time.sleep(s)
        due = (time.monotonic() - begin) * RATE / block_size
        after, flags_after = engine.stats(), flags()
    body_us = engine.body_times_ns() * 1e-3
    p50, p99, worst = np.percentile(body_us, (50, 99, 100))
    delivered = after.blocks - before.blocks
    own = after.xruns_own - own_before
    return Row(
        name, beside, round(due), delivered, flags_after - flags_before, own, p50, p99, worst
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--block-size", type=int, default=256)
    parser.add_argument("--loops", type=int, default=4)
    parser.add_argument("--events", type=int, default=16)
    parser.add_argument("--modes", type=int, default=64)
    parser.add_argument("--gc", action="store_true", help="a garbage-collecting thread as well")
    args = parser.parse_args()
    server = JackServer(RATE, args.block_size)
    if not server.start():
        sys.exit("callback.py: jackd does not start, or PortAudio does not see it")
    print(f"{RATE} Hz, {args.block_size} frames, {args.events} events of {args.modes} modes")
    print(("{:>13}" * len(HEADING)).format(*HEADING))
    crowd = f"{args.loops} loops" + " +gc" * args.gc
    for stream, name in ((compiled, "compiled"), (interpreted, "Python")):
        for loops, beside in ((0, "idle"), (args.loops, crowd)):
            engine = build_engine(args.events, args.modes, args.block_size)
            with python_loops(loops, collecting=args.gc and loops > 0):
                row = measure(stream, name, beside, engine, args.block_size, args.seconds)
            print(("{:>13}" * 6 + "{:>13.1f}" * 3).format(*dataclasses.astuple(row)), flush=True)
    server.stop()


if __name__ == "__main__":
    main()
