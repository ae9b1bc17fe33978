"""Voices shared out among cores: the same samples, whoever makes them and however many there are."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.engine import ALL, Engine, EngineConfig, NoticeKind, Op
from rtsynth.engine.ops import Notice
from rtsynth.errors import ValueRangeError
from rtsynth.events import Event, EventTable, Kind
from rtsynth.instrument import Instrument
from rtsynth.params import PARAMS, event_param_named
from rtsynth.render.drawing import Drawer
from tests.engine.bank import RATE, engine_on, mixed_table, run
from tests.engine.drawn import random_field

BLOCK = 128
STRUCK, BOWED, BLOWN, RAIN = range(4)
EVENTS = 48
LONGEST_S = 60.0  # on a machine that gives helpers no turn
LIVE = [i for i, p in enumerate(PARAMS) if p.path.startswith(("bank/", "voice/", "field/"))]


def everything() -> Instrument:
    """Struck with noise, bowed, blown, and a texture that clicks and hums, under one field."""
    instrument = Instrument.blank(4, 24, attack_length=480, attack_rate=RATE)
    freq = np.geomspace(110.0, 6_000.0, 24)
    for resonance in range(4):
        t60 = np.geomspace(1.5, 0.2, 24)
        instrument.set_modes(resonance, freq * (1 + 0.1 * resonance), t60, np.full(24, 0.01 + 0j))
    instrument.strike_s[STRUCK] = 0.05
    instrument.strike_envelope[STRUCK] = np.linspace(1.0, 0.0, 64)
    instrument.strike_filter[STRUCK, :8] = 0.05
    instrument.strike_dry[STRUCK] = instrument.strike_wet[STRUCK] = 0.3
    instrument.attack[STRUCK] = 0.05 * np.hanning(480)
    instrument.bow[BOWED] = instrument.impulse[BOWED]
    instrument.impulse[BOWED : BLOWN + 1] = 0.0
    instrument.blow_gain[BLOWN, 3:12] = 0.02
    instrument.blow_dry[BLOWN], instrument.blow_wet[BLOWN] = 0.5, 1.0
    instrument.texture_gain[RAIN, 8:24] = 0.02
    instrument.click_rate_hz[RAIN], instrument.click_gain[RAIN] = 40.0, 0.05
    instrument.field = random_field(4, seed=3, size=0.3)
    return instrument


def all_kinds(rng: np.random.Generator) -> EventTable:
    """Events of every kind, bent in every way."""

    def event(number: int) -> Event:
        resonance = number % 4
        return Event(
            number, float(rng.uniform(0.0, 1.0)), float(rng.uniform(0.05, 0.6)),
            resonance=resonance,
            kind=Kind.TEXTURE if resonance == RAIN else Kind.MODAL,
            seed=number,
            gain=float(rng.uniform(0.05, 0.5)),
            pan=float(rng.uniform(-1.0, 1.0)),
            transpose=float(rng.uniform(-5.0, 5.0)),
            damp=float(rng.uniform(0.5, 2.0)),
            vibrato_depth=float(rng.choice([0.0, 0.4])),
            stretch=float(rng.choice([1.0, 1.0, 0.5, -1.0])),
            release_s=0.1,
            vector=tuple(rng.normal(0.0, 1.0, 32)),
        )  # fmt: skip

    return EventTable(event(i) for i in range(1, EVENTS + 1))


class Performance:
    """A random performance, the same for every number of cores; voices are few, so some are stolen."""

    def __init__(self, cores: int, seed: int = 5, **config: object) -> None:
        self.rng = np.random.default_rng(seed)
        settings = {
            "sample_rate": RATE, "slots": 64, "voices": 24, "caches": 64, "cores": cores, **config
        }  # fmt: skip
        instrument = everything()
        self.engine = Engine(EngineConfig(**settings), instrument, all_kinds(self.rng))  # type: ignore[arg-type]
        self.drawer = Drawer(self.engine, instrument)
        self.notices: list[Notice] = []
        self.engine.post(Op.PLAY, 0, 0)

    def _act(self) -> None:
        rng, engine = self.rng, self.engine
        slot = engine.slot_of(int(rng.integers(1, EVENTS + 1)))
        frame = engine.frame + int(rng.integers(0, 500))
        field = event_param_named(str(rng.choice(["transpose", "pan", "gain", "bright", "vector3"])))
        value = float(rng.uniform(0.1, 1.0))
        which = int(rng.integers(0, 12))
        if which < 6:
            engine.post(Op.TRIGGER, slot, frame, 0, value)
        elif which < 9:
            engine.post(Op.SET, slot, frame, 0, field[0], value)
        elif which < 10:
            engine.post(Op.CHOKE, slot, frame)
        elif which < 11:
            engine.post(Op.MUTE, slot, frame, 0, float(rng.integers(0, 2)))
        else:
            engine.post(Op.PARAM, int(rng.choice(LIVE)), frame, 0, value)

    def play(self, blocks: int) -> NDArray[np.float32]:
        """The next blocks."""
        out = np.zeros((blocks * BLOCK, self.engine.channels), np.float32)
        for at in range(0, len(out), BLOCK):
            for _ in range(int(self.rng.integers(0, 3))):
                self._act()
            self.drawer.finish()
            self.engine.process(out[at : at + BLOCK])
            self.notices += self.engine.notices()
        return out


@pytest.mark.parametrize("channels", [1, 2])
def test_a_performance_is_the_same_samples_with_no_one_two_and_three_helpers(channels: int) -> None:
    alone = Performance(1, channels=channels)
    shared = [Performance(cores, channels=channels) for cores in (2, 3, 4)]
    for performance in shared:
        performance.engine.crew.start()
    parts, ends = [], time.monotonic() + LONGEST_S
    while True:
        parts.append(alone.play(250))
        for performance in shared:
            assert np.array_equal(performance.play(250), parts[-1])
        helped = [performance.engine.stats().helped for performance in shared]
        if len(parts) >= 4 and (min(helped) > 500 or time.monotonic() > ends):
            break
    for performance in shared:
        performance.engine.crew.end()
        assert performance.notices == alone.notices
        theirs, ours = performance.engine.stats(), alone.engine.stats()
        assert (theirs.voices_peak, theirs.stolen, theirs.undrawn) == (
            ours.voices_peak, ours.stolen, ours.undrawn,
        )  # fmt: skip
    assert min(helped) > 500
    assert np.abs(np.concatenate(parts)).max() > 0.05
    assert alone.engine.stats().stolen > 0
    assert {NoticeKind.GO, NoticeKind.END, NoticeKind.STOLEN} <= {n.kind for n in alone.notices}
