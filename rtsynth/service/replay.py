"""A performance again, from its log. Thread: main."""

from collections import deque
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rtsynth.audio import read_input
from rtsynth.control import Session, read_log, replay
from rtsynth.control.performance import LogHeader
from rtsynth.dsp.modal import TICK
from rtsynth.engine import Engine
from rtsynth.errors import FileFormatError
from rtsynth.events import Score
from rtsynth.instrument import Instrument
from rtsynth.render import advance, drawer_for
from rtsynth.service.build import make_engine

__all__ = ["replay_log"]


def replay_log(
    path: Path,
    score: Score,
    instrument: Instrument,
    block_size: int = 1024,
    heard: Path | None = None,
) -> tuple[int, NDArray[np.float32]]:
    """Perform a log offline: the very samples that were recorded when it was written.

    What was recorded from grains is rendered from curves here, 60 dB or more alike.

    Args:
        path: the performance log.
        score: what it was performed on.
        instrument: likewise.
        block_size: frames per call of the engine; changes nothing but the speed.
        heard: what came in, if not the file beside the log that its header names.

    Returns:
        the sample rate in Hz, and [frames, channels] float32.

    Raises:
        FileFormatError: no log, one of another instrument, or one whose input was not kept.
        AudioFileError: what came in cannot be read.
    """
    header, records = read_log(path)
    if header.instrument and not instrument.is_that_of(header.instrument):
        raise FileFormatError(f"{path}: was performed on another instrument; give its own score")
    engine = make_engine(
        instrument,
        score.table,
        header.sample_rate,
        header.channels,
        start_ramp=header.start_ramp,
        inputs=header.inputs,
    )
    drawer = drawer_for(engine, instrument)
    session = Session(engine, score.table, resonances=instrument.resonances)
    waiting = deque(records)
    last = records[-1].frame if records else 0

    frames = max(last - engine.latency.limiter, 0)
    out = np.zeros((frames + engine.latency.limiter, header.channels), np.float32)
    came_in = _came_in(path, header, engine, len(out), heard)
    while engine.frame < len(out):
        # what the log holds is handed over with its own tick: earlier, it would meet a score
        # and a schedule that it did not meet live
        session.pump()
        begin = engine.frame
        next_tick = -(-begin // TICK) * TICK
        replay(session, waiting, next_tick + TICK)
        end = begin + block_size
        if waiting:
            end = min(end, max(waiting[0].frame // TICK * TICK, begin + 1))
        part = None if came_in is None else came_in[begin:end]
        advance(engine, out[begin:end], drawer, told=session.pump, heard=part)
    return header.sample_rate, out[engine.latency.limiter :]


def _came_in(
    path: Path, header: LogHeader, engine: Engine, frames: int, heard: Path | None
) -> NDArray[np.float32] | None:
    """What a log's engine heard, [frames, inputs]."""
    if header.inputs == 0:
        return None
    if heard is None and not header.heard:
        raise FileFormatError(
            f"{path}: was performed with an input that was not kept; give it with --input"
        )
    return read_input(heard or path.with_name(header.heard), engine, frames)
