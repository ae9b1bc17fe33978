"""No edit that the engine offers clicks.

In the middle of a steady programme of all kinds of event and a monitored input, what an edit leaves
above 8 kHz stays 60 dB below the programme. Every parameter of the tables and every operation is
edited; a new one is tested by itself, or its absence here fails.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, firwin, sosfiltfilt

from rtsynth.engine import ALL, Engine, EngineConfig, Op, group_target
from rtsynth.events import Event, EventTable, Kind
from rtsynth.instrument import Instrument
from rtsynth.params import EVENT_PARAMS, PARAMS, Curve, Param, event_param_named, param_named
from rtsynth.render import Drawer, advance
from tests.engine.bank import RATE
from tests.engine.drawn import BLOWN, BOWED, STRUCK, drawn_instrument

FIRST, SECOND, END = 14_407, 21_613, 28_800  # frames; the edit, and back
AFTER = 1_600  # frames in which an edit is over
HIGH_HZ = 8_000.0
LIMIT_DB = -60.0
CALM_DB = -70.0
BELL, STRING, PIPE, WIND = 1, 2, 3, 4
MONITOR = {"monitor/gain": 0.5}
MOST = {"semitones": 7.0, "dB": 12.0, "dB/octave": 6.0, "cents": 50.0}
"""Larger steps take the modes above 8 kHz, where they would be measured as a click."""

Edit = Callable[[Engine, int], None]
high = butter(6, HIGH_HZ, "high", fs=RATE, output="sos")


def steady_instrument() -> Instrument:
    """Modes below 3 kHz that ring for a minute, noise below 3 kHz, under a field."""
    instrument = drawn_instrument(size=0.1, toned=True)
    n = np.arange(RATE)
    attack = 0.02 * np.sin(2 * np.pi * 500.0 * n / RATE) * np.minimum(n / 480.0, 1.0)
    instrument = dataclasses.replace(instrument, attack=np.zeros((3, RATE), np.float32))
    instrument.attack[STRUCK] = attack
    instrument.strike_s[STRUCK] = 1.0
    instrument.strike_envelope[STRUCK] = 0.1
    taps = firwin(instrument.strike_filter.shape[1], 1_500.0, fs=RATE, window=("kaiser", 8.0))
    instrument.strike_filter[STRUCK] = taps
    instrument.strike_dry[STRUCK] = 0.02
    freq = np.array([220.0, 441.0, 663.0, 890.0])
    for resonance, t60_s in ((STRUCK, 60.0), (BOWED, 0.5), (BLOWN, 0.5)):
        amplitude = np.array([0.2, 0.1j, -0.05, 0.03])
        instrument.set_modes(resonance, freq * (resonance + 1), np.full(4, t60_s), amplitude)
    instrument.impulse[BOWED:] = 0.0
    instrument.blow_gain[:] = 0.0
    instrument.blow_gain[BLOWN, 2:14] = 0.014
    instrument.texture_gain[BLOWN, 1:12] = 0.004
    return instrument


def steady_table() -> EventTable:
    """A bell, a bowed string, a blown pipe and a texture, all from 0 on without end."""
    kinds = {"release_s": 0.3, "gain": 0.5}
    return EventTable(
        [
            Event(BELL, 0.0, resonance=STRUCK, group="hit", **kinds),  # type: ignore[arg-type]
            Event(STRING, 0.0, resonance=BOWED, **kinds),  # type: ignore[arg-type]
            Event(PIPE, 0.0, resonance=BLOWN, seed=3, **kinds),  # type: ignore[arg-type]
            Event(WIND, 0.0, resonance=BLOWN, kind=Kind.TEXTURE, **kinds),  # type: ignore[arg-type]
        ]
    )


def heard(edit: Edit, undo: Edit, **config: object) -> tuple[NDArray[np.float64], Engine]:
    """The programme with an edit at FIRST that is taken back at SECOND, first channel."""
    settings = {"sample_rate": RATE, "slots": 16, "voices": 8, "caches": 16, "inputs": 1, **config}
    instrument = steady_instrument()
    engine = Engine(EngineConfig(**settings), instrument, steady_table())  # type: ignore[arg-type]
    drawer = Drawer(engine, instrument)
    drawer.finish()
    for path, value in MONITOR.items():
        engine.post(Op.PARAM, param_named(path)[0], 0, 0, value)
    engine.post(Op.PLAY, 0, 0)
    edit(engine, FIRST)
    undo(engine, SECOND)
    n = np.arange(END)
    tone = (0.1 * np.sin(2 * np.pi * 330.0 * n / RATE)).astype(np.float32)[:, None]
    out = np.zeros((END, engine.channels), np.float32)
    for at in range(0, END, 480):
        block = slice(at, at + 480)
        advance(engine, out[block], drawer, told=engine.notices, heard=tone[block])
    return out[:, 0].astype(float), engine


def residual_db(
    sound: NDArray[np.float64],
    frame: int,
    engine: Engine,
    programme: NDArray[np.float64] | None = None,
) -> float:
    """Largest sample above 8 kHz from just before a frame on, dB re the programme's peak."""
    left = sosfiltfilt(high, sound)
    at = frame + engine.latency.limiter
    around = np.abs(left[at - 200 : at + AFTER]).max()
    loudest = np.abs((sound if programme is None else programme)[4_800:FIRST]).max()
    return float(20 * np.log10(max(around, 1e-12) / loudest))


