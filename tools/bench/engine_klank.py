"""Modes that one core renders: rtsynth's modal kernel against scsynth's `Klank`, in one run.

    python tools/bench/engine_klank.py

The peer is scsynth (Debian's `supercollider-server`) rendering without real time, its score written
with supriya (`pip install supriya`). Both render the same number of resonances in blocks of 128
frames at 48 kHz, struck once, ringing 20 s; times are processor time of one thread, of scsynth less
that of an empty score of the same length. The best of several tries counts for both.
"""

import argparse
import asyncio
import math
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from rtsynth.dsp import bend
from rtsynth.dsp.bend import CONTROLS, bend_modes
from rtsynth.dsp.compile import kernel
from rtsynth.dsp.modal import (
    ROWS,
    TICK,
    ring_modes,
)
from rtsynth.dsp.registers import G0, G1, ZR
from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument

RATE, BLOCK = 48_000, 128
COUNTS = ((16, 64), (32, 64), (64, 64), (128, 64), (64, 256))
"""Modes of a voice, voices."""


def frequencies_hz(modes: int) -> np.ndarray:
    """[modes] where the resonances lie."""
    return np.geomspace(110.0, 9_000.0, modes)


async def _render(modes: int, voices: int, seconds: float) -> None:
    from supriya import Options, Score, SynthDefBuilder
    from supriya.ugens import Impulse, Klank, Out

    score = Score(options=Options(block_size=BLOCK, wire_buffer_count=64, memory_size=65_536))
    if voices:
        with SynthDefBuilder() as builder:
            klank = Klank.ar(
                source=Impulse.ar(frequency=0.0) * 1e-3,
                frequencies=frequencies_hz(modes).tolist(),
                amplitudes=[1.0] * modes,
                decay_times=[20.0] * modes,
            )
            Out.ar(bus=0, source=klank)
        definition = builder.build(name="bank")
        with score.at(0):
            score.add_synthdefs(definition)
        with score.at(0):
            for _ in range(voices):
                score.add_synth(definition)
    with score.at(seconds):
        score.do_nothing()
    with tempfile.TemporaryDirectory() as folder:
        _, code = await score.render(
            Path(folder) / "out.aiff",
            render_directory_path=folder,
            sample_rate=RATE,
            duration=seconds,
            suppress_output=True,
        )
    if code != 0:
        sys.exit(f"engine_klank.py: scsynth ended with {code}")


def scsynth_seconds(modes: int, voices: int, seconds: float, tries: int) -> float:
    """Processor time of scsynth for so much sound; of an empty score with no voices."""
    best = math.inf
    for _ in range(tries):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        asyncio.run(_render(modes, voices, seconds))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        best = min(best, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return best


@kernel("void(float64[:,:,::1], int64, int64, float32[::1])")
def _ring_all(pool: np.ndarray, modes: int, ticks: int, out: np.ndarray) -> None:
    for _ in range(ticks):
        for v in range(pool.shape[0]):
            ring_modes(pool[v], modes, out)


def kernel_seconds(modes: int, voices: int, seconds: float, tries: int) -> float:
    """Processor time of `ring_modes` for so much sound, all voices tick by tick."""
    padded = -(-modes // 16) * 16
    bank = np.zeros((5, padded), np.float32)
    bank[0, :modes], bank[1, :modes], bank[2, :modes] = frequencies_hz(modes), 20.0, 1.0
    controls = np.zeros(CONTROLS)
    controls[[bend.DAMP, bend.STRETCH]] = 1.0
    pool = np.zeros((voices, ROWS, padded))
    out = np.zeros(TICK, np.float32)
    for state in pool:
        bend_modes(bank, modes, controls, np.zeros(padded, np.float32), np.uint64(1), RATE, state)
        state[G0], state[ZR] = state[G1], 1e-3
    ticks, best = round(seconds * RATE / TICK), math.inf
    _ring_all(pool, modes, 1, out)
    for _ in range(tries):
        began = time.thread_time()
        _ring_all(pool, modes, ticks, out)
        best = min(best, time.thread_time() - began)
    return best


def engine_seconds(modes: int, voices: int, seconds: float, tries: int) -> float:
    """Processor time of the whole engine for so much sound: voices, pan, limiter and all."""
    instrument = Instrument.blank(1, modes, attack_length=32, attack_rate=RATE)
    gain = np.full(modes, 1e-4 + 0j)
    instrument.set_modes(0, frequencies_hz(modes), np.full(modes, 20.0), gain)
    table = EventTable(Event(i + 1, 0.0, resonance=0, seed=i) for i in range(voices))
    config = EngineConfig(sample_rate=RATE, block_size=BLOCK, slots=voices, voices=voices)
    engine = Engine(config, instrument, table)
    out, best = np.zeros((BLOCK, 2), np.float32), math.inf
    for _ in range(tries):
        engine.reset()
        engine.post(Op.PLAY, 0, 0)
        engine.process(out)
        began = time.thread_time()
        for _ in range(round(seconds * RATE / BLOCK)):
            engine.process(out)
        best = min(best, time.thread_time() - began)
        assert engine.stats().voices == voices
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of sound")
    parser.add_argument("--tries", type=int, default=3)
    args = parser.parse_args()
    empty = scsynth_seconds(1, 0, args.seconds, args.tries)
    print(f"millions of modes · samples per second of one core; blocks of {BLOCK} at {RATE} Hz")
    print("| modes × voices | Klank | our kernel | our engine | kernel ÷ Klank | engine ÷ Klank |")
    print("| --- | --- | --- | --- | --- | --- |")
    for modes, voices in COUNTS:
        work = modes * voices * args.seconds * RATE / 1e6
        klank = work / (scsynth_seconds(modes, voices, args.seconds, args.tries) - empty)
        kernel = work / kernel_seconds(modes, voices, args.seconds, args.tries)
        engine = work / engine_seconds(modes, voices, args.seconds, args.tries)
        print(
            f"| {modes} × {voices} | {klank:.0f} | {kernel:.0f} | {engine:.0f} | "
            f"{kernel / klank:.1f} | {engine / klank:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
