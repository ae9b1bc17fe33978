"""Answers to the commands that only ask. Thread: control (behind the session's lock)."""

import dataclasses
import hashlib
import time
from collections.abc import Callable
from typing import Any

import rtsynth
from rtsynth.control.clock import Clock
from rtsynth.control.command import Command
from rtsynth.control.mirror import Mirror, fields_of
from rtsynth.control.port import EnginePort
from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.params import COMMANDS, EVENT_PARAMS, PARAMS, Param, param_named

__all__ = ["PROTOCOL", "Query", "describe", "table_hash"]

PROTOCOL = 1
"""Version of the words on the wire, apart from the package's."""

PAGE = 32


class Query:
    """Answers questions about the mirror and the engine.

    Args:
        engine: counts.
        mirror: what will be.
        clock: knows the time.
        facts: what `status` adds from the session.
    """

    def __init__(
        self,
        engine: EnginePort,
        mirror: Mirror,
        clock: Clock,
        facts: dict[str, Any],
    ) -> None:
        self._engine, self._mirror, self._clock, self._facts = engine, mirror, clock, facts
        self._answers: dict[str, Callable[[Command], dict[str, Any]]] = {
            "event/get": self._event,
            "event/list": self._page,
            "param/get": self._param,
            "status": lambda command: self.counters(),
            "ping": self._ping,
            "notify": lambda command: {"on": int(command.numbers[0])},
            "version": lambda command: version(),
            "describe": lambda command: describe(),
        }

    def answer(self, command: Command) -> dict[str, Any]:
        """The result by name.

        Raises:
            UnknownNameError: what it asks about does not exist.
        """
        if command.op not in self._answers:
            raise UnknownNameError(f"{command.op} is not carried out by this server", field="op")
        return self._answers[command.op](command)

    def counters(self) -> dict[str, Any]:
        """Counters, latency, transport and sizes by name."""
        engine, mirror, latency = self._engine, self._mirror, self._engine.latency
        stats = engine.stats()
        return {
            **dataclasses.asdict(stats),
            "late": stats.late + self._facts.get("late_tagged", 0),
            "clock_steps": self._clock.steps,
            "sample_rate": engine.sample_rate,
            "channels": engine.channels,
            "latency_block": latency.block,
            "latency_offset": latency.offset,
            "latency_render": latency.render,
            "latency_limiter": latency.limiter,
            "latency_device": latency.device,
            "latency_total": latency.total,
            "latency_input": latency.input,
            "latency_tick": latency.tick,
            "latency_monitor": latency.monitor,
            "renderer": "grains" if stats.grains else "curves",
            "events": len(mirror.table),
            "soloed": len(mirror.soloed),
            **self._facts,
        }

    def _event(self, command: Command) -> dict[str, Any]:
        selection = self._mirror.select(command.target)
        ids = self._mirror.ids(selection)
        if len(ids) != 1:
            raise ValueRangeError(f"id means {len(ids)} events; legal: one", field="id")
        event_id = ids[0]
        return {
            "id": event_id,
            "soloed": int(event_id in self._mirror.soloed),
            "fields": fields_of(self._mirror.table[event_id]),
        }

    def _page(self, command: Command) -> dict[str, Any]:
        table = self._mirror.table
        page, pages = int(command.numbers[0]), -(-len(table) // PAGE) or 1
        if page >= pages:
            raise ValueRangeError(f"page = {page}; legal: 0 … {pages - 1}", field="page")
        rows = table.rows[page * PAGE : (page + 1) * PAGE]
        names, _ = table.labels()
        events = [
            [i, onset_s, names.get(i, "")]
            for i, onset_s in zip(rows["id"].tolist(), rows["onset_s"].tolist(), strict=True)
        ]
        return {"page": page, "pages": pages, "count": len(table), "events": events}

    def _param(self, command: Command) -> dict[str, Any]:
        index, row = param_named(str(command.target))
        values, offsets = self._mirror.values, self._mirror.offsets
        return {"path": row.path, "value": values[index], "offset": offsets[index]}

    def _ping(self, command: Command) -> dict[str, Any]:
        return {
            "value": command.numbers[0],
            "frame": self._clock.frame_at(time.monotonic()),
            "sample_rate": self._engine.sample_rate,
            "unix_s": time.time(),
        }


def version() -> dict[str, Any]:
    """Versions of the package and of the protocol."""
    return {"rtsynth": rtsynth.__version__, "protocol": PROTOCOL}


def describe() -> dict[str, Any]:
    """The whole table of commands and parameters."""
    commands = [
        {
            "id": c.id,
            "op": c.op,
            "timed": c.timed,
            "description": c.description,
            "args": [{"name": a.name, "type": a.type, "optional": a.optional} for a in c.args],
        }
        for c in COMMANDS
    ]
    return {
        "commands": commands,
        "params": [_described(p) for p in PARAMS],
        "event_params": [_described(p) for p in EVENT_PARAMS],
    }


def table_hash() -> str:
    """Changes whenever the table does."""
    return hashlib.sha256(repr((COMMANDS, PARAMS, EVENT_PARAMS)).encode()).hexdigest()[:16]


def _described(row: Param) -> dict[str, Any]:
    return {
        "id": row.id,
        "path": row.path,
        "type": row.type,
        "minimum": row.minimum,
        "maximum": row.maximum,
        "default": row.default,
        "unit": row.unit,
        "curve": row.curve.value,
        "smoothing_s": row.smoothing_s,
        "description": row.description,
        "choices": list(row.choices),
    }