def nothing(engine: Engine, frame: int) -> None:
    """No edit."""


def test_the_programme_itself_has_nothing_there() -> None:
    sound, engine = heard(nothing, nothing)
    assert np.abs(sound[4_800:]).max() > 0.1
    for frame in (FIRST, SECOND):
        assert residual_db(sound, frame, engine) < CALM_DB
    assert engine.stats().voices == 4


def steps(param: Param) -> list[float]:
    """Values to go to and come back from: up and down as far as they stay below 8 kHz."""
    low, high_, default = param.minimum, param.maximum, param.default
    if param.curve is Curve.STEPPED:
        return [float(v) for v in range(int(low), int(min(high_, 2)) + 1) if v != default]
    if math.isinf(high_):
        return [0.1]
    if param.curve is Curve.LOG:
        found = [default * 2.0, default / 2.0]
    elif param.curve is Curve.DB and not param.unit:
        found = [default * 2.0, default / 8.0, low]
    else:
        most = MOST.get(param.unit, 0.5 * (high_ - low))
        found = [default + most, default - most]
    return sorted({min(max(value, low), high_) for value in found} - {default})


def cases(params: list[Param]) -> list[object]:
    return [
        pytest.param(param, value, id=f"{param.path}={value:g}")
        for param in params
        for value in steps(param)
    ]


VECTOR = [p for p in EVENT_PARAMS if p.path.startswith("vector")]
FIELDS = [p for p in EVENT_PARAMS if p not in VECTOR]


@pytest.mark.parametrize(("param", "value"), cases([*FIELDS, VECTOR[0], VECTOR[-1]]))
def test_no_field_of_an_event_clicks(param: Param, value: float) -> None:
    index, _ = event_param_named(param.path)
    start = 0.5 if param.path == "gain" else param.default
    back = {"duration_s": 1e9}.get(param.path, start)
    value *= start if param.path == "gain" else 1.0

    def setting(to: float) -> Edit:
        return lambda engine, frame: engine.post(Op.SET, ALL, frame, 0, index, to)

    sound, engine = heard(setting(value), setting(back))
    assert residual_db(sound, FIRST, engine) < LIMIT_DB
    assert residual_db(sound, SECOND, engine) < LIMIT_DB


@pytest.mark.parametrize(("param", "value"), cases(list(PARAMS)))
def test_no_parameter_clicks(param: Param, value: float) -> None:
    index, _ = param_named(param.path)
    back = MONITOR.get(param.path, param.default)

    def setting(to: float) -> Edit:
        return lambda engine, frame: engine.post(Op.PARAM, index, frame, 0, to)

    sound, engine = heard(setting(value), setting(back))
    assert residual_db(sound, FIRST, engine) < LIMIT_DB
    assert residual_db(sound, SECOND, engine) < LIMIT_DB


@pytest.mark.parametrize("member", ["body", "mid", "bright", "attack"])
def test_no_member_of_the_field_clicks_within_an_attack_that_it_draws(member: str) -> None:
    index, _ = param_named(f"field/{member}")

    def struck(engine: Engine, frame: int) -> None:
        engine.post(Op.TRIGGER, engine.slot_of(BELL), frame - 600, 0, 1.0)

    def edited(engine: Engine, frame: int) -> None:
        struck(engine, frame)
        engine.post(Op.PARAM, index, frame, 0, 0.0)

    with_edit, engine = heard(edited, nothing)
    without, _ = heard(struck, nothing)
    assert np.abs(with_edit - without).max() > 1e-4
    assert residual_db(with_edit - without, FIRST, engine, without) < LIMIT_DB


def doing(op: Op, target: int | str = 0, *numbers: float) -> Edit:
    """One operation; a name means the slot of an event of the table."""

    def edit(engine: Engine, frame: int) -> None:
        slot = engine.slot_of(BELL) if target == "bell" else int(target)
        engine.post(op, slot, frame, 0, *numbers)

    return edit


def make_event(engine: Engine, frame: int) -> None:
    row = EventTable([Event(9, 100.0, resonance=STRUCK)]).rows[0]
    engine.post(Op.ACTIVATE, engine.reserve(row), frame)


