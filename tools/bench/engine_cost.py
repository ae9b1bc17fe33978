"""What a voice costs, by what it is made of; the engine's load with 64 events of 64 modes.

    python tools/bench/engine_cost.py            # the table of costs
    python tools/bench/engine_cost.py --target --passes 5  # 64 events, 64 modes, noise and curves
    python tools/bench/engine_cost.py --seek     # a seek into the middle of 64 notes

Blocks of 128 frames at 48 kHz, 64 voices, everything drawn ahead. Times are processor time of the
thread that renders, so that a busy machine counts less. In the target's run events begin at random
in the first second and are edited all the while; `--chord` begins them all in one frame. Between
its blocks a loop does the same work every time: how its time spreads is the machine's doing.
Every pass is the same performance to the sample: a block that is dear by our doing is so in each,
what the machine does to a block it does to another one the next time.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from constant import Constant
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import NOISE_BANDS, Instrument
from rtsynth.params import event_param_named
from rtsynth.render import Drawer, drawer_for
from tests.engine.drawn import random_field

RATE, BLOCK = 48_000, 128
PERIOD_US = BLOCK / RATE * 1e6
TARGET_US = 380.0  # of a block in the target's run, about
KINDS: dict[str, dict[str, Any]] = {
    "rings": {},
    "rings, vibrato": {"vibrato": True},
    "rings, curves drawn": {"curves": True},
    "bowed": {"bowed": True},
    "bowed, curves drawn": {"bowed": True, "curves": True},
    "4 noise bands, dry": {"bands": 4},
    "32 noise bands, dry": {"bands": NOISE_BANDS},
    "32 noise bands into the modes": {"bands": NOISE_BANDS, "wet": True},
    "the same, curves drawn": {"bands": NOISE_BANDS, "wet": True, "curves": True},
}


def instrument_of(
    modes: int, curves: bool = False, bowed: bool = False, bands: int = 0, wet: bool = False
) -> Instrument:
    """One resonance of so many modes, excited and drawn as told."""
    instrument = Instrument.blank(1, modes, attack_length=4_800, attack_rate=RATE)
    freq_hz = np.geomspace(110.0, 9_000.0, modes)
    instrument.set_modes(0, freq_hz, np.full(modes, 20.0), np.full(modes, 1e-4 + 0j))
    if bowed:
        instrument.bow[0] = instrument.impulse[0]
    if bands:
        instrument.blow_gain[0, :bands] = 1e-4
        instrument.blow_dry[0], instrument.blow_wet[0] = 1.0, float(wet)
    if curves:
        instrument.field = random_field(1, seed=1, size=0.3)
    return instrument


def engine_of(
    instrument: Instrument, events: int, spread_s: float = 0.0, vibrato: bool = False
) -> tuple[Engine, Drawer | None]:
    """An engine that is to play so many events of a minute."""
    rng = np.random.default_rng(0)
    onsets = np.sort(rng.uniform(0.0, spread_s, events))
    depth = 0.3 if vibrato else 0.0
    table = EventTable(
        Event(
            i + 1, float(onset), 60.0, resonance=0, seed=i,
            vector=tuple(rng.normal(0.0, 1.0, 32)), vibrato_depth=depth,
        )
        for i, onset in enumerate(onsets)
    )  # fmt: skip
    config = EngineConfig(sample_rate=RATE, block_size=BLOCK, slots=events, voices=events)
    engine = Engine(config, instrument, table)
    return engine, drawer_for(engine, instrument)


def block_times_us(
    engine: Engine,
    drawer: Drawer | None,
    seconds: float,
    edits_per_s: float = 0.0,
    constant: Constant | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """[blocks, 2] time each block took, and the constant work after it; drawing is not in it.

    `out`, [BLOCK, 2], holds the last block's sound.
    """
    rng = np.random.default_rng(1)
    names = [event_param_named(name)[0] for name in ("transpose", "bright", "gain", "vector0")]
    out = np.zeros((BLOCK, 2), np.float32) if out is None else out
    times = []
    engine.post(Op.PLAY, 0, 0)
    for _ in range(round(seconds * RATE / BLOCK)):
        if rng.random() < edits_per_s * BLOCK / RATE:
            slot = engine.slot_of(int(rng.integers(1, 65)))
            engine.post(Op.SET, slot, -1, 0, int(rng.choice(names)), float(rng.uniform(0.2, 1.0)))
        if drawer is not None:
            drawer.finish()
        began = time.thread_time_ns()
        engine.process(out)
        took = (time.thread_time_ns() - began) / 1e3
        times.append((took, constant.time_us() if constant else 0.0))
        engine.notices()
    return np.array(times)


def least_disturbed(times: NDArray[np.float64]) -> float:
    """The mean over that quarter of a second in which others disturbed the processor least."""
    window = round(0.25 * RATE / BLOCK)
    whole = times[: len(times) // window * window].reshape(-1, window)
    return float(whole.mean(axis=1).min())


def print_costs(seconds: float) -> None:
    """Microseconds per voice and block, and voices that fill a core."""
    counts = (16, 32, 64, 128)
    print(f"µs per voice and block of {BLOCK} frames at {RATE} Hz (voices that fill one core)")
    print("| modes | " + " | ".join(str(n) for n in counts) + " |")
    print("| --- |" + " --- |" * len(counts))
    for name, made_of in KINDS.items():
        cells = []
        for modes in counts:
            made = dict(made_of)
            vibrato = bool(made.pop("vibrato", False))
            instrument = instrument_of(modes, **made)
            engine, drawer = engine_of(instrument, 64, 0.02, vibrato)
            cost = least_disturbed(block_times_us(engine, drawer, seconds)[50:, 0]) / 64
            assert engine.stats().voices == 64
            cells.append(f"{cost:.2f} ({PERIOD_US / cost:.0f})")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def print_target(seconds: float, chord: bool, passes: int) -> None:
    """Percentiles of the load with 64 events × 64 modes, noise and curves, edited 20 times a s."""
    instrument = instrument_of(64, curves=True, bands=NOISE_BANDS, wet=True)
    constant = Constant(TARGET_US)
    heard, ends = [], []
    for number in range(passes):
        engine, drawer = engine_of(instrument, 64, 0.0 if chord else 1.0)
        out = np.zeros((BLOCK, 2), np.float32)
        times = block_times_us(engine, drawer, seconds, 20.0, constant, out) / PERIOD_US * 100.0
        assert engine.stats().voices == 64
        ends.append(out)
        assert np.array_equal(out, ends[0]), "every pass is the same performance"
        heard.append(times[:, 0])
        name = f"pass {number + 1}: " if passes > 1 else ""
        print_load(f"{name}load of the period", times[:, 0])
        print_load(f"{name}constant work beside it", times[:, 1])
    if passes > 1:
        print_load("in every pass", np.min(heard, axis=0))


def print_load(name: str, loads: NDArray[np.float64]) -> None:
    """Percentiles once all events have begun, and the largest of all, %."""
    p50, p99 = np.percentile(loads[round(1.1 * RATE / BLOCK) :], [50, 99])
    print(f"{name}: p50 {p50:.1f} %, p99 {p99:.1f} %, max {loads.max():.1f} %", flush=True)


def print_seeks(seconds: float) -> None:
    """Load of the dearest block of a seek into 64 voices one to four seconds old, of 64 modes."""
    print("| 64 voices of 64 modes | block of a seek, median, % of its period | largest | before |")
    print("| --- | --- | --- | --- |")
    for name, made_of in KINDS.items():
        made = dict(made_of)
        vibrato = bool(made.pop("vibrato", False))
        engine, drawer = engine_of(instrument_of(64, **made), 64, 0.02, vibrato)
        steady = block_times_us(engine, drawer, 0.5)[50:, 0]
        dearest = []
        for at_s in np.random.default_rng(2).uniform(1.0, 4.0, round(4 * seconds)):
            engine.post(Op.SEEK, 0, 0, 0, float(at_s))
            dearest.append(block_times_us(engine, drawer, 0.25)[:20, 0].max())
        cells = np.array([np.median(dearest), np.max(dearest), np.median(steady)]) / PERIOD_US
        print(f"| {name} | " + " | ".join(f"{100.0 * c:.0f} %" for c in cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of sound")
    parser.add_argument("--target", action="store_true")
    parser.add_argument("--passes", type=int, default=1, help="of the target's run")
    parser.add_argument("--chord", action="store_true")
    parser.add_argument("--seek", action="store_true")
    args = parser.parse_args()
    if args.seek:
        print_seeks(args.seconds)
    elif args.target or args.chord:
        print_target(args.seconds, args.chord, max(args.passes, 1))
    else:
        print_costs(args.seconds)


if __name__ == "__main__":
    main()
