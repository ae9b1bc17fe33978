"""The audio thread's side of the grain renderer: what goes out, what is due, who renders."""

import numpy as np
import pytest

from rtsynth.dsp.grain import HOP, RATIO, TURNED, grain_halves
from rtsynth.engine import Engine, Latency, Notice, NoticeKind, Op
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, EventTable
from tests.engine.bank import BELL, THUD, clicks, engine_on, mixed_table, run

AHEAD = 3
LAG = AHEAD * HOP


def perform(engine: Engine) -> None:
    """Edits, mutes and a master fade over the mixed table."""
    engine.post(Op.PLAY, 0, 2_000)
    engine.post(Op.SET, engine.slot_of(3), 12_345, 0, 5, -5.0)
    engine.post(Op.PARAM, 0, 15_000, 0, -6.0)
    engine.post(Op.MUTE, engine.slot_of(1), 9_001, 0, 1.0)


def of_kind(found: list[Notice], kind: NoticeKind) -> list[Notice]:
    return [n for n in found if n.kind is kind]


def test_the_halves_of_the_window_add_to_1_within_1e_7() -> None:
    halves = grain_halves()
    assert np.abs(halves[:HOP] + halves[HOP:] - 1.0).max() < 1e-7


def test_an_engine_that_nobody_renders_for_sounds_the_same_later_bit_for_bit() -> None:
    alone, ahead = engine_on(mixed_table()), engine_on(mixed_table(), ahead=AHEAD)
    for engine in (alone, ahead):
        perform(engine)
    expected, found = run(alone, 30_000), run(ahead, 30_000)
    assert np.abs(expected).max() > 0.1
    assert np.array_equal(found[LAG:], expected[:-LAG])


def test_latency_names_the_look_ahead_and_a_click_is_heard_there_to_the_sample() -> None:
    engine = engine_on(clicks(0.0), ahead=AHEAD)
    assert engine.latency.render == LAG
    assert engine.latency == Latency(offset=64, limiter=72, device=0, render=LAG, block=256)
    assert engine.latency.total == 320 + 72 + LAG
    engine.post(Op.TRIGGER, engine.slot_of(1), 5_003, 0, 1.0)
    heard = np.abs(run(engine, 8_000)[:, 0])
    assert int(np.argmax(heard)) == 5_003 + engine.latency.inside


def test_two_late_grains_are_counted_and_announced_and_the_engine_renders_all() -> None:
    engine = engine_on(mixed_table(), ahead=AHEAD)
    assert engine.stats().grains == 1
    run(engine, 4_000)
    stats, found = engine.stats(), engine.notices()
    assert (stats.grains, stats.grains_late) == (0, 2)
    late = of_kind(found, NoticeKind.GRAIN_LATE)
    assert [(n.frame, n.value) for n in late] == [(2 * HOP, 1.0), (3 * HOP, 2.0)]
    (change,) = of_kind(found, NoticeKind.RENDERER)
    assert (change.frame, change.value) == (3 * HOP, 0.0)


def test_a_hop_is_told_once_and_names_each_voice_that_only_rings() -> None:
    table = EventTable(
        [
            Event(1, 0.0, resonance=BELL),
            Event(2, 0.0, resonance=THUD),
            Event(3, 0.0, resonance=BELL),
        ]
    )
    engine = engine_on(table, ahead=AHEAD)
    engine.post(Op.PLAY, 0, 40)
    run(engine, HOP, 100)
    hop = engine.hops.next()
    assert hop is not None
    assert hop.number == 0
    assert sorted(hop.voices["event"]) == [1, 3]  # 2 is struck with noise: the engine's
    assert (hop.gains[:, :, :40] == 0.0).all()  # nothing before the onset, to the sample
    assert (hop.gains[:, :, 40:] > 0.0).all()
    phase = hop.rows[0, 1, TURNED] + 9 * hop.rows[0, 1, RATIO]
    assert phase == pytest.approx(0.0, abs=1e-12)  # frame 40 is frame 8 of tick 1
    engine.hops.done()
    assert engine.hops.next() is None


def test_a_full_ring_of_hops_is_no_wait_and_no_error() -> None:
    engine = engine_on(mixed_table(), ahead=AHEAD)
    run(engine, 100 * HOP)
    numbers = []
    while (hop := engine.hops.next()) is not None:
        numbers.append(hop.number)
        engine.hops.done()
    assert numbers == list(range(16))


@pytest.mark.parametrize("ahead", [1, 65, -2])
def test_a_look_ahead_that_no_grain_fits_in_is_refused(ahead: int) -> None:
    with pytest.raises(ValueRangeError, match=f"ahead = {ahead}; legal: 0, 2 … 64"):
        engine_on(ahead=ahead)
