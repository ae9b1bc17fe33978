"""Kills a process that renders at any moment, many times, and prints what was lost.

A program of its own: it forks, which a process with threads must not.
"""

import json
import mmap
import os
import signal
import sys
import time

import numpy as np

from rtsynth.engine import Engine, EngineConfig, NoticeKind, Op
from rtsynth.events import Event, EventTable
from tests.engine.bank import BELL, RATE, small_instrument

TICK_S = 32 / RATE
FADER = 0  # master/gain_db


def shared_engine(cores: int) -> Engine:
    """An engine in memory that a fork shares, with a score and a loop."""
    config = EngineConfig(sample_rate=RATE, slots=256, voices=32, cores=cores)
    memory = np.frombuffer(mmap.mmap(-1, Engine.bytes_for(config, small_instrument())), np.uint8)
    table = EventTable([Event(i, 0.01 * i, resonance=BELL, gain=0.1) for i in range(1, 65)])
    engine = Engine(config, small_instrument(), table, memory=memory)
    engine.post(Op.LOOP, 0, 0, 0, 1.0, 0.0, 0.5)
    engine.post(Op.PLAY, 0, 0)
    return engine


def render_for_ever(engine: Engine) -> None:
    engine.crew.start()
    block = np.zeros((64, 2), np.float32)
    while True:
        engine.process(block)


def flood(engine: Engine, rng: np.random.Generator, until_s: float, request: int) -> int:
    """Post commands of all kinds until then; the number of the last one."""
    while time.monotonic() < until_s:
        if engine.free_space() < 64:
            continue
        frame = engine.frame + int(rng.integers(0, 4_000))
        slot = engine.slot_of(int(rng.integers(1, 65)))
        op, numbers = [
            (Op.TRIGGER, (1.0,)), (Op.MUTE, (0.0,)), (Op.SET, (0.0, float(rng.random()))),
            (Op.CHOKE, ()), (Op.SOLO, (float(rng.integers(0, 2)),)),
        ][int(rng.integers(0, 5))]  # fmt: skip
        request += 1
        engine.post(op, slot, frame, request, *numbers)
    return request


def check(engine: Engine) -> list[str]:
    """What is not as it should be, of a stream just taken up."""
    state, faults = engine._state, []
    core = state.core[0]
    order = state.order[: core["order_count"]]
    if sorted(order.tolist()) != np.flatnonzero(state.slots["used"]).tolist():
        faults.append("order")
    onsets = state.slots["onset"][order]
    if not (np.diff(onsets) >= 0).all():
        faults.append("onsets")
    heap = state.pending["frame"][: core["pending_count"]]
    if not all(heap[(i - 1) // 2] <= heap[i] for i in range(1, len(heap))):
        faults.append("heap")
    if core["soloed"] != np.count_nonzero(state.slots["solo"]):
        faults.append("soloed")
    return faults


def main(times: int, cores: int) -> None:
    rng = np.random.default_rng(11)
    faults: list[str] = []
    lost = twice = posted = voices = helped = 0
    for _ in range(times):
        engine = shared_engine(cores)
        child = os.fork()
        if child == 0:
            render_for_ever(engine)
        posted += (last := flood(engine, rng, time.monotonic() + 0.02 + 0.02 * rng.random(), 0))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        voices += engine.revival.resume()
        faults += check(engine)
        helped += engine.stats().helped
        engine.crew.start()
        out = np.zeros((9_600, 2), np.float32)
        engine.process(out)
        engine.crew.end()
        if not np.isfinite(out).all() or np.abs(out).max() > 0.9:
            faults.append("sound")
        answers = NoticeKind.DONE, NoticeKind.REFUSED  # a trigger for which no voice is free
        done = [n.request for n in engine.notices() if n.kind in answers and n.request]
        twice += len(done) - len(set(done))
        lost += last - len(set(done))
    print(json.dumps({"faults": faults, "posted": posted, "lost": lost, "twice": twice,
                      "voices": voices, "helped": helped}))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)
