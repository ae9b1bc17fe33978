"""The engine as the rest of the program sees it: built, fed, called, asked. It owns no thread."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.fft import fft_tables
from rtsynth.dsp.grain import HOP, grain_halves
from rtsynth.dsp.modal import TICK
from rtsynth.dsp.ramp import fade_curve
from rtsynth.dsp.texture import band_spans, band_weights, grain_window
from rtsynth.engine.arena import Arena, bytes_of
from rtsynth.engine.bank import load_instrument
from rtsynth.engine.caches import Caches
from rtsynth.engine.callback import callback, run_block
from rtsynth.engine.config import EngineConfig, check, sizes_for
from rtsynth.engine.crew import Crew
from rtsynth.engine.ends import drain, push_all, read_frames, space
from rtsynth.engine.hops import Hops
from rtsynth.engine.layout import manifest
from rtsynth.engine.ops import ASAP, ON_EVENTS, Latency, Notice, NoticeKind, Op, Operation, Stats
from rtsynth.engine.record import NUMBERS
from rtsynth.engine.resume import Revival
from rtsynth.engine.state import HEADER
from rtsynth.errors import CapacityError, QueueFullError, UnknownNameError, ValueRangeError
from rtsynth.events import FIELDS, EventTable
from rtsynth.instrument import CONTROL_LIMITS, NOISE_EDGES_HZ, Instrument
from rtsynth.params import EVENT_PARAMS, PARAMS, SMOOTHING_S, Curve

__all__ = ["START_RAMP_S", "Engine"]

CLOCK_TRIES = 1_000
START_RAMP_S = 0.05
RATE_KNOWN_S = 5.0
DC_CUTOFF_HZ = 10.0
READY_S, READY_MOST_S = 0.25, 30.0  # of grains in time until a late worker is trusted again;
# every fall-back doubles it, the first to half a second
RESONANCE_FIELD = next(i for i, p in enumerate(EVENT_PARAMS) if p.path == "resonance")
IN_FRAMES = ("onset", "duration")
LAZY = ("curves", "drawn_attack")
"""Arrays of which only what the drawing worker has written to takes memory."""
PLAIN_FIELDS = tuple(name for name in FIELDS if name not in ("onset_s", "duration_s"))


class Engine:
    """Events in, blocks out.

    `process` and `callback_address` belong to the device's thread, `crew` to whoever starts and
    ends that, `frame`, `clock` and `stats` to any, everything else to one control thread at a time.

    Args:
        config: sizes and rates.
        instrument: the bank, its attack at the config's sample rate (`rtsynth.render.at_rate`).
        table: events to load; their onsets count from the transport's 0.
        memory: where to lie, `bytes_for` of them or more; memory of its own if None.
        attached: go on with what lies there; control's side stays with the engine that made it.

    Raises:
        CapacityError: more events than slots.
        ValueRangeError: an attack at another rate, or an event whose resonance does not exist.
    """

    def __init__(
        self,
        config: EngineConfig,
        instrument: Instrument,
        table: EventTable | None = None,
        *,
        memory: NDArray[np.uint8] | None = None,
        attached: bool = False,
    ) -> None:
        check(config, instrument)
        self.config = config
        self.sample_rate = config.sample_rate
        self.channels = config.channels
        self.inputs = config.inputs
        self._silence = np.zeros((0, max(config.inputs, 1)), np.float32)
        self._sizes = sizes_for(config, instrument)
        self._arena = Arena(manifest(self._sizes), memory)
        self._state = self._arena.state
        self._core = self._state.core[0]
        header = [self._arena.memory.ctypes.data, config.channels, len(self._arena.table), 0]
        self._user = np.concatenate([np.array(header, np.int64), self._arena.table.reshape(-1)])
        assert len(header) == HEADER
        self._instrument, self._table = instrument, table
        self._device_latency = self._input_latency = 0
        self._told: dict[str, tuple[Any, Any]] = {}
        self.caches = Caches(self._state, self._sizes, self.sample_rate)
        self.hops = Hops(self._state, self._sizes)
        self.revival = Revival(self._state, self._user)
        self.crew = Crew(self._state, self._user, config.cores)
        if attached:
            self._arena.touch(but=LAZY)
        else:
            self.reset()

    @staticmethod
    def bytes_for(config: EngineConfig, instrument: Instrument) -> int:
        """How much memory an engine of these sizes lies in."""
        return bytes_of(manifest(sizes_for(config, instrument)))

    # --- the device's side -------------------------------------------------------------------

    @property
    def callback_address(self) -> int:
        """Address of a C function with PortAudio's callback signature."""
        return int(callback.address)

    @property
    def userdata_address(self) -> int:
        """What to give it as its user data; valid while this engine lives."""
        return int(self._user.ctypes.data)

    def process(self, out: NDArray[np.float32], heard: NDArray[np.float32] | None = None) -> None:
        """Fill `out`, [frames, channels] float32, contiguous, any frame count. Thread: audio.

        `heard`, [frames, inputs] likewise, is what came in; silence if None.
        """
        run_block(self.userdata_address, self._silence if heard is None else heard, out, -1.0)

    @property
    def frame(self) -> int:
        """Frames delivered since the stream began. Thread: any."""
        return int(self._core["frame"])

    def set_device_latency(self, frames: int, before: int = 0) -> None:
        """What the device adds after the engine, and `before` it to its input, frames.

        Thread: main, before messages arrive.
        """
        self._device_latency, self._input_latency = frames, before

    @property
    def latency(self) -> Latency:
        """Named parts of the way from a message to its sound. Thread: any."""
        return Latency(
            offset=self.config.margin,
            limiter=self._sizes.lookahead,
            device=self._device_latency,
            render=self._sizes.ahead * HOP,
            block=self.config.block_size,
            input=self._input_latency,
            tick=TICK if self.inputs else 0,
        )

    def clock(self) -> tuple[int, float]:
        """A frame, and `time.monotonic()` at which the stream's clock has it asked for.

        (0, 0.0) before the first block. Thread: any.
        """
        frame, ns = self._timed("line_frame", "line_ns")
        return int(frame), float(ns) * 1e-9

    def block_clock(self) -> tuple[int, float]:
        """First frame of the last block and `time.monotonic()` when it really was asked for."""
        frame, ns = self._timed("clock_frame", "clock_ns")
        return int(frame), float(ns) * 1e-9

    @property
    def clock_rate(self) -> float:
        """Frames per second of the monotonic clock; the nominal rate until that is known well."""
        period, seconds = self._timed("line_period", "line_s")
        return 1e9 / float(period) if float(seconds) >= RATE_KNOWN_S else float(self.sample_rate)

    def _timed(self, first: str, second: str) -> tuple[Any, Any]:
        """Two numbers that the callback writes at once; the last, should it have died between."""
        core = self._core
        for _ in range(CLOCK_TRIES):
            before = int(core["clock_count"])
            found = core[first].item(), core[second].item()
            if before % 2 == 0 and before == int(core["clock_count"]):
                self._told[first] = found
                return found
        return self._told.get(first, (0, 0.0))

    # --- the control's side ------------------------------------------------------------------

    def reset(self) -> None:
        """Back to how the engine was built: frame 0, silence, the first table. Thread: main.

        No device may be calling meanwhile.
        """
        self._arena.clear(keep=(*LAZY, "crew"))
        self._told.clear()
        self._slots_by_id: dict[int, int] = {}
        self._free_slots = list(range(self._sizes.slots - 1, -1, -1))
        self._set_constants()
        load_instrument(self._state, self._instrument, self.sample_rate)
        if self._table is not None:
            self.load(self._table)

    def load(self, table: EventTable) -> None:
        """Load a whole table before the stream starts. Thread: main."""
        for row in table.rows:
            slot = self.reserve(row)
            self._state.slots[slot]["used"] = 1
            self._state.order[int(self._core["order_count"])] = slot
            self._core["order_count"] += 1
        # onsets were rounded to frames: events of one frame stand in the order of their ids
        count = int(self._core["order_count"])
        slots = self._state.slots[self._state.order[:count]]
        order = np.lexsort((slots["id"], slots["onset"]))
        self._state.order[:count] = self._state.order[:count][order]

    def reserve(self, row: Any) -> int:
        """Write an event into an unused slot and return the slot; `Op.ACTIVATE` makes it playable.

        Args:
            row: one EVENT_DTYPE row.

        Raises:
            CapacityError: every slot is in use.
            ValueRangeError: its id is in use, or its resonance does not exist.
        """
        event_id = int(row["id"])
        if not self._free_slots:
            raise CapacityError(f"all {self._sizes.slots} event slots are in use; free some events")
        if event_id in self._slots_by_id:
            raise ValueRangeError(f"event {event_id} is loaded already", field="id")
        self._check_resonance(int(row["resonance"]))
        slot = self._free_slots.pop()
        self._slots_by_id[event_id] = slot
        target = self._state.slots[slot]
        for name in PLAIN_FIELDS:
            target[name] = row[name]
        target["onset"] = math.floor(float(row["onset_s"]) * self.sample_rate + 0.5)
        target["duration"] = float(row["duration_s"]) * self.sample_rate
        target["id"], target["kind"] = event_id, row["kind"]
        target["group"], target["muted"] = row["group"], row["muted"]
        target["version"] += 1
        target["cache"] = -1
        target["used"] = target["solo"] = 0
        self._state.vectors[slot] = row["vector"]
        return slot

    def unreserve(self, slot: int) -> None:
        """Give back a slot that `reserve` returned and no `Op.ACTIVATE` was posted for."""
        self._slots_by_id.pop(int(self._state.slots[slot]["id"]), None)
        self._free_slots.append(slot)

    def slot_of(self, event_id: int) -> int:
        """Slot of a loaded event.

        Raises:
            UnknownNameError: no such event.
        """
        slot = self._slots_by_id.get(event_id)
        if slot is None:
            raise UnknownNameError(f"no event {event_id} is loaded", field="id")
        return slot

    def post(
        self, op: Op, target: int = 0, frame: int = ASAP, request: int = 0, *numbers: float
    ) -> None:
        """Send one operation, due at `frame` of the stream.

        Args:
            op: what to do.
            target: a slot, `ALL`, a group (`group_target`) or an index in PARAMS (`Op.PARAM`).
            frame: when; `ASAP` is the next tick.
            request: if not 0, a DONE notice with it says when it was carried out.
            numbers: the operation's arguments.

        Raises:
            QueueFullError: no room; nothing was sent.
            ValueRangeError: a resonance that does not exist.
        """
        self.post_all([(op, target, frame, request, numbers)])

    def post_all(self, operations: Sequence[Operation]) -> None:
        """Send operations so that the audio thread sees all of them at once; as `post` otherwise.

        Raises:
            QueueFullError: no room for all; none was sent.
            ValueRangeError: a resonance that does not exist; likewise.
        """
        records = []
        for op, target, frame, request, numbers in operations:
            if op is Op.SET and int(numbers[0]) == RESONANCE_FIELD:
                self._check_resonance(int(numbers[1]))
            # a slot may have another event by the time the command is due: it says which it means
            on_slot = op in ON_EVENTS and target >= 0
            means = float(self._state.slots[target]["id"]) if on_slot else 0.0
            padded = (*numbers, *(0.0,) * (NUMBERS - 1 - len(numbers)), means)
            records.append((int(op), target, frame, request, 0, padded))
        if not push_all(self._state.inbox, self._state.inbox_at, records):
            raise QueueFullError(
                f"the engine's inbox of {len(self._state.inbox)} commands is full; send again"
            )

    def free_space(self) -> int:
        """Commands the inbox can still take."""
        return int(space(self._state.inbox_at, len(self._state.inbox)))

    def notices(self) -> list[Notice]:
        """Everything the audio thread has told since the last call, oldest first."""
        found = []
        for record in drain(self._state.outbox, self._state.outbox_at):
            kind = NoticeKind(int(record["kind"]))
            value = float(record["value"])
            if kind is NoticeKind.FREED:
                self._slots_by_id.pop(int(record["event"]), None)
                self._free_slots.append(int(value))
            frame, event = int(record["frame"]), int(record["event"])
            found.append(Notice(kind, frame, event, int(record["request"]), value))
        return found

    def stats(self) -> Stats:
        """The counters; resets the two peaks."""
        core = self._core
        snapshot = {
            f.name: core[f.name].item()
            for f in dataclasses.fields(Stats)
            if f.name in core.dtype.names
        }
        snapshot["clock_error_s"] = float(core["clock_error_ns"]) * 1e-9
        snapshot["rate_hz"] = self.clock_rate
        snapshot["playing"] = bool(core["playing"])
        snapshot["position_s"] = float(core["position"]) / self.sample_rate
        core["peak"] = 0.0
        core["load_peak"] = 0.0
        return Stats(**snapshot)

    def body_times_ns(self) -> NDArray[np.int64]:
        """How long the last blocks took, ns, in no particular order (up to 16 384 of them)."""
        count = min(int(self._core["blocks"]), len(self._state.body_ns))
        times: NDArray[np.int64] = (
            np.sort(self._state.body_ns)[-count:] if count else self._state.body_ns[:0]
        )
        return times

    def record(self, on: bool) -> None:
        """Let every tick from the next on be handed to `read_recording`, or no more."""
        self._core["recording"] = int(on)

    def read_recording(self, into: NDArray[np.float32]) -> int:
        """Move recorded frames into `into`, [n, channels]; returns how many.

        Thread: the recorder's.
        """
        return read_frames(self._state.record, self._state.record_at, into)

    def listen(self, on: bool) -> None:
        """Let what comes in from the next tick on be handed to `read_input`, or no more."""
        self._core["listening"] = int(on and self.inputs > 0)

    def read_input(self, into: NDArray[np.float32]) -> int:
        """Move frames that came in into `into`, [n, inputs]; returns how many.

        The first are those of the tick before the one at which `listen` took effect.
        Thread: the one worker's that reads the input.
        """
        return read_frames(self._state.input, self._state.input_at, into)

    def _check_resonance(self, resonance: int) -> None:
        if not 0 <= resonance < self._sizes.resonances:
            raise ValueRangeError(
                f"resonance = {resonance}; legal: 0 … {self._sizes.resonances - 1}",
                field="resonance",
            )

    def _set_constants(self) -> None:
        core, state, config = self._core, self._state, self.config
        core["sample_rate"] = config.sample_rate
        core["dc_radius"] = math.exp(-2.0 * math.pi * DC_CUTOFF_HZ / config.sample_rate)
        core["smooth_ticks"] = math.ceil(SMOOTHING_S * config.sample_rate / TICK)
        core["max_voices"] = config.voices
        core["device_channels"] = config.channels
        core["start_frames"] = int(START_RAMP_S * config.sample_rate) if config.start_ramp else 0
        core["realtime"], core["priority"] = config.realtime, config.priority
        core["assumed_load"] = -1.0
        core["most_cores"], core["cores"] = config.cores, 1
        core["helping"] = config.cores > 1 and not config.realtime
        core["mute_from"] = core["mute_to"] = 1.0
        core["mute_at"] = core["bypass_at"] = self._sizes.fade
        core["inputs"] = config.inputs
        core["wet_now"] = core["guard"] = core["guard_now"] = 1.0
        state.fade[:] = fade_curve(self._sizes.fade)
        state.limiter[:] = 0.0, 1.0, self._sizes.lookahead + 1
        state.limiter_gains[:] = 1.0
        state.limits[:] = CONTROL_LIMITS
        state.slots["cache"] = state.prototypes[:] = -1
        state.segments[:] = -1
        state.members[:] = state.members_from[:] = 1.0
        core["ahead"] = self._sizes.ahead * HOP
        core["grains"] = self._sizes.ahead > 0
        core["ready_hops"] = math.ceil(READY_S * config.sample_rate / HOP)
        core["ready_most"] = math.ceil(READY_MOST_S * config.sample_rate / HOP)
        state.ahead_limits[:] = 1.0
        state.ahead_input[:, -1] = 1.0
        state.halves[:] = grain_halves()
        state.band_weights[:] = band_weights(NOISE_EDGES_HZ, config.sample_rate)
        state.band_spans[:] = band_spans(state.band_weights)
        state.fft_tables[:] = fft_tables()
        state.window[:] = grain_window()
        for row, param in zip(state.params, PARAMS, strict=True):
            smoothed = param.curve is not Curve.STEPPED and param.path != "transport/tempo"
            row[:] = param.default, param.default, -1.0, smoothed, param.default
