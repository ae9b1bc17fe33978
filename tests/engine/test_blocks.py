"""However the stream is cut into blocks, it is the same stream."""

import numpy as np
import pytest

from rtsynth.engine import ALL, Engine, Op
from tests.contract import verify_contract
from tests.engine.bank import engine_on, mixed_table, run


class Performance:
    """An engine with a fixed performance, as a stateful part for the contract."""

    def __init__(self) -> None:
        self.engine = engine_on(mixed_table())
        self.channels = self.engine.channels
        self._post()

    def _post(self) -> None:
        engine = self.engine
        engine.post(Op.PLAY, 0, 100)
        engine.post(Op.MUTE, engine.slot_of(1), 9_001, 0, 1.0)
        engine.post(Op.SET, engine.slot_of(3), 12_345, 0, 5, -5.0)
        engine.post(Op.PARAM, 0, 15_000, 0, -6.0)
        engine.post(Op.TRIGGER, engine.slot_of(2), 20_017, 0, 0.8)
        engine.post(Op.SOLO, engine.slot_of(6), 25_000, 0, 1.0)
        engine.post(Op.SOLO, engine.slot_of(6), 27_000, 0, 0.0)
        engine.post(Op.CHOKE, ALL, 33_333, 0)

    def process(self, out: np.ndarray) -> None:
        self.engine.process(out)

    def reset(self) -> None:
        self.engine.reset()
        self._post()


def test_the_engine_keeps_the_contract() -> None:
    verify_contract(Performance, frames=40_000)


@pytest.mark.parametrize("block", [1, 64, 65, 480, 8193])
def test_block_size_changes_no_sample(block: int) -> None:
    whole, cut = Performance(), Performance()
    assert np.array_equal(run(whole.engine, 36_000, 36_000), run(cut.engine, 36_000, block))
    assert np.abs(run(whole.engine, 10)).max() < 1.0


def test_commands_may_come_any_time_before_their_tick() -> None:
    early, late = engine_on(mixed_table()), engine_on(mixed_table())
    early.post(Op.TRIGGER, early.slot_of(1), 5_000, 0, 1.0)
    first = run(early, 9_600)
    second = [run(late, 4_800)]
    late.post(Op.TRIGGER, late.slot_of(1), 5_000, 0, 1.0)
    second.append(run(late, 4_800))
    assert np.array_equal(first, np.concatenate(second))


def test_adding_an_event_leaves_the_others_bit_identical() -> None:
    def output(engine: Engine) -> np.ndarray:
        engine.post(Op.PLAY, 0, 0)
        return run(engine, 24_000)

    alone, both = mixed_table(), mixed_table()
    for event_id in (2, 3, 4, 5, 6):
        alone.delete(event_id)
    before = round(0.1 * 48_000)
    assert np.array_equal(output(engine_on(alone))[:before], output(engine_on(both))[:before])
