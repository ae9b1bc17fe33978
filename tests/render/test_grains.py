"""Grains rendered in torch sound as curves rendered by the engine, and are never waited for."""

import dataclasses
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rtsynth.audio import HandDevice
from rtsynth.dsp.grain import HOP, grain_halves
from rtsynth.engine import Engine, EngineConfig, Notice, NoticeKind, Op
from rtsynth.errors import UsageError
from rtsynth.events import Event, EventTable, Score
from rtsynth.instrument import Instrument
from rtsynth.params import event_param_named, param_named
from rtsynth.render import advance, drawer_for, grains_wanted, render_score, renderer
from rtsynth.render.grains import GrainWorker
from tests.engine.bank import BELL, CLICK, RATE, THUD, mixed_table, small_instrument
from tests.engine.drawn import BLOWN, BOWED, STRUCK, drawn_instrument

FRAMES = 36_000
AHEAD = 3
LAG = AHEAD * HOP
Edits = Callable[[Engine], None]


def bell(**fields: object) -> EventTable:
    settings = {"onset_s": 0.0301, "resonance": BELL, "duration_s": 5.0, **fields}
    return EventTable([Event(1, **settings)])  # type: ignore[arg-type]


def build(table: EventTable, instrument: Instrument, ahead: int = 0, **config: object) -> Engine:
    settings = {"sample_rate": RATE, "slots": 64, "voices": 32, "caches": 16, "ahead": ahead}
    return Engine(EngineConfig(**{**settings, **config}), instrument, table)  # type: ignore[arg-type]


@dataclasses.dataclass
class Played:
    """A stream with its look-ahead taken off, and what was told meanwhile."""

    sound: NDArray[np.float32]
    notices: list[Notice]
    engine: Engine


def play(
    table: EventTable,
    edits: Edits = lambda engine: None,
    *,
    grains: bool = True,
    instrument: Instrument | None = None,
    block: int = 480,
    deaf: Callable[[int], bool] = lambda hop: False,
    frames: int = FRAMES,
    **config: object,
) -> Played:
    """Play a table from frame 100 on.

    Args:
        table: what is played.
        edits: posts more.
        grains: whether a worker renders.
        instrument: the small one if None.
        block: frames per call.
        deaf: says in which hops of the stream the worker does not answer.
        frames: of the sound.
        config: of the engine.
    """
    instrument = small_instrument() if instrument is None else instrument
    engine = build(table, instrument, AHEAD if grains else 0, **config)
    engine.post(Op.PLAY, 0, 100)
    edits(engine)
    drawer = drawer_for(engine, instrument)
    worker = _Deaf(GrainWorker(engine, instrument, "cpu"), engine, deaf) if grains else None
    skip = engine.latency.inside
    out = np.zeros((frames + skip, engine.channels), np.float32)
    notices = []
    for at in range(0, len(out), block):
        advance(engine, out[at : at + block], drawer, worker)
        notices += engine.notices()
    return Played(out[skip:], notices, engine)


