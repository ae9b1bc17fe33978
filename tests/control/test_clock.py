"""When messages are due, whatever the clocks of the wall, the interpreter and the network do."""

import socket
import time
from collections.abc import Sequence

import pytest

from rtsynth.control import Session
from rtsynth.control.arrival import receive, stamp_arrivals
from rtsynth.control.clock import SLEW_SHARE, STEP_S, Clock
from rtsynth.control.command import parse
from rtsynth.engine.ops import ASAP, NoticeKind, Op, Operation
from rtsynth.errors import ValueRangeError
from rtsynth.params import param_named
from tests.control.fake import FakeEngine, make_table

RATE = 48_000


class Clocks:
    """Both clocks of the machine, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monotonic_s, self.wall_s = 1_000.0, 5_000.0
        monkeypatch.setattr("rtsynth.control.clock.time.monotonic", lambda: self.monotonic_s)
        monkeypatch.setattr("rtsynth.control.clock.time.time", lambda: self.wall_s)

    def pass_s(self, seconds: float) -> None:
        self.monotonic_s += seconds
        self.wall_s += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def made(clocks: Clocks, **options: object) -> tuple[Session, FakeEngine]:
    table = make_table()
    engine = FakeEngine(table)
    engine.frame, engine.began_s = 480_000, clocks.monotonic_s
    return Session(engine, table, **options), engine  # type: ignore[arg-type]


def tagged(session: Session, unix_s: float, *events: int) -> None:
    session.submit([parse("event/trigger", (event,), unix_s) for event in events or (1,)])


def test_a_tag_in_the_distance_is_counted_at_the_streams_own_rate(clocks: Clocks) -> None:
    session, engine = made(clocks)
    engine.clock_rate = RATE * (1 + 50e-6)
    tagged(session, clocks.wall_s + 20.0)
    assert engine.posts[0].frame == 480_000 + 256 + 20 * RATE + 48


def test_a_slewed_wall_clock_is_followed(clocks: Clocks) -> None:
    clock = Clock(FakeEngine(make_table()))
    before_s = clock.wall_minus_monotonic_s
    clocks.wall_s += 0.5 * STEP_S
    clock.follow_wall()
    assert clock.wall_minus_monotonic_s - before_s == pytest.approx(0.5 * STEP_S * SLEW_SHARE)
    for _ in range(200):
        clock.follow_wall()
    assert clock.wall_minus_monotonic_s - before_s == pytest.approx(0.5 * STEP_S, rel=1e-3)
    assert clock.steps == 0


@pytest.mark.parametrize("step_s", [-3_600.0, -0.1, 0.1, 3_600.0])
def test_a_stepped_wall_clock_moves_nothing_that_was_posted(clocks: Clocks, step_s: float) -> None:
    session, engine = made(clocks)
    tagged(session, clocks.wall_s + 1.0)
    session.submit([parse("event/trigger", (1,))], arrived_s=clocks.monotonic_s)
    clocks.wall_s += step_s
    tagged(session, clocks.wall_s + 1.0)  # a client of this machine tags in the new time
    session.submit([parse("event/trigger", (1,))], arrived_s=clocks.monotonic_s)
    frames = [p.frame for p in engine.posts]
    assert frames == [480_000 + 256 + RATE, 480_256, 480_000 + 256 + RATE, 480_256]
    assert session.stats()["clock_steps"] == 1


def test_tags_of_the_old_time_after_a_step_meet_the_policies(clocks: Clocks) -> None:
    session, engine = made(clocks, late="drop", too_far_s=10.0)
    old_s = clocks.wall_s
    clocks.wall_s += 60.0
    tagged(session, old_s + 1.0)
    assert engine.posts == []
    assert session.stats()["late_dropped"] == 1
    clocks.wall_s -= 120.0
    with pytest.raises(ValueRangeError, match="ahead"):
        tagged(session, old_s + 1.0)
    assert session.stats()["too_far"] == 1


@pytest.mark.parametrize("policy", ["play", "drop", "clip"])
def test_every_late_tag_is_counted_once(clocks: Clocks, policy: str) -> None:
    session, engine = made(clocks, late=policy)
    tagged(session, clocks.wall_s - 1.0, 1, 2, 3)
    stats = session.stats()
    assert (stats["late"], stats["late_dropped"]) == (3, 3 if policy == "drop" else 0)
    assert len({p.frame for p in engine.posts}) <= 1  # the bundle stays whole
    assert [n.topic for n in session.pump()].count("late") == 3


def test_too_far_ahead_is_as_configured(clocks: Clocks) -> None:
    for legal, ahead_s in ((0.5, 0.4), (100.0, 99.0)):
        session, engine = made(clocks, too_far_s=legal)
        tagged(session, clocks.wall_s + ahead_s)
        assert len(engine.posts) == 1
        with pytest.raises(ValueRangeError, match=f"at most {legal:g}"):
            tagged(session, clocks.wall_s + legal + 0.1)
    for wrong in (-1.0, 1e9, float("nan")):
        with pytest.raises(ValueRangeError, match="too_far_s"):
            made(clocks, too_far_s=wrong)


def test_a_bundle_reaches_the_engine_in_one_piece(
    clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, engine = made(clocks)
    calls: list[int] = []
    post_all = engine.post_all

    def counted(operations: Sequence[Operation]) -> None:
        calls.append(len(operations))
        post_all(operations)

    monkeypatch.setattr(engine, "post_all", counted)
    session.submit([parse("event/trigger", (event,)) for event in (1, 2, 3)])
    assert calls == [3]


def test_an_input_that_may_not_be_heard_stays_unheard(clocks: Clocks) -> None:
    session, engine = made(clocks, no_monitor="a reason")
    for op, path in (("param/set", "monitor/gain"), ("param/mod", "monitor/gain"),
                     ("param/set", "monitor/bypass")):  # fmt: skip
        with pytest.raises(ValueRangeError, match="a reason"):
            session.submit([parse(op, (path, 1.0))])
    assert engine.posts == []
    assert session.submit([parse("param/get", ("monitor/gain",))])[0].result["value"] == 0.0
    session.submit([parse("param/set", ("monitor/gain", 0.0))])
    session.submit([parse("param/set", ("monitor/pan", 1.0))])
    session.no_monitor = ""
    session.submit([parse("param/set", ("monitor/gain", 1.0))])
    assert engine.posts[-1].op is Op.PARAM
    assert engine.posts[-1].target == param_named("monitor/gain")[0]


def test_a_howl_is_told() -> None:
    table = make_table()
    engine = FakeEngine(table)
    session = Session(engine, table)
    engine.tell(NoticeKind.FEEDBACK, value=0.5)
    assert [(n.topic, n.args) for n in session.pump()] == [("feedback", (0.5,))]


def test_the_latency_on_the_wire_is_the_sum_of_its_parts() -> None:
    table = make_table()
    status = Session(FakeEngine(table), table).stats()
    parts = ("block", "offset", "render", "limiter", "device")
    assert sum(status[f"latency_{part}"] for part in parts) == status["latency_total"] == 328
    way = ("input", "tick", "render", "limiter", "device")
    assert sum(status[f"latency_{part}"] for part in way) == status["latency_monitor"]


def test_a_datagram_is_stamped_when_it_came_not_when_it_was_read() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        here.bind(("127.0.0.1", 0))
        if not stamp_arrivals(here):
            pytest.skip("this system stamps no datagrams")
        there.bind(("127.0.0.1", 0))
        time.sleep(0.3)  # Linux begins to stamp a moment after the first socket asks for it
        before_s = time.monotonic()
        there.sendto(b"abcd", here.getsockname())
        after_s = time.monotonic()
        time.sleep(0.2)
        data, address, arrived_s = receive(here, 64, True)
        assert (data, address) == (b"abcd", there.getsockname())
        assert before_s - 0.01 <= arrived_s <= after_s + 0.01


def test_without_stamps_the_time_of_reading_has_to_do() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        here.sendto(b"abcd", here.getsockname())
        before_s = time.monotonic()
        _, _, arrived_s = receive(here, 64, False)
        assert arrived_s >= before_s


class Wandering(FakeEngine):
    """Its clock is a little off at every look, as one that follows a device is."""

    looks = 0

    def clock(self) -> tuple[int, float]:
        self.looks += 1
        return self.frame, self.began_s + 1e-4 * (self.looks % 7)


@pytest.mark.parametrize("tag_s", [None, 0.5])
def test_a_bundle_is_carried_out_on_one_frame_whatever_the_clock_does_meanwhile(
    clocks: Clocks, tag_s: float | None
) -> None:
    table = make_table()
    engine = Wandering(table)
    engine.frame, engine.began_s = 480_000, clocks.monotonic_s
    time_s = None if tag_s is None else clocks.wall_s + tag_s
    chord = [parse("event/trigger", (event,), time_s) for event in (1, 2, 3)]
    Session(engine, table).submit(chord, arrived_s=clocks.monotonic_s)
    assert len({posted.frame for posted in engine.posts}) == 1


def test_after_a_stream_has_lost_time_messages_do_not_wait_for_it(clocks: Clocks) -> None:
    session, engine = made(clocks)
    session.submit([parse("event/trigger", (1,))], arrived_s=clocks.monotonic_s)
    clocks.pass_s(3.0)  # nothing is played
    session.submit([parse("event/trigger", (1,))], arrived_s=clocks.monotonic_s)
    engine.began_s = clocks.monotonic_s
    session.submit([parse("event/trigger", (1,))], arrived_s=clocks.monotonic_s)
    assert [posted.frame for posted in engine.posts] == [480_256, 480_256 + 3 * RATE, 480_256]


def test_a_tag_from_long_ago_is_late_and_no_time_at_all_is_refused(clocks: Clocks) -> None:
    session, engine = made(clocks)
    tagged(session, 1.0 - 2e9)
    assert [posted.frame for posted in engine.posts] == [ASAP]
    with pytest.raises(ValueRangeError, match="at most 30"):
        tagged(session, float("nan"))


def test_an_event_freed_before_it_is_made_does_not_stay(clocks: Clocks) -> None:
    session, engine = made(clocks)
    session.submit([parse("event/new", (77,), clocks.wall_s + 1.0)])
    session.submit([parse("event/free", (77,), clocks.wall_s + 0.5)])
    birth, death = (next(p for p in engine.posts if p.op is op) for op in (Op.ACTIVATE, Op.FREE))
    assert birth.target == death.target
    assert birth.frame == death.frame > 480_000 + 256
    session.submit([parse("event/new", (78,), clocks.wall_s + 0.1)])
    session.submit([parse("event/free", (78,), clocks.wall_s + 0.2)])
    assert engine.posts[-1].frame > engine.posts[-2].frame
