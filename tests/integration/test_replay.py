"""What was accepted live is accepted again when its log is replayed."""

from pathlib import Path

import numpy as np
import pytest

from rtsynth.control import PerformanceLog, Session
from rtsynth.control.command import parse
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, EventTable, Score
from rtsynth.service import make_engine, replay_log
from tests.engine.bank import BELL, RATE, small_instrument


def test_an_id_freed_and_given_again_replays(tmp_path: Path) -> None:
    instrument, table = small_instrument(), EventTable([Event(1, resonance=BELL)])
    engine = make_engine(instrument, table, RATE, 2)
    session = Session(engine, table, resonances=instrument.resonances)
    path = tmp_path / "log.jsonl"
    session.log = PerformanceLog(
        path, engine, instrument=instrument.fingerprint(), start_ramp=False
    )
    script = {
        2_400: ("event/trigger", (1,)),
        4_800: ("event/free", (1,)),
        5_760: ("event/new", (1, "resonance", BELL, "transpose", 5.0)),
        6_240: ("event/trigger", (1,)),
        9_600: ("panic", ()),
        9_840: ("event/trigger", (1,)),
    }
    heard = np.zeros((19_200, 2), np.float32)
    for at in range(0, len(heard), 240):
        session.pump()
        if at in script:
            op, arguments = script[at]
            session.submit([parse(op, arguments)], frame=at + 320)
        engine.process(heard[at : at + 240])
    session.pump()
    session.log.close(len(heard))
    for block in (1, 240, 4_096):
        _, replayed = replay_log(path, Score(table), instrument, block)
        assert np.array_equal(replayed, heard[engine.latency.limiter :])
    assert np.abs(heard[10_200:]).max() > 0.05


def test_a_refused_bundle_leaves_its_ids_free() -> None:
    instrument, table = small_instrument(), EventTable([Event(1, resonance=BELL)])
    engine = make_engine(instrument, table, RATE, 2)
    session = Session(engine, table, resonances=instrument.resonances)
    bad = [parse("event/new", (100,)), parse("event/new", (101, "resonance", 99))]
    with pytest.raises(ValueRangeError, match="resonance"):
        session.submit(bad)
    assert session.submit([parse("event/new", (100, "resonance", 0))])[0].result["id"] == 100
