"""Rendering without a device: the same engine, called as fast as it goes. Thread: main, worker."""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtsynth.engine import Engine, EngineConfig, Op
from rtsynth.events import Score
from rtsynth.instrument import Instrument
from rtsynth.render.drawing import Drawer, drawer_for
from rtsynth.render.rate import at_rate
from rtsynth.render.renderer import LEAST_AHEAD, worker_for

__all__ = ["advance", "render_score", "run_engine", "score_seconds"]

DRAW_GRID = 128
"""Frames of the stream between two looks for something to draw: edits then sound the same however
the stream is cut into blocks."""


def score_seconds(score: Score, instrument: Instrument) -> float:
    """Length of a score, s: that of its recording, else until its last event has died away."""
    if score.seconds > 0.0:
        return score.seconds
    ends = score.table.ends(instrument.tail_s())
    finite = ends[np.isfinite(ends)]
    return float(finite.max()) if len(finite) else 0.0


class Worker(Protocol):
    """Whoever renders grains (`rtsynth.render.grains`); this module does not import torch."""

    def finish(self) -> None:
        """Render every hop there is."""


def advance(
    engine: Engine,
    out: NDArray[np.float32],
    drawer: Drawer | None = None,
    worker: Worker | None = None,
    told: Callable[[], object] | None = None,
    heard: NDArray[np.float32] | None = None,
) -> None:
    """Let the engine fill `out`, [frames, channels], everything drawn in time.

    Args:
        engine: wherever it stands.
        out: overwritten.
        drawer: of its field, if it has one; not running in a thread of its own.
        worker: that renders its grains, if it wants one; not running in a thread of its own.
        heard: what comes in, [frames, inputs]; silence if None.
        told: takes the engine's notices, which give caches back; called as often as it is drawn.
    """
    if drawer is None and worker is None:
        engine.process(out, heard)
        return
    at = 0
    while at < len(out):
        past = engine.frame % DRAW_GRID
        if past == 0:
            if told is not None:
                told()
            if drawer is not None:
                drawer.finish()
            if worker is not None:
                worker.finish()
        count = min(len(out) - at, DRAW_GRID - past)
        engine.process(out[at : at + count], None if heard is None else heard[at : at + count])
        at += count


def run_engine(
    engine: Engine,
    frames: int,
    block_size: int,
    drawer: Drawer | None = None,
    worker: Worker | None = None,
) -> NDArray[np.float32]:
    """Call the engine until it has delivered `frames` frames of sound, its look-ahead left out.

    Args:
        engine: fresh, or wherever it stands.
        frames: to return.
        block_size: frames per call; the result does not depend on it.
        drawer: of its field, if it has one.
        worker: that renders its grains, if it wants one.

    Returns:
        [frames, channels] float32.
    """
    skip = engine.latency.inside
    out = np.zeros((frames + skip, engine.channels), np.float32)
    for at in range(0, len(out), block_size):
        block = out[at : at + block_size]
        advance(engine, block, drawer, worker, engine.notices)
        engine.notices()
    return out[skip:]


def render_score(
    score: Score,
    instrument: Instrument,
    *,
    sample_rate: int | None = None,
    channels: int | None = None,
    from_s: float = 0.0,
    to_s: float | None = None,
    block_size: int = 1024,
    grains: bool = False,
    cores: int = 1,
) -> NDArray[np.float32]:
    """A score as sound.

    Args:
        score: what to play.
        instrument: what it is played on.
        sample_rate: Hz; the score's own if None.
        channels: 1 or 2; the score's own if None.
        from_s: where to begin; events that sound there already are opened in their middle, two in
            a tick, and fade in.
        to_s: where to end; the end of the score if None.
        block_size: frames per call of the engine; changes nothing but the speed.
        grains: render them in torch (`rtsynth.render.grains`) instead of from curves.
        cores: that voices are shared among, 1 … 16; changes nothing but the speed.

    Returns:
        [frames, channels] float32.
    """
    rate = sample_rate or score.sample_rate
    config = EngineConfig(
        sample_rate=rate, channels=channels or score.channels, slots=max(len(score.table), 1),
        ahead=LEAST_AHEAD if grains else 0, cores=cores,
    )  # fmt: skip
    engine = Engine(config, at_rate(instrument, rate), score.table)
    drawer = drawer_for(engine, instrument)
    worker = worker_for(engine, instrument) if grains else None
    engine.post(Op.SEEK, 0, 0, 0, from_s)
    engine.post(Op.PLAY, 0, 0)
    end = score_seconds(score, instrument) if to_s is None else to_s
    frames = max(math.ceil((end - from_s) * rate), 0)
    engine.crew.start()
    try:
        return run_engine(engine, frames, block_size, drawer, worker)
    finally:
        engine.crew.end()
