"""Everything happens on its frame."""

import numpy as np
import pytest

from rtsynth.engine import ASAP, NoticeKind, Op
from rtsynth.engine.ops import Notice
from tests.engine.bank import BELL, RATE, TICK, after, clicks, engine_on, run

HEARD = 0.1


def heard(out: np.ndarray) -> list[int]:
    """Frames with a click."""
    return [int(f) for f in np.flatnonzero(np.abs(out[:, 0]) > HEARD)]


def notices(found: list[Notice], kind: NoticeKind) -> list[Notice]:
    return [n for n in found if n.kind is kind]


@pytest.mark.parametrize("frame", [0, 1, 31, 32, 33, 4_799, 12_345])
def test_a_trigger_sounds_on_its_sample(frame: int) -> None:
    engine = engine_on(clicks(0.0))
    engine.post(Op.TRIGGER, engine.slot_of(1), frame, 0, 1.0)
    assert heard(run(engine, 14_400))[:1] == [after(engine, frame)]


def test_the_transport_starts_each_event_on_its_onset() -> None:
    onsets = [0.0, 0.01, 0.0123, 0.0123 + 1 / RATE, 0.2]
    engine = engine_on(clicks(*onsets))
    engine.post(Op.PLAY, 0, 777)
    expected = [after(engine, 777 + round(t * RATE)) for t in onsets]
    assert heard(run(engine, 14_400)) == expected


def test_half_tempo_doubles_every_distance() -> None:
    engine = engine_on(clicks(0.01, 0.02, 0.03))
    engine.post(Op.PARAM, 9, 0, 0, 0.5)
    engine.post(Op.PLAY, 0, 0)
    assert heard(run(engine, 4_800)) == [after(engine, f) for f in (960, 1_920, 2_880)]


def test_a_loop_repeats_to_the_sample() -> None:
    engine = engine_on(clicks(0.0, 0.005))
    engine.post(Op.LOOP, 0, 0, 0, 1.0, 0.0, 0.0101)
    engine.post(Op.PLAY, 0, 0)
    length = round(0.0101 * RATE)
    expected = [after(engine, n * length + f) for n in range(8) for f in (0, 240)]
    found = heard(run(engine, 8 * length))
    assert found == [f for f in expected if f < 8 * length]


def test_seek_then_play_opens_what_still_rings() -> None:
    table = clicks(0.9)
    table.insert(_bell(7, 0.1))
    whole, opened = engine_on(table), engine_on(table)
    whole.post(Op.PLAY, 0, 0)
    opened.post(Op.SEEK, 0, 0, 0, 0.5)
    opened.post(Op.PLAY, 0, 0)
    expected = run(whole, 48_000)[24_000:]
    found = run(opened, 24_000)
    # the first 10 ms fade in, and the DC blocker starts afresh
    assert np.abs(found - expected)[2_400:].max() < 2e-3
    assert heard(found)[-1] == after(opened, round(0.4 * RATE))


def _bell(event_id: int, onset_s: float):  # type: ignore[no-untyped-def]
    from rtsynth.events import Event

    return Event(event_id, onset_s, resonance=BELL)


def test_pause_stops_the_score_and_play_goes_on_where_it_stood() -> None:
    engine = engine_on(clicks(0.0, 0.01))
    engine.post(Op.PLAY, 0, 0)
    engine.post(Op.PAUSE, 0, 100)
    engine.post(Op.PLAY, 0, 5_000)
    assert heard(run(engine, 9_600)) == [after(engine, 0), after(engine, 5_000 + 480 - 100)]


def test_a_late_command_plays_at_once_and_says_how_late() -> None:
    engine = engine_on(clicks(0.0))
    run(engine, 960)
    engine.post(Op.TRIGGER, engine.slot_of(1), 100, 42, 1.0)
    assert heard(run(engine, 480)) == [after(engine, 0)]
    (done,) = notices(engine.notices(), NoticeKind.DONE)
    assert (done.request, done.frame, done.value) == (42, 960, 860.0)
    assert engine.stats().late == 1


def test_commands_of_one_frame_keep_their_order() -> None:
    engine = engine_on(clicks(0.0))
    slot = engine.slot_of(1)
    for request, gain in enumerate((0.1, 0.2, 0.9), start=1):
        engine.post(Op.SET, slot, 500, request, 2, gain)
    engine.post(Op.TRIGGER, slot, 500, 4, 1.0)
    out = run(engine, 960)
    assert [n.request for n in notices(engine.notices(), NoticeKind.DONE)] == [1, 2, 3, 4]
    assert abs(out[after(engine, 500), 0]) == pytest.approx(0.45, rel=1e-3)


def test_commands_are_carried_out_in_order_of_frame_whatever_the_order_of_arrival() -> None:
    engine = engine_on(clicks(0.0))
    generator = np.random.default_rng(1)
    frames = generator.permutation(np.arange(0, 64_000, 64))
    for request, frame in enumerate(frames, start=1):
        engine.post(Op.SYNC, 0, int(frame), request)
    run(engine, 64_000)
    done = notices(engine.notices(), NoticeKind.DONE)
    assert [n.frame for n in done] == sorted(int(f) for f in frames)
    assert all(frames[n.request - 1] == n.frame for n in done)


def test_as_soon_as_possible_is_the_next_tick() -> None:
    engine = engine_on(clicks(0.0))
    run(engine, 100)
    engine.post(Op.TRIGGER, engine.slot_of(1), ASAP, 1, 1.0)
    run(engine, 100)
    (done,) = notices(engine.notices(), NoticeKind.DONE)
    assert done.frame == -(-100 // TICK) * TICK
    assert done.value == 0.0


def test_go_and_end_tell_the_frame_of_a_voice() -> None:
    engine = engine_on(clicks(0.0))
    engine.post(Op.TRIGGER, engine.slot_of(1), 321, 0, 0.5)
    run(engine, 4_800)
    found = engine.notices()
    (go,), (end,) = notices(found, NoticeKind.GO), notices(found, NoticeKind.END)
    assert (go.event, go.frame, go.value) == (1, 321, 0.5)
    assert end.event == 1
    assert end.frame > 321


def test_the_clock_pairs_a_frame_with_monotonic_time() -> None:
    import time

    engine = engine_on()
    assert engine.clock() == (0, 0.0)
    before = time.monotonic()
    run(engine, 480)
    for frame, seconds in (engine.clock(), engine.block_clock()):
        assert frame == 0
        assert before - 1e-3 <= seconds <= time.monotonic() + 1e-3
