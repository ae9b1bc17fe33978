"""A session served on free ports, and legal arguments for every command."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rtsynth.control import Control, Session
from rtsynth.params import COMMANDS, Command
from tests.control.fake import FakeEngine, make_table

ARGS: dict[str, list[Any]] = {
    "id": [1],
    "f": [1.0],
    "i": [0],
    "b": [1],
    "path": ["master/gain_db"],
    "pairs": ["gain", 0.5],
}


def example(command: Command) -> list[Any]:
    """Legal arguments for any command of the table."""
    if command.op == "transport/loop":
        return [1, 1.0, 2.0]
    args = [item for arg in command.args for item in ARGS[arg.type]]
    return [-1, *args[1:]] if command.op == "event/new" else args


EXAMPLES = [(c, example(c)) for c in COMMANDS]


@pytest.fixture
def served() -> Iterator[tuple[Control, FakeEngine, Session]]:
    """Both servers on free ports, over a fake engine that a thread keeps turning."""
    table = make_table()
    engine = FakeEngine(table)
    session = Session(engine, table)
    lock = session._lock
    stop = threading.Event()

    def turn() -> None:
        while not stop.wait(0.002):
            with lock:
                engine.turn()

    thread = threading.Thread(target=turn)
    thread.start()
    with Control(session, osc_port=0, zmq_port=0) as control:
        yield control, engine, session
    stop.set()
    thread.join()


Served = tuple[Control, FakeEngine, Session]
Turn = Callable[[], None]
