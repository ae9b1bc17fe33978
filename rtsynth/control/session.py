"""The one owner of what control knows: resolves, validates, mirrors and posts commands.

A command that is refused changes nothing, and neither does any other of the same bundle. The mirror
runs ahead of the sound: it holds what will be once everything accepted has been carried out.
Thread: any. The engine is only ever called behind one lock. `pump` takes another one before it, so
that notices are handled in their order, and must not be called from behind either.
"""

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rtsynth.control.clock import Clock
from rtsynth.control.command import MACRO, Command
from rtsynth.control.mirror import Mirror
from rtsynth.control.performance import PerformanceLog
from rtsynth.control.plan import Plan, Planner, Post
from rtsynth.control.port import EnginePort, News, Value
from rtsynth.control.query import Query
from rtsynth.control.timing import TOO_FAR_S, Timing
from rtsynth.engine.ops import Notice, NoticeKind, Op, Operation
from rtsynth.errors import (
    CapacityError,
    QueueFullError,
    RtsynthError,
    UnknownNameError,
    ValueRangeError,
)
from rtsynth.events import EventTable
from rtsynth.params import command_named, event_param_named, param_named

__all__ = ["Reply", "Session"]

KEPT_FOR_PANIC = 8  # operations in the inbox that only `panic` may use
MAX_PENDING = 65_536
MAX_REQUEST = 2**30
RESONANCE = event_param_named("resonance")[0]
AUDIBLE_INPUT = frozenset(param_named(p)[0] for p in ("monitor/gain", "monitor/bypass"))
MAX_NEWS = 16_384
PASSING = frozenset(
    {"event/trigger", "event/choke", "sync"}
)  # change no state: no echo, no revision
ANSWERS = frozenset({NoticeKind.DONE, NoticeKind.REFUSED})
NOTICE_TOPICS = {
    NoticeKind.GO: "go",
    NoticeKind.END: "end",
    NoticeKind.STOLEN: "stolen",
    NoticeKind.NAN: "nan",
    NoticeKind.SHED: "shed",
    NoticeKind.TURNED_AWAY: "turned_away",
}

