"""What was accepted live is accepted again when its log is replayed."""

from pathlib import Path

import numpy as np
import pytest

from rtsynth.audio import InputSide, Recorder
from rtsynth.control import PerformanceLog, Session
from rtsynth.control.command import parse
from rtsynth.errors import AudioFileError, FileFormatError, ValueRangeError
from rtsynth.events import Event, EventTable, Score
from rtsynth.service import make_engine, replay_log
from tests.engine.bank import BELL, RATE, TICK, small_instrument


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


def test_what_was_monitored_replays_with_what_came_in(tmp_path: Path) -> None:
    instrument, table = small_instrument(), EventTable([Event(1, resonance=BELL)])
    engine = make_engine(instrument, table, RATE, 2, inputs=1)
    session = Session(engine, table, resonances=instrument.resonances)
    path = tmp_path / "log.jsonl"
    session.log = PerformanceLog(
        path, engine, instrument=instrument.fingerprint(), start_ramp=False, inputs=1,
        heard="log.jsonl.input.wav",
    )  # fmt: skip
    came_in = np.random.default_rng(1).normal(0, 0.05, (19_200, 1)).astype(np.float32)
    script = {
        0: ("param/set", ("monitor/gain", 0.5)),
        2_400: ("event/trigger", (1,)),
        4_800: ("param/set", ("monitor/bypass", 1)),
        7_200: ("panic", ()),
        9_600: ("param/set", ("monitor/bypass", 0)),
        12_000: ("event/trigger", (1,)),
    }
    heard = np.zeros((19_200, 2), np.float32)
    with Recorder(InputSide(engine), tmp_path / "log.jsonl.input.wav", skip=TICK):
        for at in range(0, len(heard), 240):
            session.pump()
            if at in script:
                op, arguments = script[at]
                session.submit([parse(op, arguments)], frame=at + 320)
            engine.process(heard[at : at + 240], came_in[at : at + 240])
    session.pump()
    session.log.close(len(heard))
    for block in (1, 240, 4_096):
        _, replayed = replay_log(path, Score(table), instrument, block)
        assert np.array_equal(replayed, heard[engine.latency.limiter :])
    assert np.abs(heard).max() > 0.05
    (tmp_path / "log.jsonl.input.wav").unlink()
    with pytest.raises(AudioFileError, match=r"input\.wav"):
        replay_log(path, Score(table), instrument)


def test_a_log_whose_input_was_not_kept_says_so(tmp_path: Path) -> None:
    instrument, table = small_instrument(), EventTable([Event(1, resonance=BELL)])
    engine = make_engine(instrument, table, RATE, 2, inputs=1)
    path = tmp_path / "log.jsonl"
    PerformanceLog(path, engine, instrument=instrument.fingerprint(), inputs=1).close(4_800)
    with pytest.raises(FileFormatError, match="not kept"):
        replay_log(path, Score(table), instrument)


def test_a_refused_bundle_leaves_its_ids_free() -> None:
    instrument, table = small_instrument(), EventTable([Event(1, resonance=BELL)])
    engine = make_engine(instrument, table, RATE, 2)
    session = Session(engine, table, resonances=instrument.resonances)
    bad = [parse("event/new", (100,)), parse("event/new", (101, "resonance", 99))]
    with pytest.raises(ValueRangeError, match="resonance"):
        session.submit(bad)
    assert session.submit([parse("event/new", (100, "resonance", 0))])[0].result["id"] == 100
