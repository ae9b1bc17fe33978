"""What goes into the engine and what comes out: operations, notices, figures. Thread: any."""

import dataclasses
import enum

__all__ = [
    "ALL",
    "ASAP",
    "Latency",
    "Notice",
    "NoticeKind",
    "Op",
    "Operation",
    "Stats",
    "group_target",
]

ALL = -1
"""Target of an operation that means every event."""

ASAP = -1
"""Frame of an operation that is due at the next tick."""


def group_target(group: int) -> int:
    """Target that means every event of a group, by its index ≥ 1 in the table's `group_names`."""
    return -1 - group


class Op(enum.IntEnum):
    """Operations. `target` is a slot, `ALL` or a group; arguments are floats."""

    TRIGGER = 1  # velocity
    MUTE = 2  # 0 | 1
    SOLO = 3  # 0 | 1
    CHOKE = 4
    FREE = 5
    ACTIVATE = 6  # a slot written by Engine.reserve becomes part of the score
    SET = 7  # index in EVENT_PARAMS, value
    PARAM = 8  # target: index in PARAMS; value
    PLAY = 9
    PAUSE = 10
    SEEK = 11  # seconds
    LOOP = 12  # 0 | 1, begin in seconds, end in seconds
    PANIC = 13
    SYNC = 14  # does nothing but be done
    GROUP = 15  # target: slot; index of the group it now belongs to
    CACHE = 16  # what the field drew for a slot; a cache or −1
    RETIRE = 17  # target: a cache that no slot has any more
    PROTOTYPE = 18  # target: a resonance; a cache


Operation = tuple[Op, int, int, int, tuple[float, ...]]
"""Operation, target, frame, request (0 for none), arguments."""

ON_EVENTS = frozenset(op for op in Op if op <= Op.SET or op in (Op.GROUP, Op.CACHE))
"""Operations whose target is a slot, all events or a group."""


class NoticeKind(enum.IntEnum):
    """What the engine tells. `event` is an event's id, −1 where there is none."""

    DONE = 1  # a request was carried out at `frame`; value: frames late, 0 if on time
    GO = 2  # an event started sounding at `frame`
    END = 3  # its voice is silent
    STOLEN = 4  # its voice was taken for another
    REFUSED = 5  # a request was not carried out: a panic cancelled it, or its event is gone
    NAN = 6  # its voice produced a number that is none, and was reset
    FREED = 7  # its slot may be used again; value: the slot
    GRAIN_LATE = 9  # a grain was not there when it was due; value: how many in a row
    RENDERER = 10  # who renders has changed; value: 1 a worker in grains, 0 the engine from curves
    FEEDBACK = 11  # the input rose without end; value: factor now on the monitor's gain
    THINNED = 12  # short of time: weak modes go, bends come at half rate; value: the load
    SHED = 13  # short of time: its voice was made to fade away
    TURNED_AWAY = 14  # short of time: it was not started; value: its velocity
    SILENCED = 15  # out of time: every voice was made to fade away; value: the load
    CALMED = 16  # time enough again; value: the step that is left, 0 none, 1 thinned


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One fact from the audio thread.

    Attributes:
        kind: what happened.
        frame: when, in frames since the stream began.
        event: the event's id or −1.
        request: the id given to `Engine.post`, 0 if none.
        value: see `NoticeKind`.
    """

    kind: NoticeKind
    frame: int
    event: int
    request: int
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class Latency:
    """Named parts of the way from a message to the sound, frames; constant while running.

    Attributes:
        offset: margin for the message to be read and handed over.
        limiter: its look-ahead.
        device: from the engine's block to the output.
        render: what a grain renderer needs to look ahead; 0 without one.
        block: the device's block: a message may come just after one was asked for.
        input: from the input to the engine's block; only on the way of what is monitored.
        tick: by which the engine hears the input later; likewise.
    """

    offset: int
    limiter: int
    device: int
    render: int = 0
    block: int = 0
    input: int = 0
    tick: int = 0

    @property
    def message(self) -> int:
        """From the arrival of an untagged message to the frame at which it is carried out."""
        return self.block + self.offset

    @property
    def total(self) -> int:
        """From a message to the output: sum of the parts, frames."""
        return self.message + self.inside + self.device

    @property
    def monitor(self) -> int:
        """From the input to the output, frames; `added` of them are the engine's own."""
        return self.input + self.added + self.device

    @property
    def added(self) -> int:
        """From a frame of the input in a block to the frame that holds it in the output."""
        return self.tick + self.inside

    @property
    def inside(self) -> int:
        """Of these, frames between a frame of the stream and where the output has it."""
        return self.limiter + self.render


@dataclasses.dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of the engine's counters; all counts are since the stream began.

    Attributes:
        frame: frames rendered.
        blocks, block_min, block_max: calls, smallest and largest number of frames asked for.
        voices, voices_peak: sounding now and at most.
        load, load_peak: share of the block's period spent rendering: smoothed, and the largest.
        late, stolen, refused, nans: operations and voices by fate.
        undrawn: ticks of voices whose curves were not drawn in time.
        notices_lost: notices that found the outbox full.
        xruns_output, xruns_input: flags the device raised.
        xruns_own: of those, with a body of more than half the period.
        playing, position_s: the transport.
        peak: largest output sample since the last snapshot, linear.
        record_lost: frames the recorder could not take.
        grains: 1 while a worker renders in grains, 0 while the engine renders all from curves.
        grains_late: grains that were not there when they were due.
        clock_error_s: by how much blocks are asked for off the stream's clock, on average.
        clock_relocks: how often that clock was moved at once, as after dropped frames.
        rate_hz: at which the stream runs by the monotonic clock.
        input_lost: frames of the input that its reader could not take.
        howls: how often the feedback guard has stepped in.
        guard: its factor on the monitor's gain.
        overload: what is given up for want of time: 0 nothing, 1 weak modes, 2 voices, 3 all.
        thinned, shed, turned_away, silenced: modes, voices and triggers given up so far, and how
            often all.
        cores: processor cores that share the voices just now.
        helped: ticks of voices that others than the audio thread rendered.
        waits: blocks that were held up by a helper whose core was taken away.
    """

    frame: int
    blocks: int
    block_min: int
    block_max: int
    voices: int
    voices_peak: int
    load: float
    load_peak: float
    late: int
    stolen: int
    refused: int
    nans: int
    undrawn: int
    notices_lost: int
    xruns_output: int
    xruns_input: int
    xruns_own: int
    playing: bool
    position_s: float
    peak: float
    record_lost: int
    grains: int = 0
    grains_late: int = 0
    clock_error_s: float = 0.0
    clock_relocks: int = 0
    rate_hz: float = 0.0
    input_lost: int = 0
    howls: int = 0
    guard: float = 1.0
    overload: int = 0
    thinned: int = 0
    shed: int = 0
    turned_away: int = 0
    silenced: int = 0
    cores: int = 1
    helped: int = 0
    waits: int = 0
