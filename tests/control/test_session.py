"""What commands mean, when they are due, and the log."""

import math
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rtsynth.control import News, PerformanceLog, Session, read_log, replay
from rtsynth.control.command import Command, parse, parse_named, wire_args
from rtsynth.control.pattern import matcher
from rtsynth.engine.ops import ALL, ASAP, NoticeKind, Op, group_target
from rtsynth.errors import (
    CapacityError,
    FileFormatError,
    ProtocolError,
    QueueFullError,
    RtsynthError,
    UnknownNameError,
    ValueRangeError,
)
from rtsynth.events import EventTable
from rtsynth.params import EVENT_PARAMS
from tests.control.fake import FakeEngine, make_table


def make(**options: Any) -> tuple[Session, FakeEngine]:
    table = make_table()
    engine = FakeEngine(table, options.pop("slots", 64), options.pop("inbox", 1024))
    return Session(engine, table, **options), engine


def do(session: Session, op: str, *args: Any, **options: Any) -> dict[str, Any]:
    return session.submit([parse(op, args)], **options)[0].result


def test_event_is_found_by_number_name_and_digits() -> None:
    session, engine = make()
    for target in (1, 1.0, "kick", "1"):
        do(session, "event/trigger", target)
    assert {(p.op, p.target, p.args) for p in engine.posts} == {(Op.TRIGGER, 0, (1.0,))}


def test_a_macro_sets_the_coordinate_it_names() -> None:
    session, engine = make(macros=["brightness", "odd"])
    do(session, "event/set", 1, "macro/odd", 6.0, "gain", 0.5)
    vector1 = next(i for i, p in enumerate(EVENT_PARAMS) if p.path == "vector1")
    assert (Op.SET, (float(vector1), 6.0)) in [(p.op, p.args) for p in engine.posts]
    assert do(session, "event/get", 1)["fields"]["vector1"] == 6.0
    assert do(session, "status")["macros"] == "brightness, odd"


def test_a_macro_that_is_none_is_refused_with_those_there_are() -> None:
    session, engine = make(macros=["brightness"])
    with pytest.raises(UnknownNameError, match="macro/brightness"):
        do(session, "event/set", 1, "macro/warmth", 1.0)
    with pytest.raises(ValueRangeError, match="-96 … 96"):
        do(session, "event/set", 1, "macro/brightness", 97.0)
    assert not engine.posts


def test_a_macro_in_the_log_is_its_coordinate(tmp_path: Path) -> None:
    session, engine = make(macros=["brightness"])
    session.log = PerformanceLog(tmp_path / "log.jsonl", engine, instrument="x")
    do(session, "event/set", 1, "macro/brightness", 2.0)
    engine.turn(480)
    session.pump()
    session.log.close(480)
    assert "vector0" in (tmp_path / "log.jsonl").read_text()


@pytest.mark.parametrize(
    ("target", "slots"),
    [
        ("*", [ALL]),
        ("group/strings", [group_target(1)]),
        ("kick*", [0, 3]),
        ("{kick,kick2}", [0, 3]),
        ("[2-3]", [1, 2]),
        ("?", [1, 2, 4, 0, 3]),
        ("group/str*", [1, 2]),
    ],
)
def test_pattern_means_these_events(target: str, slots: list[int]) -> None:
    session, engine = make()
    do(session, "event/trigger", target)
    assert sorted(p.target for p in engine.posts) == sorted(slots)


@pytest.mark.parametrize(
    ("op", "args", "error"),
    [
        ("event/trigger", (99,), UnknownNameError),
        ("event/trigger", ("nobody",), UnknownNameError),
        ("event/trigger", ("group/none",), UnknownNameError),
        ("event/trigger", ("zz*",), UnknownNameError),
        ("event/trigger", ("[",), ValueRangeError),
        ("event/trigger", (1, 5.0), ValueRangeError),
        ("event/trigger", (1, math.nan), ValueRangeError),
        ("event/trigger", (1, 1, 1), ProtocolError),
        ("event/trigger", (), ProtocolError),
        ("event/trigger", ([1],), ProtocolError),
        ("event/mute", (1, 2), ValueRangeError),
        ("event/set", (1, "gain"), ProtocolError),
        ("event/set", (1, "gain", -1), ValueRangeError),
        ("event/set", (1, "gian", 1), UnknownNameError),
        ("event/set", (1, "gain", 0.5, "name", "kick2"), ValueRangeError),
        ("event/set", (1, "gain", 0.5, "kind", "modal"), UnknownNameError),
        ("event/set", ("*", "name", "x"), ValueRangeError),
        ("event/set", (1, "resonance", 3), ValueRangeError),
        ("event/new", (1,), ValueRangeError),
        ("event/new", ("kick",), ValueRangeError),
        ("event/new", (-1, "kind", "brass"), ValueRangeError),
        ("param/set", ("master/gian", 1), UnknownNameError),
        ("param/set", ("master/gain_db", 99), ValueRangeError),
        ("param/mod", ("master/gain_db", 1000), ValueRangeError),
        ("transport/seek", (-1,), ValueRangeError),
        ("event/list", (7,), ValueRangeError),
        ("no/such", (), UnknownNameError),
    ],
)
def test_refused_command_changes_nothing(
    op: str, args: tuple[Any, ...], error: type[RtsynthError]
) -> None:
    session, engine = make(resonances=3)
    with pytest.raises(error):
        do(session, op, *args)
    assert session.copy_table() == make_table()
    assert (engine.posts, session.revision) == ([], 0)