def unheard_trigger(engine: Engine, frame: int) -> None:
    """A silent voice, for which one that sounds is stolen."""
    engine.post(Op.TRIGGER, engine.slot_of(BELL), frame, 0, 0.0)


def overlap(engine: Engine, frame: int) -> None:
    engine.post(Op.PARAM, param_named("voice/retrigger")[0], 0, 0, 1.0)
    unheard_trigger(engine, frame)


OPERATIONS: dict[str, tuple[Op, Edit, Edit]] = {
    "mute": (Op.MUTE, doing(Op.MUTE, ALL, 1.0), doing(Op.MUTE, ALL, 0.0)),
    "solo": (Op.SOLO, doing(Op.SOLO, "bell", 1.0), doing(Op.SOLO, "bell", 0.0)),
    "choke": (Op.CHOKE, doing(Op.CHOKE, "bell"), doing(Op.CHOKE, ALL)),
    "choke a group": (Op.CHOKE, doing(Op.CHOKE, group_target(1)), nothing),
    "free": (Op.FREE, doing(Op.FREE, "bell"), nothing),
    "free all": (Op.FREE, doing(Op.FREE, ALL), nothing),
    "retrigger": (Op.TRIGGER, unheard_trigger, nothing),
    "make": (Op.ACTIVATE, make_event, nothing),
    "pause and play": (Op.PAUSE, doing(Op.PAUSE), doing(Op.PLAY)),
    "play": (Op.PLAY, doing(Op.PLAY), nothing),
    "seek forwards and back": (Op.SEEK, doing(Op.SEEK, 0, 2.0), doing(Op.SEEK, 0, 0.1)),
    "loop": (Op.LOOP, doing(Op.LOOP, 0, 1.0, 0.1, 0.35), doing(Op.LOOP, 0, 0.0)),
    "panic": (Op.PANIC, doing(Op.PANIC), doing(Op.PLAY)),
    "sync": (Op.SYNC, doing(Op.SYNC), nothing),
    "group": (Op.GROUP, doing(Op.GROUP, "bell", 0.0), nothing),
    "parameter": (Op.PARAM, nothing, nothing),  # test_no_parameter_clicks
    "field": (Op.SET, nothing, nothing),  # test_no_field_of_an_event_clicks
    "cache": (Op.CACHE, doing(Op.CACHE, "bell", -1.0), nothing),  # back to the prototype
    "prototype": (Op.PROTOTYPE, doing(Op.PROTOTYPE, STRUCK, -1.0), nothing),
    "retire": (Op.RETIRE, nothing, nothing),  # of what no event has: nothing sounds of it
}


def test_every_operation_is_here() -> None:
    assert {op for op, _, _ in OPERATIONS.values()} == set(Op)


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_operation_clicks(name: str) -> None:
    _, edit, undo = OPERATIONS[name]
    sound, engine = heard(edit, undo)
    assert residual_db(sound, FIRST, engine) < LIMIT_DB
    assert residual_db(sound, SECOND, engine) < LIMIT_DB


def test_a_stolen_voice_does_not_click() -> None:
    sound, engine = heard(overlap, unheard_trigger, voices=4)
    assert engine.stats().stolen >= 1
    assert residual_db(sound, FIRST, engine) < LIMIT_DB
    assert residual_db(sound, SECOND, engine) < LIMIT_DB


def test_a_retriggered_voice_leaves_without_a_click() -> None:
    """Less the new stroke, which is heard alone in another engine, the old one only fades."""

    def stroke(engine: Engine, frame: int) -> None:
        engine.post(Op.TRIGGER, engine.slot_of(BELL), frame, 0, 1.0)

    def only_stroke(engine: Engine, frame: int) -> None:
        engine.post(Op.CHOKE, engine.slot_of(BELL), 64)
        stroke(engine, frame)

    both, engine = heard(stroke, nothing)
    alone, _ = heard(only_stroke, nothing)
    assert np.abs(both - alone)[4_800:FIRST].max() > 0.01
    assert residual_db(both - alone, FIRST, engine, both) < LIMIT_DB


def test_another_resonance_takes_over_at_the_next_stroke_without_a_click() -> None:
    index, _ = event_param_named("resonance")

    def swap(engine: Engine, frame: int) -> None:
        engine.post(Op.SET, engine.slot_of(BELL), frame, 0, index, float(BOWED))
        engine.post(Op.TRIGGER, engine.slot_of(BELL), frame + 1, 0, 1.0)

    def only_new(engine: Engine, frame: int) -> None:
        engine.post(Op.CHOKE, engine.slot_of(BELL), 64)
        swap(engine, frame)

    both, engine = heard(swap, nothing)
    alone, _ = heard(only_new, nothing)
    assert np.abs(both - alone)[4_800:FIRST].max() > 0.01
    assert residual_db(both - alone, FIRST, engine, both) < LIMIT_DB
