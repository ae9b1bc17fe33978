"""How many events the grain renderer carries in real time, and what they cost the audio thread.

    python tools/bench/grains.py --events 8 32 128 --modes 32

A hop of 256 frames at 48 kHz has to be rendered in half its time, 2.67 ms, 99 times in 100. It is
timed with all that the worker does: copying its record into a batch, the batch, and the sound out.
`ringing`: modes alone; `bowed`: and a bow on them; `attacking`: under a field whose attack is
rendered at full rate, of all events at once.
The audio thread's time for a hop is its own, so that a busy machine counts less. On a CUDA device
where there is one, else on one core; the first line says which.
"""

import argparse
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.dsp.grain import HOP
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from rtsynth.render import advance, drawer_for
from rtsynth.render.grains import GrainWorker
from tests.engine.drawn import random_field

RATE, AHEAD = 48_000, 3
HALF_MS = 500.0 * HOP / RATE


def instrument_of(modes: int, kind: str) -> Instrument:
    """One resonance that rings for long, is bowed, or has a field."""
    instrument = Instrument.blank(1, modes, attack_length=64, attack_rate=RATE)
    freq_hz = np.geomspace(110.0, 9_000.0, modes)
    instrument.set_modes(0, freq_hz, np.full(modes, 20.0), np.full(modes, 1e-4 + 0j))
    if kind == "bowed":
        instrument.bow[0] = instrument.impulse[0]
    if kind == "attacking":
        instrument.field = random_field(1, seed=1, size=0.3)
    return instrument


def engine_of(instrument: Instrument, events: int, ahead: int) -> Engine:
    """An engine on which so many events sound for a minute."""
    table = EventTable([Event(i + 1, 0.0, 60.0, resonance=0, seed=i) for i in range(events)])
    config = EngineConfig(
        sample_rate=RATE, block_size=HOP, slots=events, voices=events, caches=8, ahead=ahead
    )
    engine = Engine(config, instrument, table)
    engine.post(Op.PLAY, 0, 0)
    return engine


def worker_times_ms(
    worker: GrainWorker, engine: Engine, instrument: Instrument, hops: int
) -> NDArray[np.float64]:
    """[hops] time to render the second hop of all events, again and again."""
    drawer = drawer_for(engine, instrument)
    advance(engine, np.zeros((2 * HOP, 2), np.float32), drawer)  # in the first, bows are taken up
    engine.hops.done()
    hop = engine.hops.next()
    assert hop is not None
    times = []
    for _ in range(hops + 10):
        began = time.perf_counter_ns()
        worker.render(hop)
        times.append(time.perf_counter_ns() - began)
    return np.array(times[10:]) * 1e-6


def audio_times_ms(instrument: Instrument, events: int, ahead: int) -> NDArray[np.float64]:
    """[hops] the audio thread's own time for a hop, somebody answering with silence."""
    engine = engine_of(instrument, events, ahead)
    drawer, grain = drawer_for(engine, instrument), np.zeros((2, 2 * HOP), np.float32)
    out, times = np.zeros((HOP, 2), np.float32), []
    engine.hops.put(-1, grain)
    for number in range(200):
        if drawer is not None:
            drawer.finish()
        began = time.thread_time_ns()
        engine.process(out)
        times.append(time.thread_time_ns() - began)
        if ahead and engine.hops.next() is not None:
            engine.hops.done()
            engine.hops.put(number, grain)
    assert engine.stats().grains_late == 0
    return np.array(times[20:]) * 1e-6


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[8, 16, 32, 64, 128, 256])
    parser.add_argument("--modes", type=int, default=32)
    parser.add_argument("--hops", type=int, default=300)
    parser.add_argument("--device", help="cuda or cpu; cuda where there is one")
    options = parser.parse_args()
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    print(f"grains on {device} ({name}), {options.modes} modes, load {os.getloadavg()[0]:.1f}")
    print(f"half a hop: {HALF_MS:.2f} ms; times in ms\n")
    print("| kind | events | worker p50 | p99 | in time | audio, grains p50 | audio, curves p50 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind in ("ringing", "bowed", "attacking"):
        instrument = instrument_of(options.modes, kind)
        for events in options.events:
            engine = engine_of(instrument, events, AHEAD)
            worker = GrainWorker(engine, instrument, device)
            p50, p99 = np.percentile(
                worker_times_ms(worker, engine, instrument, options.hops), (50, 99)
            )
            ours, theirs = (np.median(audio_times_ms(instrument, events, a)) for a in (AHEAD, 0))
            verdict = "yes" if p99 < HALF_MS else "no"
            cells = f"{p50:.2f} | {p99:.2f} | {verdict} | {ours:.3f} | {theirs:.3f}"
            print(f"| {kind} | {events} | {cells} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