def test_bundle_is_carried_out_whole_or_not_at_all() -> None:
    session, engine = make()
    bundle = [
        parse("event/new", ("fresh", "gain", 0.5)),
        parse("event/set", ("kick", "onset_s", 9.0)),
        parse("event/set", ("*", "damp", 2.0)),
        parse("event/set", (2, "group", "other")),
        parse("event/free", ("group/strings",)),
        parse("param/set", ("master/gain_db", -6)),
        parse("event/trigger", ("nobody",)),
    ]
    with pytest.raises(UnknownNameError):
        session.submit(bundle)
    assert session.copy_table() == make_table()
    assert do(session, "param/get", "master/gain_db")["value"] == 0.0
    assert engine.posts == []
    session.submit(bundle[:-1])
    assert sorted(session.copy_table().rows["id"].tolist()) == [1, 2, 4, 5, 6]


def test_full_inbox_refuses_all_but_panic() -> None:
    session, engine = make(inbox=10)
    do(session, "event/trigger", 1)
    do(session, "event/trigger", 1)
    with pytest.raises(QueueFullError):
        do(session, "event/mute", 1, 1)
    assert not session.copy_table()[1].muted
    do(session, "panic")
    assert [p.op for p in engine.posts] == [Op.TRIGGER, Op.TRIGGER, Op.PANIC]


def test_no_slot_left_gives_back_what_was_reserved() -> None:
    session, engine = make(slots=6)
    with pytest.raises(CapacityError):
        session.submit([parse("event/new", (-1,)), parse("event/new", (-1,))])
    assert session.copy_table() == make_table()
    engine.turn()
    assert do(session, "event/new", "x") == {"id": 6}


def test_new_event_is_reserved_activated_and_saved() -> None:
    session, engine = make()
    pairs = ("gain", 0.5, "seed", 7, "vector3", -6, "muted", 1, "group", "g", "kind", "texture")
    assert do(session, "event/new", "snare", *pairs, "duration_s", None) == {"id": 6}
    event = session.copy_table()[6]
    assert (event.name, event.group, event.muted, event.kind.name) == (
        "snare",
        "g",
        True,
        "TEXTURE",
    )
    assert (event.seed, event.vector[3], event.duration_s) == (7, -6.0, math.inf)
    assert [(p.op, p.target) for p in engine.posts] == [(Op.ACTIVATE, 5)]


def test_chosen_id_is_never_used_twice() -> None:
    session, _ = make()
    first = do(session, "event/new", -1)["id"]
    do(session, "event/free", first)
    assert do(session, "event/new", -1)["id"] == first + 1


def test_set_keeps_the_table_sorted_and_right() -> None:
    session, _ = make()
    do(session, "event/set", 1, "onset_s", 9.0, "gain", 0.25, "name", "boom", "group", "strings")
    table = session.copy_table()
    assert table.rows["id"].tolist() == [2, 3, 4, 5, 1]
    assert (table[1].gain, table[1].name, table[1].group) == (0.25, "boom", "strings")
    do(session, "event/trigger", "boom")
    with pytest.raises(UnknownNameError):
        do(session, "event/trigger", "kick")


def test_mute_of_a_group_is_saved() -> None:
    session, _ = make()
    do(session, "event/mute", "group/strings", 1)
    assert [e.id for e in session.copy_table() if e.muted] == [2, 3]


def test_offset_is_kept_apart_from_the_value_and_clamped() -> None:
    session, engine = make()
    do(session, "param/set", "master/gain_db", 6)
    do(session, "param/mod", "master/gain_db", 10)
    found = do(session, "param/get", "master/gain_db")
    assert (found["value"], found["offset"]) == (6, 10)
    assert [p.args for p in engine.posts] == [(6.0,), (12.0,)]


def test_untagged_and_tagged_mean_the_same_now() -> None:
    session, engine = make()
    engine.frame, engine.began_s = 48_000, 1000.0
    clock = session.clock
    clock.wall_minus_monotonic_s = 500.0
    assert clock.due(1000.5) == 48_000 + 24_000 + 256 == clock.due_wall(1500.5)


