"""An engine with a score, sized for a performance. Thread: main."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.modal import TICK
from rtsynth.engine import Engine, EngineConfig
from rtsynth.events import EventTable
from rtsynth.instrument import Instrument
from rtsynth.render import at_rate

__all__ = ["make_engine"]

SPARE_SLOTS = 4_096  # events that can be made live

Lay = Callable[[EngineConfig, Instrument], NDArray[np.uint8] | None]


def make_engine(
    instrument: Instrument,
    table: EventTable,
    sample_rate: int,
    channels: int,
    *,
    block_size: int = 256,
    start_ramp: bool = False,
    realtime: bool = False,
    ahead: int = 0,
    inputs: int = 0,
    margin: int = 2 * TICK,
    cores: int = 1,
    lay: Lay | None = None,
) -> Engine:
    """An engine with the table loaded and room for events made live.

    Args:
        instrument: at any rate.
        table: what is loaded.
        sample_rate: Hz.
        channels: 1 or 2.
        block_size: the device's, frames.
        start_ramp: whether the stream rises from silence.
        realtime: whether blocks are due in time, so that an overload is given way to.
        ahead: hops that sound lags behind for a grain worker.
        inputs: channels that come in: 0, 1 or 2.
        margin: frames that a message has to be read and handed over.
        cores: that voices may be shared among; whoever plays the engine starts its helpers.
        lay: gives the memory to lie in; memory of its own if None.
    """
    config = EngineConfig(
        sample_rate=sample_rate,
        channels=channels,
        slots=len(table) + SPARE_SLOTS,
        block_size=block_size,
        start_ramp=start_ramp,
        realtime=realtime,
        ahead=ahead,
        inputs=inputs,
        margin=margin,
        cores=cores,
    )
    converted = at_rate(instrument, sample_rate)
    return Engine(config, converted, table, memory=lay(config, converted) if lay else None)
