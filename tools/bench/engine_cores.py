"""What more cores give: voices that fit a block, with one core and with more.

    python tools/bench/engine_cores.py             # one core, two, … as many as there are
    python tools/bench/engine_cores.py --unraised  # at the priority of any program

Blocks of 128 frames at 48 kHz, asked for at their times by a thread of the priority that `serve`
gets for the device's; helpers are always called, and sleep between blocks. Everything is drawn
ahead. Engines of 1, 2, … cores play the same in turn, a second each. A block's time is that on the
wall, as the device sees it; the least disturbed tenth of all blocks counts, and the 99th percentile
says what is left to others' doing.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from engine_cost import BLOCK, KINDS, PERIOD_US, RATE, instrument_of

from rtsynth.dsp.modal import TICK
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.player.realtime import start_raised
from rtsynth.render import Drawer, drawer_for

CASES = (
    ("rings", 16, 10),
    ("rings", 64, 64),
    ("rings", 64, 256),
    ("rings", 64, 1_024),
    ("rings", 256, 256),
    ("bowed", 64, 256),
    ("bowed, curves drawn", 64, 64),
    ("32 noise bands into the modes", 64, 256),
    ("the same, curves drawn", 64, 64),
)
"""What voices are made of (a row of `engine_cost.py`), modes, voices."""

HEAD = (
    "made of", "modes × voices", "cores", "block, µs", "p99, µs", "audio thread, µs",
    "made by helpers", "voices that fit", "gain",
)  # fmt: skip


class Run:
    """One engine and the times of its blocks."""

    def __init__(self, kind: str, modes: int, voices: int, cores: int) -> None:
        made: dict[str, Any] = dict(KINDS[kind])
        instrument = instrument_of(modes, **made)
        rng = np.random.default_rng(0)
        table = EventTable(
            Event(i + 1, i / RATE, 600.0, seed=i, vector=tuple(rng.normal(0.0, 1.0, 32)))
            for i in range(voices)
        )
        config = EngineConfig(
            sample_rate=RATE, block_size=BLOCK, slots=voices, voices=voices, cores=cores
        )
        self.cores, self.voices = cores, voices
        self.engine = Engine(config, instrument, table)
        self.drawer: Drawer | None = drawer_for(self.engine, instrument)
        self.times: list[tuple[int, int, int]] = []
        self.engine.post(Op.PLAY, 0, 0)

    def play(self, seconds: float, raised: bool) -> str:
        """So much sound, timed; helpers are there meanwhile. How its threads were raised."""
        player = threading.Thread(target=self._play, args=(seconds,))

        def start() -> None:
            self.engine.crew.start()
            player.start()

        how = "not raised"
        if raised:
            how = start_raised(start)
        else:
            start()
        player.join()
        self.engine.crew.end()
        return how

    def _play(self, seconds: float) -> None:
        out = np.zeros((BLOCK, 2), np.float32)
        engine, core = self.engine, self.engine._core
        due = time.perf_counter()
        for _ in range(round(seconds * RATE / BLOCK)):
            if self.drawer is not None:
                self.drawer.finish()
            engine.notices()
            due = max(due + BLOCK / RATE, time.perf_counter())
            time.sleep(max(due - time.perf_counter(), 0.0))
            helped = int(core["helped"])
            wall, own = time.perf_counter_ns(), time.thread_time_ns()
            engine.process(out)
            took = time.perf_counter_ns() - wall, time.thread_time_ns() - own
            self.times.append((*took, int(core["helped"]) - helped))

    def figures(self, skipped: int = 50) -> NDArray[np.float64]:
        """Wall and audio thread, µs, share of the voices that helpers rendered; 99th percentile.

        The first three are of the least disturbed tenth of all blocks.
        """
        assert self.engine.stats().voices == self.voices
        times = np.array(self.times[skipped:]) * [1e-3, 1e-3, TICK / BLOCK / self.voices]
        least = np.argsort(times[:, 0])[: len(times) // 10]
        return np.append(times[least].mean(axis=0), np.percentile(times[:, 0], 99))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="of sound, in turn")
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--cores", type=int, nargs="+", help="1 2 … as many as there are, up to 8")
    parser.add_argument("--unraised", action="store_true")
    args = parser.parse_args()
    counts = args.cores or range(1, min(os.cpu_count() or 1, 8) + 1)
    print(f"blocks of {BLOCK} frames at {RATE} Hz, one every {PERIOD_US:.0f} µs")
    print("| " + " | ".join(HEAD) + " |")
    print("| --- |" + " --- |" * (len(HEAD) - 1))
    how = ""
    for kind, modes, voices in CASES:
        runs = [Run(kind, modes, voices, cores) for cores in counts]
        for _ in range(args.turns):
            for run in runs:
                how = run.play(args.seconds, not args.unraised)
        first = runs[0].figures()[0]
        for run in runs:
            wall, own, helped, p99 = run.figures()
            print(
                f"| {kind} | {modes} × {voices} | {run.cores} | {wall:.0f} | {p99:.0f} | "
                f"{own:.0f} | {100 * helped:.0f} % | {voices * PERIOD_US / wall:.0f} | "
                f"{first / wall:.2f} |",
                flush=True,
            )
    print(f"priority: {how}")


if __name__ == "__main__":
    main()
