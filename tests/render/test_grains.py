"""Grains rendered in torch sound as curves rendered by the engine."""

import importlib.util
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from rtsynth.audio import HandDevice
from rtsynth.dsp.grain import HOP
from rtsynth.engine import Op
from rtsynth.errors import UsageError
from rtsynth.events import Event, EventTable, Score
from rtsynth.render import advance, drawer_for, grains_wanted, render_score, renderer
from rtsynth.render.grains import GrainWorker
from tests.engine.bank import BELL, CLICK, RATE, THUD, mixed_table, small_instrument
from tests.engine.drawn import BLOWN, BOWED, STRUCK, drawn_instrument
from tests.render.played import (
    AHEAD,
    LAG,
    Edits,
    bell,
    build,
    command,
    play,
    residual_db,
    setting,
    together,
    turning,
)

SCENES: dict[str, tuple[EventTable, Edits]] = {
    "struck": (bell(), lambda engine: None),
    "tuned, damped, tilted": (
        bell(transpose=5.0, damp=0.5, bright=-6.0, inharm=0.01, detune=30.0, seed=7),
        lambda engine: None,
    ),
    "with vibrato": (bell(vibrato_rate_hz=6.0, vibrato_depth=0.7), lambda engine: None),
    "transposed live": (
        bell(), together(setting("transpose", 7.0), setting("transpose", -3.0, 9_200))
    ),
    "damped live": (bell(), setting("damp", 0.3)),
    "tilted live": (bell(), setting("bright", -9.0)),
    "coloured live": (bell(), together(setting("vector0", 9.0), setting("vector1", -9.0, 9_100))),
    "bent by the bank": (
        bell(), together(turning("bank/transpose", 5.0, 7_000), turning("bank/damp", 0.5, 7_100))
    ),
    "let go": (bell(duration_s=0.1237, release_s=0.08), lambda engine: None),
    "let go while it is bent": (
        bell(duration_s=0.1237, release_s=0.08), setting("transpose", 4.0, 7_300)
    ),
    "panned": (bell(pan=-0.6), setting("pan", 0.8)),
    "turned down": (bell(), setting("gain", 0.1)),
    "muted and heard again": (
        bell(), together(command(Op.MUTE, 7_001, 1.0), command(Op.MUTE, 9_777, 0.0))
    ),
    "choked": (bell(), command(Op.CHOKE, 12_345)),
    "retriggered": (bell(), command(Op.TRIGGER, 9_111, 0.7)),
    "slowed": (bell(stretch=0.25), setting("stretch", 1.5)),
    "frozen": (bell(stretch=0.0), lambda engine: None),
    "detuned live": (bell(), setting("detune", 40.0)),
    "turned backwards": (bell(), setting("stretch", -1.0)),
    "opened in its middle": (
        bell(vibrato_rate_hz=5.0, vibrato_depth=0.3),
        lambda engine: engine.post(Op.SEEK, 0, 0, 0, 0.4),
    ),
    "struck with noise, then ringing": (
        EventTable([Event(1, 0.0301, resonance=THUD, seed=5)]), lambda engine: None
    ),
    "a click": (EventTable([Event(1, 0.0301, resonance=CLICK)]), lambda engine: None),
    "all kinds at once": (
        mixed_table(),
        together(turning("master/gain_db", -6.0, 15_000), command(Op.SOLO, 20_000, 1.0)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
def test_grains_and_curves_are_60_db_alike(scene: str) -> None:
    table, edits = SCENES[scene]
    expected, found = play(table, edits, grains=False), play(table, edits)
    assert np.abs(expected.sound).max() > 0.01
    assert residual_db(found.sound, expected.sound) < -60.0
    assert (found.engine.stats().grains, found.engine.stats().grains_late) == (1, 0)


@pytest.mark.parametrize("toned", [False, True])
@pytest.mark.parametrize("resonance", [STRUCK, BOWED, BLOWN])
def test_with_a_field_they_are_too(resonance: int, toned: bool) -> None:
    """Its controls, its attack at full rate, and the engine's share of bow and breath."""
    vector = tuple(np.linspace(-3.0, 3.0, 32))
    table = EventTable(
        [Event(1, 0.0301, resonance=resonance, duration_s=0.31, vector=vector, seed=5)]
    )
    edits = together(turning("field/mid", 0.3, 3_000), turning("voice/strike", 0.5, 2_000))
    sounds = [
        play(table, edits, grains=grains, instrument=drawn_instrument(toned=toned)).sound
        for grains in (False, True)
    ]
    assert np.abs(sounds[0]).max() > 0.01
    assert residual_db(sounds[1], sounds[0]) < -60.0


@pytest.mark.parametrize("resonance", [STRUCK, BOWED])
def test_tone_bands_drawn_late_are_heard_in_grains_too(resonance: int) -> None:
    """A voice that begins before anything is drawn has its formants as soon as they are."""
    instrument = drawn_instrument(toned=True)
    sounds = []
    for ahead in (0, AHEAD):
        table = EventTable([Event(1, 0.0301, resonance=resonance, duration_s=5.0, seed=5)])
        engine = build(table, instrument, ahead)
        engine.post(Op.PLAY, 0, 100)
        worker = GrainWorker(engine, instrument, "cpu") if ahead else None
        out = np.zeros((36_000 + engine.latency.inside, engine.channels), np.float32)
        drawer = None
        for at in range(0, len(out), 480):
            if at == 9_600:
                drawer = drawer_for(engine, instrument)
            advance(engine, out[at : at + 480], drawer, worker)
            engine.notices()
        sounds.append(out[engine.latency.inside :])
    assert np.abs(sounds[0][20_000:]).max() > 0.001
    assert residual_db(sounds[1][20_000:], sounds[0][20_000:]) < -60.0


BOW_EDITS: dict[str, Edits] = {
    "held": lambda engine: None,
    "bent": together(setting("transpose", 4.0), setting("damp", 0.5, 9_100)),
    "pressed": turning("voice/bow", 0.4, 9_000),
    "detuned": setting("detune", 30.0),
    "choked": command(Op.CHOKE, 12_345),
}


@pytest.mark.parametrize("edit", BOW_EDITS)
@pytest.mark.parametrize("duration_s", [0.3333, 5.0])
def test_bowed_grains_and_curves_are_60_db_alike(edit: str, duration_s: float) -> None:
    table = bell(
        resonance=BOWED, duration_s=duration_s, vibrato_rate_hz=5.0, vibrato_depth=0.3, seed=5
    )
    sounds = [
        play(table, BOW_EDITS[edit], grains=grains, instrument=drawn_instrument()).sound
        for grains in (False, True)
    ]
    assert np.abs(sounds[0]).max() > 0.05
    assert residual_db(sounds[1], sounds[0]) < -60.0


def test_a_bowed_voice_is_the_workers_from_its_second_hop_to_its_release() -> None:
    instrument = drawn_instrument()
    engine = build(bell(resonance=BOWED, onset_s=0.0, duration_s=1.0), instrument, AHEAD)
    worker = GrainWorker(engine, instrument, "cpu")
    engine.post(Op.PLAY, 0, 100)
    bowed, loudest = [], 0.0
    for _ in range(200):
        advance(engine, np.zeros((HOP, 2), np.float32))
        hop = engine.hops.next()
        assert hop is not None
        bowed.append(bool((hop.voices["bowed"] != 0).any()))
        loudest = max(loudest, float(np.abs(worker.render(hop)).max()))
        worker.pump()
    assert bowed.index(True) == 1
    assert sum(bowed) == (100 + RATE) // HOP  # the release is in the next hop
    assert loudest > 0.05


def test_the_worker_renders_a_struck_bell_and_the_engine_none_of_it() -> None:
    silent = play(bell(), deaf=lambda hop: True, frames=HOP + 500).sound
    assert np.abs(silent).max() == 0.0  # until the engine has noticed


@pytest.mark.parametrize("block", [1, 64, 65, 8_193])
def test_block_size_changes_no_sample(block: int) -> None:
    table, edits = SCENES["all kinds at once"]
    whole = play(table, edits, block=40_000)
    cut = play(table, edits, block=block)
    assert np.array_equal(whole.sound, cut.sound)


def test_a_click_is_heard_at_the_reported_latency_to_the_sample() -> None:
    table = EventTable([Event(1, 0.0, resonance=CLICK)])
    engine = build(table, small_instrument(), AHEAD)
    worker = GrainWorker(engine, small_instrument(), "cpu")
    engine.post(Op.TRIGGER, engine.slot_of(1), 5_003, 0, 1.0)
    out = np.zeros((8_000, 2), np.float32)
    advance(engine, out, None, worker)
    assert int(np.argmax(np.abs(out[:, 0]))) == 5_003 + engine.latency.inside
    assert engine.latency.inside == engine.latency.limiter + LAG


def test_a_score_rendered_offline_in_grains_is_60_db_like_one_from_curves() -> None:
    score = Score(mixed_table(), seconds=0.6, sample_rate=RATE, channels=1)
    sounds = [render_score(score, small_instrument(), grains=g) for g in (False, True)]
    assert sounds[1].shape == (28_800, 1)
    assert residual_db(sounds[1], sounds[0]) < -60.0


def test_a_voice_that_is_no_number_is_silent_alone() -> None:
    table = EventTable([Event(i, 0.0, resonance=BELL) for i in (1, 2)])
    engine = build(table, small_instrument(), AHEAD)
    worker = GrainWorker(engine, small_instrument(), "cpu")
    engine.post(Op.PLAY, 0, 0)
    advance(engine, np.zeros((HOP, 2), np.float32))
    hop = engine.hops.next()
    assert hop is not None
    both = worker.render(hop).copy()
    hop.bases[1] = np.nan
    one = worker.render(hop)
    assert np.abs(one).max() > 0.1
    assert np.allclose(one, 0.5 * both, atol=1e-6)


def test_more_voices_than_the_largest_batch_are_rendered_in_several() -> None:
    table = EventTable([Event(i, resonance=BELL, transpose=i % 12) for i in range(1, 31)])
    engine = build(table, small_instrument(), AHEAD)
    worker = GrainWorker(engine, small_instrument(), "cpu")
    engine.post(Op.PLAY, 0, 0)
    advance(engine, np.zeros((HOP, 2), np.float32))
    hop = engine.hops.next()
    assert hop is not None
    assert len(hop.voices) == 30
    whole = worker.render(hop).copy()
    worker._modes = worker._modes[:1]
    assert np.allclose(worker.render(hop), whole, atol=1e-5)


def test_a_worker_in_its_own_thread_renders_what_one_in_step_does() -> None:
    table, instrument = mixed_table(), small_instrument()
    expected = play(table, frames=24 * HOP).sound
    engine = build(table, instrument, AHEAD)
    worker = GrainWorker(engine, instrument, "cpu")
    engine.post(Op.PLAY, 0, 100)
    device, blocks = HandDevice(engine), []
    worker.start()
    with device:
        for hop in range(24 + AHEAD + 1):
            blocks.append(device.turn(HOP))
            end = time.monotonic() + 30.0
            while worker.rendered < hop + 1 and time.monotonic() < end:
                time.sleep(0.001)
    worker.stop()
    found = np.concatenate(blocks)[engine.latency.inside :][: len(expected)]
    assert engine.stats().grains_late == 0
    assert np.array_equal(found, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_cuda_device_renders_the_same_hop_60_db_alike() -> None:
    """Its graphs are captured once per batch size and replayed."""
    instrument = drawn_instrument()
    table = EventTable(
        [Event(i, resonance=STRUCK, transpose=i % 7, gain=0.1) for i in range(1, 21)]
    )
    engine = build(table, instrument, AHEAD)
    drawer = drawer_for(engine, instrument)
    workers = [GrainWorker(engine, instrument, device) for device in ("cpu", "cuda")]
    engine.post(Op.PLAY, 0, 0)
    advance(engine, np.zeros((HOP, 2), np.float32), drawer)
    hop = engine.hops.next()
    assert hop is not None
    expected, *found = [worker.render(hop).copy() for worker in (*workers, workers[1])]
    assert np.abs(expected).max() > 0.1
    assert residual_db(found[0], expected) < -60.0
    assert np.array_equal(found[0], found[1])


def test_a_worker_needs_an_engine_that_looks_ahead() -> None:
    with pytest.raises(ValueError, match="ahead=3"):
        GrainWorker(build(bell(), small_instrument()), small_instrument(), "cpu")


def test_without_torch_grains_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"install rtsynth\[torch\], or choose --renderer curves"):
        grains_wanted("grains")
    assert not grains_wanted("auto")


def test_auto_takes_curves_where_there_is_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderer, "DRIVER", "no-such-driver.so")
    assert not grains_wanted("auto")
    assert not grains_wanted("curves")
    with pytest.raises(UsageError, match="legal: curves, grains, auto"):
        grains_wanted("faith")


def test_a_service_that_plays_curves_imports_no_torch() -> None:
    code = "import sys, rtsynth.service, rtsynth.cli.live; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=170)
