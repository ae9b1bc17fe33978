"""Performances on engines with and without a worker that renders their grains."""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.grain import HOP
from rtsynth.engine import Engine, EngineConfig, Notice, Op
from rtsynth.events import Event, EventTable
from rtsynth.instrument import Instrument
from rtsynth.params import event_param_named, param_named
from rtsynth.render import advance, drawer_for
from rtsynth.render.grains import GrainWorker
from tests.engine.bank import BELL, RATE, small_instrument

FRAMES = 36_000
AHEAD = 3
LAG = AHEAD * HOP
Edits = Callable[[Engine], None]


def bell(**fields: object) -> EventTable:
    settings = {"onset_s": 0.0301, "resonance": BELL, "duration_s": 5.0, **fields}
    return EventTable([Event(1, **settings)])  # type: ignore[arg-type]


def build(table: EventTable, instrument: Instrument, ahead: int = 0, **config: object) -> Engine:
    settings = {"sample_rate": RATE, "slots": 64, "voices": 32, "caches": 16, "ahead": ahead}
    return Engine(EngineConfig(**{**settings, **config}), instrument, table)  # type: ignore[arg-type]


@dataclasses.dataclass
class Played:
    """A stream with its look-ahead taken off, and what was told meanwhile."""

    sound: NDArray[np.float32]
    notices: list[Notice]
    engine: Engine


def play(
    table: EventTable,
    edits: Edits = lambda engine: None,
    *,
    grains: bool = True,
    instrument: Instrument | None = None,
    block: int = 480,
    deaf: Callable[[int], bool] = lambda hop: False,
    frames: int = FRAMES,
    **config: object,
) -> Played:
    """Play a table from frame 100 on.

    Args:
        table: what is played.
        edits: posts more.
        grains: whether a worker renders.
        instrument: the small one if None.
        block: frames per call.
        deaf: says in which hops of the stream the worker does not answer.
        frames: of the sound.
        config: of the engine.
    """
    instrument = small_instrument() if instrument is None else instrument
    engine = build(table, instrument, AHEAD if grains else 0, **config)
    engine.post(Op.PLAY, 0, 100)
    edits(engine)
    drawer = drawer_for(engine, instrument)
    worker = _Deaf(GrainWorker(engine, instrument, "cpu"), engine, deaf) if grains else None
    skip = engine.latency.inside
    out = np.zeros((frames + skip, engine.channels), np.float32)
    notices = []
    for at in range(0, len(out), block):
        advance(engine, out[at : at + block], drawer, worker)
        notices += engine.notices()
    return Played(out[skip:], notices, engine)


class _Deaf:
    """A worker that at times does not answer."""

    def __init__(self, worker: GrainWorker, engine: Engine, deaf: Callable[[int], bool]) -> None:
        self._worker, self._engine, self._deaf = worker, engine, deaf

    def finish(self) -> None:
        if not self._deaf(self._engine.frame // HOP):
            self._worker.finish()


def residual_db(found: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    """Energy of the difference re energy of the sound, dB."""
    left = np.square(found - expected, dtype=float).sum()
    return float(10.0 * np.log10(left / np.square(expected, dtype=float).sum() + 1e-30))


def index(path: str) -> int:
    return event_param_named(path)[0]


def setting(path: str, value: float, frame: int = 9_001) -> Edits:
    return lambda engine: engine.post(Op.SET, engine.slot_of(1), frame, 0, index(path), value)


def together(*edits: Edits) -> Edits:
    def post(engine: Engine) -> None:
        for edit in edits:
            edit(engine)

    return post


def command(op: Op, frame: int, *numbers: float) -> Edits:
    return lambda engine: engine.post(op, engine.slot_of(1), frame, 0, *numbers)


def turning(path: str, value: float, frame: int) -> Edits:
    return lambda engine: engine.post(Op.PARAM, param_named(path)[0], frame, 0, value)
