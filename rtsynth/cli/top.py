"""`rtsynth top`: a running service, looked at over ZeroMQ. Thread: main."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rtsynth.client import Client, NoAnswerError

__all__ = ["screen", "top"]

WIDTH = 78
PARTS = ("block", "offset", "render", "limiter", "device")
BAR = 40
LOOK_S = 0.1  # between two looks at whether it was ended by hand
ALARM, CALM = "bold red", "green"
STATES = {"ok": CALM, "away": "yellow", "lost": ALARM}
Status = Mapping[str, Any]


def top(options: argparse.Namespace) -> int:
    """`rtsynth top`: 0 when ended by hand, 1 when the service has ended."""
    with Client(options.zmq_port) as client:
        if options.json:
            print(json.dumps(client.status(), sort_keys=True))
            return 0
        if options.once:
            Console(width=None if sys.stdout.isatty() else WIDTH).print(screen(client.status()))
            return 0
        return _watch(client, options.every)


def _watch(client: Client, every_s: float) -> int:
    interrupts: list[int] = []  # raised as an exception, one may be lost in somebody's destructor
    shown = screen(client.status())
    before = signal.signal(signal.SIGINT, lambda number, _: interrupts.append(number))
    try:
        with Live(shown, auto_refresh=False, screen=sys.stdout.isatty()) as live:
            while not _interrupted(every_s, interrupts):
                live.update(screen(client.status()), refresh=True)
    except NoAnswerError:
        if not interrupts:
            print("rtsynth: the service has ended", file=sys.stderr)
            return 1
    finally:
        signal.signal(signal.SIGINT, before)
    return 0


def _interrupted(within_s: float, interrupts: list[int]) -> bool:
    """Wait so long, or until there is an interrupt; whether there is one."""
    until = time.monotonic() + within_s
    while not interrupts and (left := until - time.monotonic()) > 0.0:
        time.sleep(min(left, LOOK_S))
    return bool(interrupts)


def screen(status: Status) -> Panel:
    """All of it as one panel.

    Args:
        status: what the service answers to `status`; what an older one does not say is left out.
    """
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", justify="right")
    grid.add_column()
    for name, shown in _rows(status):
        grid.add_row(name, shown)
    title = f"rtsynth · {status.get('device', '')} · {status['sample_rate']} Hz"
    return Panel(grid, title=title, title_align="left", width=WIDTH)


def _rows(status: Status) -> list[tuple[str, Any]]:
    return [
        ("device", _device(status)),
        ("load", _bar(status["load"])),
        ("peak load", _bar(status["load_peak"])),
        ("cores", str(status.get("cores", "–"))),
        ("voices", f"{status['voices']} now, {status['voices_peak']} at most"),
        ("level", f"{status['peak']:.3f} of 1"),
        ("transport", _transport(status)),
        ("latency", _latency(status)),
        ("xruns", _counts(status, own="xruns_own", output="xruns_output", input="xruns_input")),
        ("late", _counts(status, commands="late", grains="grains_late", curves="undrawn")),
        ("lost", _counts(
            status, stolen="stolen", refused="refused", nans="nans", notices="notices_lost",
            recording="record_lost", input="input_lost",
        )),
        ("overload", _counts(
            status, now="overload", modes="thinned", shed="shed", away="turned_away",
            silences="silenced", howls="howls",
        )),
        ("renderer", str(status["renderer"])),
        ("clients", str(status.get("clients", "–"))),
        ("processes", _processes(status)),
    ]  # fmt: skip


def _device(status: Status) -> Text:
    state = str(status.get("device_state", "–"))
    text = Text(state, style=STATES.get(state, ""))
    return text.append(f"  real time: {status.get('realtime', '–')}", style="default")


def _bar(load: float) -> Table:
    """A share of the block's period: a bar and per cent."""
    row = Table.grid(padding=(0, 1))
    style = ALARM if load > 0.85 else "yellow" if load > 0.7 else CALM
    bar = ProgressBar(total=1.0, completed=min(load, 1.0), width=BAR, complete_style=style)
    row.add_row(bar, Text(f"{100 * load:5.1f} %", style=style))
    return row


def _transport(status: Status) -> str:
    word = "plays" if status["playing"] else "paused"
    return f"{word} at {status['position_s']:.2f} s, {status['events']} events"


def _latency(status: Status) -> str:
    named = " + ".join(
        f"{status[key]} {part}" for part in PARTS if status.get(key := f"latency_{part}")
    )
    per_ms = status["sample_rate"] / 1e3
    heard = status.get("latency_monitor", 0) if status.get("latency_tick") else 0
    input_ = f"; from the input {heard / per_ms:.1f} ms" if heard else ""
    return f"{status['latency_total'] / per_ms:.1f} ms = {named} frames{input_}"


def _counts(status: Status, **keys: str) -> Text:
    text = Text()
    for name, key in keys.items():
        count = int(status.get(key, 0))
        text.append(f"{count} ", style=ALARM if count else "").append(f"{name}  ", style="dim")
    return text


def _processes(status: Status) -> str:
    restarts = int(status.get("restarts", 0))
    times = "never" if not restarts else "once" if restarts == 1 else f"{restarts} times"
    return f"{status.get('processes', '–')}, the engine's restarted {times}"