OVERLOAD_STEPS = {
    NoticeKind.THINNED: "thinned",
    NoticeKind.SILENCED: "silenced",
    NoticeKind.CALMED: "calmed",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """What came of one command.

    Attributes:
        op: the command's.
        result: what it asked for, by name.
        revision: of the mirror after it.
        frame: at which it is due, `ASAP` for the next tick; of the engine now for a question.
    """

    op: str
    result: dict[str, Any]
    revision: int
    frame: int


class Session:
    """Control's side of one engine.

    Args:
        engine: the port; nobody else may post to it.
        table: the events that the engine was loaded with; copied.
        late: one of `LATE_POLICIES`.
        too_far_s: how far ahead a time tag may be, seconds.
        asap: untagged commands play at the next tick instead of at a constant latency.
        resonances: how many the instrument has, so that another can be refused in time.
        macros: names that the instrument gives the first coordinates of its vectors.
        no_monitor: why the input may not be heard in the output; empty if it may.

    Attributes:
        log: where carried-out commands are written, if anywhere.
        no_monitor: as given; may change before commands come.
        machine: says what `status` is to add about processes, device and clients.
    """

    def __init__(
        self,
        engine: EnginePort,
        table: EventTable,
        *,
        late: str = "play",
        too_far_s: float = TOO_FAR_S,
        asap: bool = False,
        resonances: int | None = None,
        macros: Sequence[str] = (),
        no_monitor: str = "",
    ) -> None:
        self.engine = engine
        self.clock = Clock(engine)
        self.log: PerformanceLog | None = None
        self.machine: Callable[[], dict[str, Any]] = dict
        self._mirror = Mirror(table)
        self._facts: dict[str, Any] = {
            "late_policy": late,
            "too_far_s": too_far_s,
            "late_tagged": 0,
            "late_dropped": 0,
            "too_far": 0,
            "macros": ", ".join(macros),
        }
        self._query = Query(engine, self._mirror, self.clock, self._facts)
        self._macros = {f"{MACRO}{name}": f"vector{i}" for i, name in enumerate(macros)}
        self._resonances = resonances
        self.no_monitor = no_monitor
        self._timing = Timing(engine, self.clock, late, too_far_s, asap, self._facts)
        self._lock = threading.RLock()
        self._pumping = threading.Lock()  # taken before the other
        self._revision = 0
        self._last_request = 0
        self._pending: dict[int, Plan] = {}
        self._news: deque[News] = deque(maxlen=MAX_NEWS)
        self._echoes: dict[tuple[Any, ...], News] = {}
        self._planner = Planner(engine, self._mirror)

    @property
    def revision(self) -> int:
        """Goes up with every accepted change."""
        return self._revision

    def copy_table(self) -> EventTable:
        """The events as they stand, for saving."""
        with self._lock:
            table = self._mirror.table
            return EventTable.from_rows(table.rows, list(table.group_names), *table.labels())

    def submit(
        self,
        commands: Sequence[Command],
        *,
        arrived_s: float | None = None,
        frame: int | None = None,
    ) -> list[Reply]:
        """Carry out commands: all of them, in order, or none.

        Args:
            commands: one, or those of a bundle.
            arrived_s: `time.monotonic()` when they came; now, if not given.
            frame: carry all out at this frame, whatever their time says.

        Raises:
            UnknownNameError, ValueRangeError: something in them; nothing was changed.
            QueueFullError: the engine's inbox has no room for all of them.
            CapacityError: the engine has no room for another event.
        """
        arrived_s = time.monotonic() if arrived_s is None else arrived_s
        with self._lock:
            try:
                self._timing.begin()
                plans = [self._plan(c, arrived_s, frame) for c in commands]
                self._post(plans)
            except BaseException:
                self._mirror.rollback()
                raise
            self._mirror.commit()
            replies = [self._finish(plan) for plan in plans]
        for reply in replies:
            if reply.op == "status":  # what it asks of the machine keeps nobody else waiting
                reply.result.update(self.machine())
        return replies

    def pump(self) -> list[News]:
        """Take the engine's notices, log what was carried out, and return what to tell clients.

        The lock is held for as little as can be: a thread that waits for the interpreter with it
        would keep every message waiting, too.
        """
        with self._pumping:
            with self._lock:
                taken = [(n, self._answered(n)) for n in self.engine.notices()]
            for notice, plan in taken:
                self._take(notice, plan)
            if self.log is not None:
                self.log.flush()
            with self._lock:
                news = [*self._echoes.values(), *self._news]
                self._echoes.clear()
                self._news.clear()
            return news

    def announce(self, news: News) -> None:
        """Tell clients something that no command brought about."""
        with self._lock:
            self._news.append(news)

    def stats(self) -> dict[str, Any]:
        """The engine's counters and the transport, by name."""
        with self._lock:
            counters = self._query.counters()
        return counters | self.machine()

    def _plan(self, command: Command, arrived_s: float, frame: int | None) -> Plan:
        if not command_named(command.op).timed:
            return Plan(command, self.engine.frame, self._query.answer(command), [], list)
        due, late_s = self._timing.due(command, arrived_s) if frame is None else (frame, 0.0)
        if late_s and self._timing.late == "drop":
            return Plan(command, due, {"late_s": late_s, "action": "drop"}, [], list, late_s)
        plan = self._planner.plan(self._without_macros(command))
        if plan is None:
            raise UnknownNameError(f"{command.op} is not carried out by this server", field="op")
        plan.frame, plan.late_s = due, late_s
        return plan

    def _without_macros(self, command: Command) -> Command:
        """The command with every macro replaced by the coordinate it names."""
        if not any(name.startswith(MACRO) for name, _ in command.pairs):
            return command
        for name, _ in command.pairs:
            if name.startswith(MACRO) and name not in self._macros:
                legal = ", ".join(self._macros) or "none: this instrument names no macros"
                raise UnknownNameError(f"no macro {name[:80]!r}; legal: {legal}", field=name[:80])
        pairs = tuple((self._macros.get(name, name), value) for name, value in command.pairs)
        return dataclasses.replace(command, pairs=pairs)

    def _post(self, plans: list[Plan]) -> None:
        """Check, reserve and resolve everything, and only then post."""
        posts = [p for plan in plans for p in plan.posts]
        kept = 0 if all(p.op is Op.PANIC for p in posts) else KEPT_FOR_PANIC
        if posts and self.engine.free_space() - kept < len(posts):
            raise QueueFullError(
                f"no room for {len(posts)} operations in the engine's inbox; send again later"
            )
        for post in posts:
            self._check_resonance(post)
            self._check_monitor(post)
        slots: dict[int, int] = {}
        try:
            self._reserve(posts, slots)
            targets = [p.target if p.event is None else self.engine.slot_of(p.event) for p in posts]
        except RtsynthError:
            for slot in slots.values():
                self.engine.unreserve(slot)
            raise
        remaining = iter(targets)
        self.engine.post_all(
            [
                operation
                for plan in plans
                if plan.posts
                for operation in self._operations(plan, [next(remaining) for _ in plan.posts])
            ]
        )

    def _check_resonance(self, post: Post) -> None:
        if post.op is Op.SET and post.args[0] == RESONANCE and self._resonances is not None:
            if not post.args[1] < self._resonances:
                raise ValueRangeError(
                    f"resonance = {post.args[1]:g}; legal: 0 … {self._resonances - 1}",
                    field="resonance",
                )

    def _check_monitor(self, post: Post) -> None:
        heard = post.op is Op.PARAM and post.target in AUDIBLE_INPUT and post.args[0] > 0.0
        if heard and self.no_monitor:
            raise ValueRangeError(f"the input stays unheard: {self.no_monitor}", field="monitor")

    def _reserve(self, posts: list[Post], slots: dict[int, int]) -> None:
        table = self._mirror.table
        for post in posts:
            if post.op is Op.ACTIVATE and post.event is not None:
                row = table.rows[table.index(post.event)]
                slots[post.event] = self.engine.reserve(row)

    def _operations(self, plan: Plan, targets: list[int]) -> Iterator[Operation]:
        """A plan's operations for the engine; notes what their DONE will mean."""
        request = self._last_request = self._last_request % MAX_REQUEST + 1
        if len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[request] = plan
        last = len(targets) - 1
        for index, (post, target) in enumerate(zip(plan.posts, targets, strict=True)):
            number = request if index == last else 0
            yield (
                post.op,
                target,
                self._timing.after_birth(post.op, target, plan.frame),
                number,
                post.args,
            )

    def _finish(self, plan: Plan) -> Reply:
        command = plan.command
        if plan.late_s:
            self._facts["late_tagged"] += 1
            self._facts["late_dropped"] += self._timing.late == "drop"
            self._tell_late(command, plan.late_s, self._timing.late, plan.frame)
        if plan.posts and command.op not in PASSING:
            self._revision += 1
            for args in plan.logged():
                self._echo(command, args, plan.frame)
        return Reply(command.op, plan.reply, self._revision, plan.frame)

    def _echo(self, command: Command, args: list[Value], frame: int) -> None:
        # a flood leaves only the last value of each thing it changed
        key = (command.op, *args[:1], *args[1:-1:2]) if command.pairs else (command.op, *args[:1])
        if not command.target and command.op.startswith("transport/"):
            key = (command.op,)
        self._echoes.pop(key, None)
        if len(self._echoes) < MAX_NEWS:
            news = News("echo", (command.op, *args), frame, source=command.origin)
            self._echoes[key] = news

    def _tell_late(self, command: Command, late_s: float, action: str, frame: int) -> None:
        target: int | str = command.target if command.op.startswith("event/") else -1
        args = (target, late_s, action)
        self._news.append(News("late", args, frame, request=command.request))

    def _answered(self, notice: Notice) -> Plan | None:
        """What a notice is the answer to, if it is one."""
        return self._pending.pop(notice.request, None) if notice.kind in ANSWERS else None

    def _take(self, notice: Notice, plan: Plan | None) -> None:
        """Tell what a notice means; not behind the lock: it only adds to news and log."""
        topic = NOTICE_TOPICS.get(notice.kind)
        if topic is not None:
            self._news.append(News(topic, (notice.event,), notice.frame))
            if notice.kind is NoticeKind.SHED and self.log is not None:
                self.log.write(notice.frame, "event/choke", [notice.event])  # as a replay may do it
        elif notice.kind in OVERLOAD_STEPS:
            self._news.append(News("overload", (OVERLOAD_STEPS[notice.kind],), notice.frame))
        elif notice.kind is NoticeKind.GRAIN_LATE:
            self._news.append(News("grain_late", (int(notice.value),), notice.frame))
        elif notice.kind is NoticeKind.FEEDBACK:
            self._news.append(News("feedback", (notice.value,), notice.frame))
        elif notice.kind is NoticeKind.RENDERER:
            renderer = "grains" if notice.value else "curves"
            self._news.append(News("renderer", (renderer,), notice.frame))
        if plan is None:
            return
        if notice.kind is NoticeKind.DONE:
            self._done(plan, notice)
        else:
            args = (
                plan.command.op,
                CapacityError.code,
                "not carried out: a panic came before it, its event was freed, or there is no "
                "time (overload) or no voice for it (all fade out at once)",
            )
            self._tell(plan.command, News("fail", args, notice.frame))

    def _done(self, plan: Plan, notice: Notice) -> None:
        command = plan.command
        if self.log is not None:
            for args in plan.logged():
                self.log.write(notice.frame, command.op, args)
        if notice.value > 0 and not plan.late_s:
            late_s = notice.value / self.engine.sample_rate
            self._tell_late(command, late_s, "play", notice.frame)
        if command.op == "sync":
            self._tell(command, News("synced", (int(command.numbers[0]),), notice.frame))

    def _tell(self, command: Command, news: News) -> None:
        if command.origin is not None:
            self._news.append(dataclasses.replace(news, to=command.origin, request=command.request))