class _Deaf:
    """A worker that at times does not answer."""

    def __init__(self, worker: GrainWorker, engine: Engine, deaf: Callable[[int], bool]) -> None:
        self._worker, self._engine, self._deaf = worker, engine, deaf

    def finish(self) -> None:
        if not self._deaf(self._engine.frame // HOP):
            self._worker.finish()


def residual_db(found: NDArray[np.floating], expected: NDArray[np.floating]) -> float:
    """Energy of the difference re energy of the sound, dB."""
    left = np.square(found - expected, dtype=float).sum()
    return float(10.0 * np.log10(left / np.square(expected, dtype=float).sum() + 1e-30))


def index(path: str) -> int:
    return event_param_named(path)[0]


def setting(path: str, value: float, frame: int = 9_001) -> Edits:
    return lambda engine: engine.post(Op.SET, engine.slot_of(1), frame, 0, index(path), value)


def together(*edits: Edits) -> Edits:
    def post(engine: Engine) -> None:
        for edit in edits:
            edit(engine)

    return post


def command(op: Op, frame: int, *numbers: float) -> Edits:
    return lambda engine: engine.post(op, engine.slot_of(1), frame, 0, *numbers)


def turning(path: str, value: float, frame: int) -> Edits:
    return lambda engine: engine.post(Op.PARAM, param_named(path)[0], frame, 0, value)


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


@pytest.mark.parametrize("resonance", [STRUCK, BOWED, BLOWN])
def test_with_a_field_they_are_too(resonance: int) -> None:
    """Its controls, its attack at full rate, and the engine's share of bow and breath."""
    vector = tuple(np.linspace(-3.0, 3.0, 32))
    table = EventTable(
        [Event(1, 0.0301, resonance=resonance, duration_s=0.31, vector=vector, seed=5)]
    )
    edits = together(turning("field/mid", 0.3, 3_000), turning("voice/strike", 0.5, 2_000))
    sounds = [
        play(table, edits, grains=grains, instrument=drawn_instrument()).sound
        for grains in (False, True)
    ]
    assert np.abs(sounds[0]).max() > 0.01
    assert residual_db(sounds[1], sounds[0]) < -60.0


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


def test_a_bow_whose_grains_are_late_goes_on_in_phase() -> None:
    table = bell(resonance=BOWED, vibrato_rate_hz=5.0, vibrato_depth=0.4)
    whole = play(table, grains=False, instrument=drawn_instrument()).sound
    found = play(table, deaf=lambda hop: DEAF_FROM <= hop < DEAF_TO, instrument=drawn_instrument())
    away = next(n.frame for n in found.notices if n.kind is NoticeKind.RENDERER)
    after = slice(away + HOP, None)
    assert residual_db(found.sound[after], whole[after]) < -60.0


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


def test_one_late_grain_fades_out_and_in_again_under_its_window() -> None:
    whole = play(bell()).sound
    found = play(bell(), deaf=lambda hop: hop in (40, 41))  # grain 38 is due in hop 41
    assert (found.engine.stats().grains, found.engine.stats().grains_late) == (1, 1)
    halves = grain_halves()[:, None]
    out, back = slice(38 * HOP, 39 * HOP), slice(39 * HOP, 40 * HOP)
    # what the DC blocker makes of a fade is 10 Hz wide
    assert residual_db(found.sound[out], whole[out] * halves[HOP:]) < -40.0
    assert residual_db(found.sound[back], whole[back] * halves[:HOP]) < -40.0
    assert residual_db(found.sound[40 * HOP :], whole[40 * HOP :]) < -60.0


DEAF_FROM, DEAF_TO = 40, 60
"""Hops of the stream in which the worker reads nothing."""


def _stopped() -> Played:
    return play(
        bell(vibrato_rate_hz=5.0, vibrato_depth=0.4),
        deaf=lambda hop: DEAF_FROM <= hop < DEAF_TO,
        frames=2 * FRAMES,
    )


def test_a_worker_that_stops_answering_is_replaced_in_phase_and_trusted_again_later() -> None:
    whole = play(
        bell(vibrato_rate_hz=5.0, vibrato_depth=0.4), grains=False, frames=2 * FRAMES
    ).sound
    found = _stopped()
    changes = [(n.frame, n.value) for n in found.notices if n.kind is NoticeKind.RENDERER]
    late = [n.value for n in found.notices if n.kind is NoticeKind.GRAIN_LATE]
    assert late == [1.0, 2.0]
    (away, zero), (back, one) = changes
    assert (zero, one) == (0.0, 1.0)
    assert back - away >= RATE // 2  # half a second in time before it is trusted
    stats = found.engine.stats()
    assert (stats.grains, stats.grains_late) == (1, 2)
    hole = np.flatnonzero(np.abs(found.sound - whole).max(axis=1) > 1e-3 * np.abs(whole).max())
    assert hole[-1] - hole[0] < (AHEAD + 3) * HOP  # what was on its way, and two fades
    before, after = slice(0, hole[0] - 2 * HOP), slice(hole[-1] + HOP, None)
    assert residual_db(found.sound[before], whole[before]) < -60.0
    assert residual_db(found.sound[after], whole[after]) < -60.0  # pitch and phase, and the return


def test_what_is_missing_fades_out_and_in_within_256_frames() -> None:
    whole = play(bell(vibrato_rate_hz=5.0, vibrato_depth=0.4), grains=False).sound
    found = _stopped()
    away = next(n.frame for n in found.notices if n.kind is NoticeKind.RENDERER)
    first = away - LAG - HOP  # what was due when the first grain was late
    halves = grain_halves()[:, None]
    out, silence, back = (slice(a, a + HOP) for a in (first, first + HOP, away))
    assert residual_db(found.sound[out], whole[out] * halves[HOP:]) < -40.0
    assert np.abs(found.sound[silence]).max() < 1e-2 * np.abs(whole[silence]).max()
    assert residual_db(found.sound[back], whole[back] * halves[:HOP]) < -40.0


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


def test_hops_that_nobody_waits_for_any_more_are_passed_over() -> None:
    engine = build(bell(), small_instrument(), AHEAD)
    worker = GrainWorker(engine, small_instrument(), "cpu")
    advance(engine, np.zeros((12 * HOP, 2), np.float32))
    worker.finish()
    assert worker.rendered == AHEAD  # of twelve


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


def test_a_worker_that_breaks_ends_alone_and_the_engine_plays_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = build(bell(), small_instrument(), AHEAD)
    worker = GrainWorker(engine, small_instrument(), "cpu")

    def broken() -> bool:
        raise RuntimeError("the device is gone")

    monkeypatch.setattr(worker, "pump", broken)
    worker.start()
    worker.stop()
    assert "the engine renders from curves" in caplog.text
    engine.post(Op.PLAY, 0, 8 * HOP)
    out = np.zeros((20 * HOP, 2), np.float32)
    engine.process(out)
    assert np.abs(out).max() > 0.1


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