def tagged(session: Session, ahead_s: float) -> Command:
    wall_s = session.clock.wall_minus_monotonic_s + session.clock._engine.clock()[1] + ahead_s
    return parse("event/trigger", (1,), wall_s)


@pytest.mark.parametrize("policy", ["play", "drop", "clip"])
def test_late_policy_decides_and_is_told(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session, engine = make(late=policy)
    engine.frame, engine.began_s = 480_000, 1000.0
    wall_s = 1000.0 + session.clock.wall_minus_monotonic_s
    monkeypatch.setattr("rtsynth.control.clock.time.monotonic", lambda: 1000.0)
    monkeypatch.setattr("rtsynth.control.clock.time.time", lambda: wall_s)
    session.submit([tagged(session, -1.0)], arrived_s=1000.0)
    frames = [p.frame for p in engine.posts]
    assert frames == {"play": [ASAP], "drop": [], "clip": [480_256]}[policy]
    late = [n for n in session.pump() if n.topic == "late"]
    assert [n.args[2] for n in late] == [policy]
    assert late[0].args[1] == pytest.approx(1.0 - 256 / 48_000, abs=1 / 48_000)


def test_who_renders_and_what_was_late_is_told() -> None:
    session, engine = make()
    engine.tell(NoticeKind.GRAIN_LATE, value=2.0)
    engine.tell(NoticeKind.RENDERER, value=0.0)
    engine.tell(NoticeKind.RENDERER, value=1.0)
    news = [(n.topic, n.args) for n in session.pump()]
    assert news == [("grain_late", (2,)), ("renderer", ("curves",)), ("renderer", ("grains",))]


def test_too_far_ahead_is_refused() -> None:
    session, engine = make()
    engine.began_s = 1.0
    for time_s in (4e9, math.inf, math.nan):
        with pytest.raises(ValueRangeError):
            session.submit([parse("event/trigger", (1,), time_s)])
    assert engine.posts == []


def test_bundle_falls_on_one_frame() -> None:
    session, engine = make()
    engine.began_s = 1.0
    session.submit([parse("event/trigger", (i,)) for i in (1, 2, 3)], arrived_s=2.0)
    assert {p.frame for p in engine.posts} == {48_000 + 256}


def test_flood_leaves_one_echo_with_the_last_value() -> None:
    session, _ = make()
    for step in range(100):
        do(session, "event/set", 1, "gain", step / 100)
    do(session, "event/set", 1, "pan", 0.5)
    echoes = [n.args for n in session.pump() if n.topic == "echo"]
    assert echoes == [("event/set", 1, "gain", 0.99), ("event/set", 1, "pan", 0.5)]


def test_refusal_by_the_engine_is_told_to_who_asked() -> None:
    session, engine = make()
    session.submit([Command("event/trigger", 1, (1.0,), origin="me")])
    engine.tell(NoticeKind.REFUSED, request=engine.posts[-1].request)
    news = [n for n in session.pump() if n.topic == "fail"]
    assert [(n.to, n.args[:2]) for n in news] == [("me", ("event/trigger", "capacity"))]


SCRIPT: list[tuple[str, tuple[Any, ...]]] = [
    ("event/new", (-1, "gain", 0.5, "name", "x", "duration_s", math.inf)),
    ("event/trigger", ("kick*", 0.5)),
    ("event/set", ("x", "pan", -0.25, "group", "new")),
    ("event/mute", ("group/new", 1)),
    ("event/solo", ("*", 1)),
    ("param/mod", ("master/gain_db", -3.3)),
    ("transport/loop", (1, 0.5, 2.5)),
    ("transport/tempo", (2.0,)),
    ("event/free", ("x",)),
    ("panic", ()),
]


def test_log_replays_to_the_same_posts(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    session, engine = make()
    engine.began_s = 1.0
    with PerformanceLog(path, engine, score="a", instrument="b") as log:
        session.log = log
        for index, (op, args) in enumerate(SCRIPT):
            do(session, op, *args, frame=100 * index)
        assert path.read_text().count("\n") <= 1  # nothing before the engine has said so
        engine.turn()
        session.pump()
        log.close(5_000)
    header, records = read_log(path)
    assert (header.score, header.instrument, header.channels) == ("a", "b", 2)
    assert [r.frame for r in records] == sorted(r.frame for r in records)
    assert (records[-1].frame, records[-1].op) == (5_000, "end")
    again, engine2 = make()
    waiting = deque(records)
    assert replay(again, waiting, 1) == 1
    replay(again, waiting, 10_000)
    assert not waiting
    assert again.copy_table() == session.copy_table()
    key = [(p.op, p.target, p.frame, p.args) for p in engine.posts]
    assert [(p.op, p.target, p.frame, p.args) for p in engine2.posts] == key


class SlowLog(PerformanceLog):
    """On a disk that does not answer before it is told to."""

    def __init__(self, path: Path, engine: FakeEngine) -> None:
        super().__init__(path, engine)
        self.writing, self.answer = threading.Event(), threading.Event()

    def flush(self) -> None:
        self.writing.set()
        assert self.answer.wait(10.0)
        super().flush()


def comes_through(session: Session, engine: FakeEngine) -> bool:
    """Whether a trigger is posted within five seconds, whoever holds what."""
    before = len(engine.posts)
    message = threading.Thread(target=do, args=(session, "event/trigger", 1), daemon=True)
    message.start()
    message.join(5.0)
    return len(engine.posts) > before


def test_a_message_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    session, engine = make()
    log = SlowLog(tmp_path / "log.jsonl", engine)
    with log:
        session.log = log
        do(session, "event/trigger", 1)
        engine.turn()
        pump = threading.Thread(target=session.pump)
        pump.start()
        assert log.writing.wait(10.0)
        through = comes_through(session, engine)
        log.answer.set()
        pump.join()
    assert through


@pytest.mark.parametrize("asks", [Session.stats, lambda session: do(session, "status")])
def test_a_message_does_not_wait_for_what_the_machine_says_of_itself(
    asks: Callable[[Session], dict[str, Any]],
) -> None:
    session, engine = make()
    asked, say = threading.Event(), threading.Event()

    def machine() -> dict[str, Any]:
        asked.set()
        assert say.wait(10.0)
        return {"device": "x"}

    session.machine = machine
    told: list[dict[str, Any]] = []
    stats = threading.Thread(target=lambda: told.append(asks(session)))
    stats.start()
    assert asked.wait(10.0)
    through = comes_through(session, engine)
    say.set()
    stats.join()
    assert through
    assert told[0]["device"] == "x"


HEADER = (
    '{"rtsynth_log": 1, "sample_rate": 48000, "channels": 2, "score": "", "instrument": "", '
    '"start_ramp": true}\n'
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "line 1"),
        ("[]", "line 1"),
        ("[" * 5000, "line 1"),
        ('{"rtsynth_log": 2}\n', "version 2"),
        ('{"rtsynth_log": 1}\n', "line 1"),
        (HEADER + "x\n", "line 2"),
        (HEADER + '{"frame": -1, "op": "panic"}\n', "line 2"),
        (HEADER + '{"frame": 1, "op": "nothing"}\n', "line 2"),
        (HEADER + '{"frame": 1, "op": "event/trigger", "args": [1, 9]}\n', "line 2"),
        (HEADER + '{"frame": 5, "op": "panic"}\n{"frame": 4, "op": "panic"}\n', "line 3"),
        (HEADER + '{"frame": 5, "op": "end"}\n{"frame": 6, "op": "panic"}\n', "line 3"),
    ],
)
def test_damaged_log_names_its_line(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=line):
        read_log(path)


