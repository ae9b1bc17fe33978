"""What comes in is heard where the latency says, at the level asked for, and does not howl."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.engine import Engine, NoticeKind, Op
from rtsynth.events import Event, EventTable
from rtsynth.params import param_named
from tests.engine.bank import BELL, CLICK, RATE, TICK, clicks, engine_on

GAIN, PAN, WET, BYPASS, GUARD = (
    param_named(f"monitor/{name}")[0] for name in ("gain", "pan", "wet", "bypass", "guard")
)
CEILING = 10 ** (-1 / 20)
FADE = round(0.005 * RATE)


def hear(
    engine: Engine, heard: NDArray[np.float32], blocks: tuple[int, ...] = (480,)
) -> NDArray[np.float32]:
    """The output while this comes in, in blocks of these sizes in turn."""
    out = np.zeros((len(heard), engine.channels), np.float32)
    at = turn = 0
    while at < len(heard):
        size = min(blocks[turn % len(blocks)], len(heard) - at)
        engine.process(out[at : at + size], heard[at : at + size])
        at, turn = at + size, turn + 1
    return out


def listening(gain: float = 1.0, table: EventTable | None = None, **config: object) -> Engine:
    """An engine that monitors its input."""
    engine = engine_on(table, **{"inputs": 1, **config})
    engine.post(Op.PARAM, GAIN, 0, 0, gain)
    hear(engine, np.zeros((4_800, engine.inputs), np.float32))
    return engine


def impulse(frames: int, at: int, channels: int = 1) -> NDArray[np.float32]:
    sound = np.zeros((frames, channels), np.float32)
    sound[at] = 0.5
    return sound


def tone(frames: int, freq_hz: float = 440.0, level: float = 0.2) -> NDArray[np.float32]:
    n = np.arange(frames)
    return (level * np.sin(2 * np.pi * freq_hz * n / RATE)).astype(np.float32)[:, None]


@pytest.mark.parametrize("at", [0, 1, 31, 32, 999])
@pytest.mark.parametrize("blocks", [(480,), (1,), (64,), (37, 256)])
def test_an_impulse_comes_out_where_the_latency_says(at: int, blocks: tuple[int, ...]) -> None:
    engine = listening()
    out = hear(engine, impulse(2_400, at), blocks)
    assert int(np.abs(out[:, 0]).argmax()) == at + engine.latency.added
    assert engine.latency.added == TICK + engine.latency.limiter


def test_how_the_stream_is_cut_changes_no_sample() -> None:
    rng = np.random.default_rng(3)
    sound = rng.normal(0, 0.1, (20_000, 2)).astype(np.float32)
    outs = []
    for blocks in ((20_000,), (1,), (33, 480, 7), (256,)):
        engine = engine_on(clicks(0.0), inputs=2)
        engine.post(Op.PARAM, GAIN, 1_000, 0, 0.7)
        engine.post(Op.PARAM, PAN, 3_017, 0, -0.5)
        engine.post(Op.PARAM, BYPASS, 9_005, 0, 1.0)
        engine.post(Op.PARAM, BYPASS, 14_000, 0, 0.0)
        engine.post(Op.TRIGGER, engine.slot_of(1), 4_000, 0, 1.0)
        outs.append(hear(engine, sound, blocks))
    for out in outs[1:]:
        assert np.array_equal(outs[0], out)


def test_the_input_waits_with_the_sound_for_a_worker() -> None:
    """Dry and wet stay aligned: what is played as an impulse comes in is heard a tick before it."""
    engine = listening(1.0, clicks(0.0), ahead=2)
    start = engine.frame
    engine.post(Op.TRIGGER, engine.slot_of(1), start + 960, 0, 1.0)
    out = hear(engine, -impulse(4_800, 960))[:, 0]
    assert int(out.argmax()) == 960 + engine.latency.inside
    assert int(out.argmin()) == 960 + engine.latency.added
    assert engine.latency.added - engine.latency.inside == TICK


def test_gain_and_pan_are_those_of_an_event() -> None:
    for pan, expected in ((0.0, [1.0, 1.0]), (-1.0, [2**0.5, 0.0]), (1.0, [0.0, 2**0.5])):
        engine = listening(0.5)
        engine.post(Op.PARAM, PAN, 0, 0, pan)
        hear(engine, np.zeros((960, 1), np.float32))
        out = hear(engine, tone(9_600))[4_800:]
        power = np.sqrt(2 * (out.astype(float) ** 2).mean(axis=0))
        assert power == pytest.approx(np.array(expected) * 0.5 * 0.2, abs=2e-3)


def test_two_channels_stay_apart_and_one_hears_both() -> None:
    for channels, expected in ((2, [0.2, 0.0]), (1, [0.1])):
        engine = listening(1.0, inputs=2, channels=channels)
        sound = np.concatenate([tone(9_600), np.zeros((9_600, 1), np.float32)], axis=1)
        out = hear(engine, sound)[4_800:]
        level = np.sqrt(2 * (out.astype(float) ** 2).mean(axis=0))
        assert level == pytest.approx(expected, abs=2e-3)


def test_bypass_is_the_input_alone_at_its_own_level_after_five_milliseconds() -> None:
    table = EventTable([Event(1, resonance=BELL, damp=4.0)])
    engine = listening(0.25, table)
    engine.post(Op.TRIGGER, engine.slot_of(1), engine.frame, 0, 1.0)
    engine.post(Op.PARAM, BYPASS, engine.frame + 9_600, 0, 1.0)
    bypassed = hear(engine, tone(24_000, 1_000.0))
    alone = listening(1.0)
    expected = hear(alone, tone(24_000, 1_000.0))
    after = 9_600 + engine.latency.added + FADE + TICK
    late = after + 9_600  # the DC blocker has forgotten the bell
    assert np.abs(bypassed[late:] - expected[late:]).max() < 1e-4
    assert np.abs(bypassed[4_800:9_600] - expected[4_800:9_600]).max() > 0.01


def test_wet_is_the_level_of_everything_but_the_input() -> None:
    engine = listening(0.0, clicks(0.0))
    engine.post(Op.PARAM, WET, 0, 0, 0.25)
    hear(engine, np.zeros((960, 1), np.float32))
    engine.post(Op.TRIGGER, engine.slot_of(1), engine.frame, 0, 1.0)
    out = hear(engine, np.zeros((960, 1), np.float32))
    assert np.abs(out).max() == pytest.approx(0.25 * 0.5, rel=1e-3)


def test_what_is_no_number_is_not_heard() -> None:
    engine = listening()
    sound = np.full((960, 1), np.nan, np.float32)
    sound[::2] = np.inf
    assert np.abs(hear(engine, sound)).max() < 1e-6


def test_the_ring_hands_over_what_came_in() -> None:
    engine = engine_on(inputs=2)
    engine.listen(True)
    sound = np.random.default_rng(4).normal(0, 0.1, (4_800, 2)).astype(np.float32)
    hear(engine, sound, (37, 480))
    found = np.zeros((9_600, 2), np.float32)
    count = engine.read_input(found)
    assert count == 4_800  # a tick of silence before the first frame; the last tick is to come
    assert np.array_equal(found[TICK:count], sound[: count - TICK])
    assert not found[:TICK].any()
    assert engine.stats().input_lost == 0


def test_a_ring_that_nobody_reads_is_counted_not_waited_for() -> None:
    engine = engine_on(inputs=1)
    engine.listen(True)
    size = len(engine._state.input)
    hear(engine, np.zeros((size + 4 * TICK, 1), np.float32), (4_096,))
    assert engine.stats().input_lost == 4 * TICK


def loop(engine: Engine, seconds: float, gain: float, delay: int) -> NDArray[np.float32]:
    """A microphone that hears the speaker `delay` frames later, at a gain, beside faint noise."""
    rng = np.random.default_rng(6)
    heard = np.zeros((delay, 1), np.float32)
    outs = []
    for _ in range(round(seconds * RATE / delay)):
        out = np.zeros((delay, engine.channels), np.float32)
        engine.process(out, heard)
        heard = (gain * out[:, :1] + rng.normal(0, 1e-4, (delay, 1))).astype(np.float32)
        outs.append(out)
    return np.concatenate(outs)


@pytest.mark.parametrize("gain", [1.15, 1.5, 4.0])
def test_a_howl_is_ducked_told_and_ends(gain: float) -> None:
    guarded, unguarded = listening(1.0), listening(1.0)
    unguarded.post(Op.PARAM, GUARD, 0, 0, 0.0)
    wild = loop(unguarded, 6.0, gain, 960)
    tame = loop(guarded, 6.0, gain, 960)
    assert np.abs(wild[-RATE:]).max() > 0.5  # it does howl
    assert np.abs(tame[-RATE:]).max() < 0.05
    told = [n for n in guarded.notices() if n.kind is NoticeKind.FEEDBACK]
    assert len(told) == guarded.stats().howls >= 1
    assert told[-1].value == guarded.stats().guard == 0.5 ** len(told)
    assert unguarded.stats().howls == 0


def test_setting_the_gain_takes_the_duck_back() -> None:
    engine = listening(1.0)
    loop(engine, 4.0, 1.5, 960)
    assert engine.stats().guard < 1.0
    engine.post(Op.PARAM, GAIN, engine.frame, 0, 0.5)
    hear(engine, np.zeros((960, 1), np.float32))
    assert engine.stats().guard == 1.0


def test_playing_into_the_input_is_no_howl() -> None:
    """Struck, bowed and breathing sounds, loud and soft, trip no guard."""
    rng = np.random.default_rng(8)
    engine = listening(1.0)
    n = np.arange(RATE)
    for _ in range(20):
        attack_s = float(rng.choice([0.002, 0.05, 0.2]))
        envelope = np.minimum(n / (attack_s * RATE), 1.0) * np.exp(-n / RATE * rng.uniform(1, 6))
        body = np.sin(2 * np.pi * rng.uniform(80, 2_000) * n / RATE) + rng.normal(0, 0.3, RATE)
        sound = (rng.uniform(0.05, 0.6) * envelope * body).astype(np.float32)
        hear(engine, sound[:, None])
    assert engine.stats().howls == 0


def test_the_output_stays_bounded_whatever_comes_in() -> None:
    engine = listening(4.0, clicks(0.0), inputs=2)
    sound = np.random.default_rng(9).uniform(-15, 15, (24_000, 2)).astype(np.float32)
    out = hear(engine, sound)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= CEILING + 1e-6


def test_without_an_input_the_parameters_change_nothing() -> None:
    def heard(**config: object) -> NDArray[np.float32]:
        engine = engine_on(EventTable([Event(1, resonance=CLICK)]), **config)
        for index in (GAIN, WET, BYPASS):
            engine.post(Op.PARAM, index, 0, 0, 0.0 if index == WET else 1.0)
        engine.post(Op.TRIGGER, engine.slot_of(1), 2_400, 0, 1.0)
        out = np.zeros((4_800, 2), np.float32)
        engine.process(out)
        return out

    assert np.abs(heard()).max() > 0.4
    assert np.abs(heard(inputs=1)).max() < 1e-6  # bypassed
