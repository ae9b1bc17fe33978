"""The session on the real engine."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rtsynth.client import Client
from rtsynth.control import Control, PerformanceLog, Session, read_log, replay
from rtsynth.control.command import parse
from rtsynth.control.port import EnginePort
from tests.control.conftest import EXAMPLES
from tests.engine.bank import RATE, engine_on, mixed_table, run

SCRIPT: list[tuple[int, str, tuple[Any, ...]]] = [
    (100, "event/trigger", ("bell", 0.5)),
    (1_001, "event/new", (-1, "resonance", 3, "gain", 0.8, "name", "fresh")),
    (1_002, "event/trigger", ("fresh",)),
    (2_000, "event/set", ("group/low", "pan", 0.5, "transpose", 3)),
    (2_500, "event/trigger", ("group/low",)),
    (3_000, "event/set", (1, "group", "other", "muted", 1)),
    (3_333, "event/trigger", ("*", 0.25)),
    (4_000, "param/set", ("master/gain_db", -6)),
    (5_000, "transport/play", ()),
    (9_000, "event/free", ("fresh",)),
    (12_000, "event/solo", (3, 1)),
    (15_000, "panic", ()),
]


def session_on() -> tuple[Any, Session]:
    table = mixed_table()
    engine = engine_on(table)
    port: EnginePort = engine
    return engine, Session(port, table, resonances=4)


def test_performance_replays_to_the_same_samples(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    engine, session = session_on()
    session.log = PerformanceLog(path, engine)
    heard = []
    script = deque(SCRIPT)
    for block in range(50):
        while script and script[0][0] < (block + 1) * 480:
            _, op, args = script.popleft()
            session.submit([parse(op, args)], arrived_s=0.0)  # due wherever the engine says
        heard.append(run(engine, 480))
        session.pump()
    session.log.close()
    _, records = read_log(path)
    assert len(records) > len(SCRIPT)
    again, session2 = session_on()
    waiting = deque(records)
    sound = np.concatenate(heard)
    replayed = []
    for _ in range(100):
        replay(session2, waiting, again.frame + 240)
        replayed.append(run(again, 240, 240))
        session2.pump()
    assert float(np.abs(sound).max()) > 0.01
    np.testing.assert_array_equal(np.concatenate(replayed), sound)
    assert session2.copy_table() == session.copy_table()


def test_every_command_is_done_at_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    engine, session = session_on()
    session.log = PerformanceLog(path, engine)
    timed = [(c, args) for c, args in EXAMPLES if c.timed and c.op != "panic"]
    for index, (command, args) in enumerate(timed):
        wanted = [args[0], "name", "x"] if command.op == "event/new" else args
        wanted = [2, *wanted[1:]] if command.op == "event/free" else wanted
        session.submit([parse(command.op, wanted)], frame=1_000 + index)
    run(engine, 4_800)
    assert not [n for n in session.pump() if n.topic == "fail"]
    session.log.close()
    _, records = read_log(path)
    assert [(r.frame, r.op) for r in records[:-1]] == [
        (1_000 + i, c.op) for i, (c, _) in enumerate(timed)
    ]


def test_slot_of_a_freed_event_is_used_again() -> None:
    engine, session = session_on()
    for _ in range(200):
        made = session.submit([parse("event/new", (-1,))])[0].result["id"]
        session.submit([parse("event/free", (made,))])
        run(engine, 4_800)
        session.pump()
    assert len(session.copy_table()) == 6


def test_client_hears_the_engine_go() -> None:
    engine, session = session_on()
    with Control(session, osc=False, zmq_port=0) as control, Client(control.zmq_ports[0]) as client:
        news = client.telemetry("go", "stats", timeout_s=5.0)
        next(news)
        client.trigger("bell")
        run(engine, 4_800)
        assert next(n for n in news if n.topic == "go").fields["event"] == 1
        assert client.status()["sample_rate"] == RATE


def test_what_waits_for_messages_is_started_as_told_and_nothing_else() -> None:
    _, session = session_on()
    control = Control(session, osc_port=0, zmq_port=0)
    told: list[object] = []

    def start_receiving(start: Callable[[], None]) -> None:
        told.append(start)
        start()

    control.start(start_receiving)
    try:
        assert control.osc is not None
        assert control.zmq is not None
        assert told == [control.osc.start, control.zmq.start]
        with Client(control.zmq_ports[0]) as client:
            assert client.status()["sample_rate"] == RATE
    finally:
        control.stop()
