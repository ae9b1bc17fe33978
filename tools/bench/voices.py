"""How many events a core plays in real time, by what they are made of; how soon an edit sounds.

    python tools/bench/voices.py

Blocks of 128 frames at 48 kHz, `curves`, 32 modes each, everything drawn ahead. The peer is the
same formula in torch, rendered a second at a time on the same core. Times are the thread's own, so
that a busy machine counts less. Edits go through a paced device while 64 events sound.
"""

import argparse
import gc
import math
import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.audio import NullDevice
from rtsynth.dsp.modal import TICK
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.voice import Voices
from rtsynth.params import event_param_named
from rtsynth.player.pulse import SWITCH_INTERVAL_S
from rtsynth.render import Drawer, drawer_for
from tests.engine.drawn import random_field

RATE, BLOCK, MODES = 48_000, 128, 32
PERIOD_US = BLOCK / RATE * 1e6
VECTOR0 = event_param_named("vector0")[0]
KINDS = ("ringing", "drawn", "bowed", "bowed, tone bands", "blown")


def instrument_of(kind: str) -> Instrument:
    """One resonance of 32 modes that rings, is bent by a field, bowed, or blown into."""
    instrument = Instrument.blank(1, MODES, attack_length=4_800, attack_rate=RATE)
    freq_hz = np.geomspace(110.0, 9_000.0, MODES)
    instrument.set_modes(0, freq_hz, np.full(MODES, 20.0), np.full(MODES, 1e-4 + 0j))
    if kind.startswith("bowed"):
        instrument.bow[0] = instrument.impulse[0]
    if kind == "blown":
        instrument.blow_gain[0] = 1e-4
        instrument.blow_dry[0] = instrument.blow_wet[0] = 1.0
    if kind != "ringing":
        instrument.field = random_field(1, seed=1, size=0.3, toned=kind.endswith("tone bands"))
    return instrument


def engine_of(kind: str, events: int) -> tuple[Engine, Drawer | None]:
    """An engine on which so many events of a kind sound for a minute."""
    rng = np.random.default_rng(0)
    table = EventTable(
        [
            Event(i + 1, 0.0, 60.0, resonance=0, seed=i, vector=tuple(rng.normal(0, 1, 32)))
            for i in range(events)
        ]
    )
    instrument = instrument_of(kind)
    config = EngineConfig(sample_rate=RATE, block_size=BLOCK, slots=events, voices=events)
    engine = Engine(config, instrument, table)
    return engine, drawer_for(engine, instrument)


def block_times_us(kind: str, events: int, seconds: float) -> NDArray[np.float64]:
    """[blocks] time each block took; drawing ahead is not in it."""
    engine, drawer = engine_of(kind, events)
    out = np.zeros((BLOCK, 2), np.float32)
    engine.post(Op.PLAY, 0, 0)
    times = []
    for _ in range(round(seconds * RATE / BLOCK)):
        if drawer is not None:
            drawer.finish()
        began = time.thread_time_ns()
        engine.process(out)
        times.append((time.thread_time_ns() - began) / 1e3)
        engine.notices()
    assert engine.stats().voices == events
    assert engine.stats().undrawn == 0
    return np.array(times[50:])


def torch_share(kind: str, events: int) -> float:
    """Seconds torch takes for a second of the same events, the field left out, on one thread."""
    instrument = instrument_of(kind)
    instrument.field = None
    table = EventTable([Event(i + 1, 0.0, 60.0, resonance=0, seed=i) for i in range(events)])
    bank = BankTensors.of(instrument)
    best = math.inf
    with torch.inference_mode():
        for _ in range(3):
            began = time.thread_time()
            voices = Voices(bank, EventBatch.of(table.rows, MODES, RATE), RATE)
            voices.whole(torch.zeros(events, dtype=torch.int64), RATE // TICK)
            best = min(best, time.thread_time() - began)
    return best


def edit_times_ms(count: int) -> NDArray[np.float64]:
    """[count] from posting a vector edit to the block in which voices begin to cross over."""
    engine, drawer = engine_of("drawn", 64)
    assert drawer is not None
    drawer.finish()
    times = []
    gc.collect()
    gc.freeze()  # as the service does
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with NullDevice(engine, block_size=BLOCK):
        drawer.start()
        engine.post(Op.PLAY, 0)
        time.sleep(0.5)
        rng = np.random.default_rng(1)
        for _ in range(count):
            slot = engine.slot_of(int(rng.integers(1, 65)))
            before = int(engine._state.slots["cache"][slot])
            began = time.perf_counter()
            engine.post(Op.SET, slot, -1, 0, VECTOR0, float(rng.normal(0.0, 6.0)))
            while int(engine._state.slots["cache"][slot]) == before:
                time.sleep(1e-4)
            times.append((time.perf_counter() - began) * 1e3)
            time.sleep(0.03)
            engine.notices()
        drawer.stop()
    return np.array(times)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--edits", type=int, default=200)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{args.events} events of {MODES} modes, {os.cpu_count()} cores, 48 kHz / {BLOCK}\n")
    print("| events | µs per block mean | p50 | p99 | in real time per core | torch, in r.t. |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind in KINDS:
        times = block_times_us(kind, args.events, args.seconds)
        p50, p99 = np.percentile(times, [50, 99])
        peer = args.events / torch_share(kind, args.events)
        print(
            f"| {kind} | {times.mean():.0f} | {p50:.0f} | {p99:.0f} | "
            f"{args.events * PERIOD_US / times.mean():.0f} | {peer:.1f} |"
        )
    times = edit_times_ms(args.edits)
    p50, p99 = np.percentile(times, [50, 99])
    print("\nedit of a sounding event's vector, to the start of the 10 ms crossfade:")
    print(f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, largest {times.max():.1f} ms")


if __name__ == "__main__":
    main()
