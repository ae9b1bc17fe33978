"""The worker draws in time, in a thread of its own, while a device plays."""

import numpy as np
import pytest

from rtsynth.audio import NullDevice
from rtsynth.control.command import parse
from rtsynth.engine import Op
from rtsynth.events import Event, EventTable, Score
from rtsynth.params import event_param_named
from rtsynth.render import drawer_for, render_score
from rtsynth.service import Config, Service
from tests.audio.wait import until
from tests.engine.bank import small_instrument
from tests.engine.drawn import BOWED, STRUCK, drawn_engine, drawn_instrument, one

VECTOR0 = event_param_named("vector0")[0]


def test_an_instrument_without_a_field_needs_no_drawer() -> None:
    engine, _ = drawn_engine(one(resonance=STRUCK))
    assert drawer_for(engine, small_instrument()) is None


def test_an_edit_is_drawn_while_a_device_plays() -> None:
    engine, drawer = drawn_engine(one(resonance=BOWED, duration_s=60.0))
    slot = engine.slot_of(1)
    with NullDevice(engine, block_size=128):
        drawer.start()
        engine.post(Op.PLAY, 0)
        assert until(lambda: engine.stats().voices == 1)
        before = int(engine._state.slots["cache"][slot])
        drawn = drawer.drawn
        engine.post(Op.SET, slot, -1, 0, VECTOR0, 12.0)
        assert until(lambda: int(engine._state.slots["cache"][slot]) != before)
        assert until(lambda: drawer.drawn == drawn + 2), "first the curves, then the attack"
        drawer.stop()
    assert engine.stats().nans == 0


def test_a_long_note_is_drawn_ahead_of_its_age() -> None:
    engine, drawer = drawn_engine(one(resonance=BOWED, duration_s=60.0), segments=4)
    engine.post(Op.PLAY, 0)
    out = np.zeros((480, 2), np.float32)
    for _ in range(1_000):  # 10 s: twenty segments through a ring of three
        drawer.finish()
        engine.process(out)
    assert engine.stats().undrawn == 0
    assert np.std(out) > 0.0


def test_events_alike_sound_at_different_ages_from_one_cache() -> None:
    """Four seconds apart they need segments far from one another; all are drawn in time."""
    instrument = drawn_instrument()
    instrument.t60_s[STRUCK] = 20.0
    events = [Event(1, 0.0, resonance=STRUCK), Event(2, 2.0, resonance=STRUCK)]
    engine, drawer = drawn_engine(EventTable(events), instrument)
    engine.post(Op.PLAY, 0)
    out = np.zeros((480, 2), np.float32)
    for _ in range(400):
        drawer.finish()
        engine.process(out)
    assert engine.stats().voices == 2
    assert engine.stats().undrawn == 0


def test_more_ages_than_places_do_not_stop_the_worker() -> None:
    instrument = drawn_instrument()
    instrument.t60_s[STRUCK] = 20.0
    events = [Event(i + 1, 0.6 * i, resonance=STRUCK) for i in range(9)]
    engine, drawer = drawn_engine(EventTable(events), instrument, segments=4)
    engine.post(Op.PLAY, 0)
    out = np.zeros((480, 2), np.float32)
    for _ in range(600):
        drawer.finish()
        engine.process(out)
        assert np.isfinite(out).all()
    assert engine.stats().voices == 9


def test_two_renderings_of_a_score_are_the_same_samples() -> None:
    table = EventTable(
        [
            Event(1, resonance=STRUCK, vector=(2.0,) * 32),
            Event(2, 0.1, 0.3, resonance=BOWED),
        ]
    )
    score = Score(table, seconds=0.5, sample_rate=48_000, channels=2)
    instrument = drawn_instrument()
    once = render_score(score, instrument, block_size=480)
    again = render_score(score, instrument, block_size=65)
    assert np.array_equal(once, again)
    assert np.abs(once).max() > 0.01


@pytest.mark.parametrize("processes", [1, 2])
def test_a_service_on_a_fitted_instrument_draws_what_is_made_and_edited(processes: int) -> None:
    instrument = drawn_instrument()
    instrument.macros = ["warmth"]
    config = Config(
        device="null", osc_port=None, zmq_port=None, sample_rate=48_000, processes=processes
    )
    with Service(config, instrument, Score(one(resonance=BOWED, duration_s=60.0))) as service:
        caches = service.engine.caches
        free = len(caches.free)
        assert free < caches.count  # the prototypes and the first event
        new = service.session.submit([parse("event/new", (-1, "resonance", STRUCK))])[0]
        event = int(new.result["id"])
        service.session.submit([parse("event/set", (event, "macro/warmth", 8.0))])
        assert until(lambda: len(caches.free) < free)
        service.session.submit([parse("event/trigger", (event, 1.0))])
        assert until(lambda: service.engine.stats().voices == 1)
        assert service.session.stats()["macros"] == "warmth"