def test_named_arguments_mean_the_same_as_ordered_ones() -> None:
    named = parse_named("event/set", {"id": 3, "fields": {"gain": 0.5}, "unknown": 1})
    assert named == parse("event/set", [3, "gain", 0.5])
    assert wire_args(named) == [3, "gain", 0.5]


def test_pattern_time_does_not_explode() -> None:
    matches = matcher("*a" * 60 + "b")
    assert not matches("a" * 64)
    assert matcher("*{a,ab}c")("xxabc")
    assert matcher("[!a-c]x*")("dx1")
    assert not matcher("[!a-c]x")("ax")
    assert not matcher("a*")("a/b")


def test_table_given_is_not_the_table_edited() -> None:
    table = make_table()
    session = Session(FakeEngine(table), table)
    do(session, "event/set", 1, "gain", 0.5)
    assert isinstance(session.copy_table(), EventTable)
    assert table == make_table()


def test_what_becomes_of_the_device_is_told_to_all() -> None:
    session, _ = make()
    news = News("device", ("lost", "signal SIGKILL"), 480)
    session.announce(news)
    assert session.pump() == [news]
    assert session.pump() == []


def test_status_holds_what_the_machine_says_of_itself() -> None:
    session, _ = make()
    assert "restarts" not in session.stats()
    session.machine = lambda: {"restarts": 2, "device_state": "away"}
    assert do(session, "status")["restarts"] == 2
    assert session.stats()["device_state"] == "away"


@pytest.mark.parametrize(("begin_s", "end_s"), [(5.0, 2.0), (1.0, 1.0)])
def test_a_loop_that_ends_before_it_begins_is_refused(begin_s: float, end_s: float) -> None:
    session, _ = make()
    with pytest.raises(ValueRangeError, match=f"legal: more than begin_s = {begin_s:g}"):
        do(session, "transport/loop", 1, begin_s, end_s)
    do(session, "transport/loop", 1, begin_s, 0.0)
