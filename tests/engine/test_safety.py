"""Whatever goes in, what comes out is finite, bounded and free of DC."""

import numpy as np

from rtsynth.engine import ALL, Engine, NoticeKind, Op
from rtsynth.events import Event, EventTable
from rtsynth.params import EVENT_PARAMS, PARAMS, Curve
from tests.engine.bank import BELL, THUD, engine_on, mixed_table, run, small_instrument

CEILING = 10 ** (-1 / 20)


def test_a_nan_silences_its_own_voice_only_and_is_named() -> None:
    instrument = small_instrument()
    broken = small_instrument()
    broken.attack[THUD, 100] = np.nan
    table = EventTable([Event(1, resonance=BELL), Event(2, resonance=THUD)])
    healthy, sick = (Engine(engine_on().config, i, table) for i in (instrument, broken))
    healthy.post(Op.TRIGGER, healthy.slot_of(1), 0, 0, 1.0)
    for event_id in (1, 2):
        sick.post(Op.TRIGGER, sick.slot_of(event_id), 0, 0, 1.0)
    alone, beside = run(healthy, 48_000), run(sick, 48_000)
    assert np.isfinite(beside).all()
    assert [n.event for n in sick.notices() if n.kind is NoticeKind.NAN] == [2]
    assert sick.stats().nans == 1
    # the healthy voice rings on; the limiter and DC blocker have heard the other for 2 ms
    assert np.abs(alone[24_000:] - beside[24_000:]).max() < 1e-4


def test_any_parameter_values_give_finite_output_at_most_minus_one_dbfs() -> None:
    generator = np.random.default_rng(7)
    engine = engine_on(mixed_table())
    engine.post(Op.PLAY)
    engine.post(Op.LOOP, 0, 0, 0, 1.0, 0.0, 0.4)
    for _ in range(40):
        for _ in range(6):
            slot = int(generator.integers(0, 6))
            field = int(generator.integers(0, len(EVENT_PARAMS)))
            param = EVENT_PARAMS[field]
            high = min(param.maximum, 3.0) if param.path == "resonance" else param.maximum
            high = min(high, 1e6)
            value = float(generator.uniform(param.minimum, high))
            engine.post(Op.SET, slot, -1, 0, field, value)
        index = int(generator.integers(0, len(PARAMS)))
        param = PARAMS[index]
        value = float(generator.uniform(param.minimum, param.maximum))
        if param.curve is Curve.STEPPED:
            value = float(round(value))
        engine.post(Op.PARAM, index, -1, 0, value)
        engine.post(Op.TRIGGER, ALL, -1, 0, 4.0)
        out = run(engine, 2_400)
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= CEILING + 1e-6


def test_a_thousandfold_gain_meets_the_limiter_not_the_clip() -> None:
    engine = engine_on(EventTable([Event(1, resonance=BELL, gain=64.0)]))
    engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 4.0)
    out = run(engine, 9_600)
    assert np.abs(out).max() <= CEILING + 1e-6
    assert np.abs(out).max() > 0.8 * CEILING


def test_the_live_stream_begins_with_a_50_ms_ramp_from_silence() -> None:
    engine = engine_on(EventTable([Event(1, resonance=BELL)]), start_ramp=True)
    engine.post(Op.TRIGGER, engine.slot_of(1), 0, 0, 1.0)
    out = run(engine, 9_600)
    assert np.abs(out[:120]).max() < 1e-3
    assert np.abs(out[2_400:4_800]).max() > 0.05


def test_no_dc_is_left() -> None:
    instrument = small_instrument()
    instrument.attack[THUD] = 0.3  # a step of 20 ms
    table = EventTable([Event(1, resonance=THUD)])
    engine = Engine(engine_on().config, instrument, table)
    for n in range(100):
        engine.post(Op.TRIGGER, engine.slot_of(1), n * 960, 0, 1.0)
    out = run(engine, 96_000)
    assert abs(float(out[48_000:].mean())) < 1e-3
