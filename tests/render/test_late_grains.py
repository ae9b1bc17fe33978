"""Grains that are late are faded out, counted and never waited for; the engine goes on in phase."""

import numpy as np
import pytest

from rtsynth.dsp.grain import HOP, grain_halves
from rtsynth.engine import NoticeKind, Op
from rtsynth.render import advance
from rtsynth.render.grains import GrainWorker
from tests.engine.bank import RATE, small_instrument
from tests.engine.drawn import BOWED, drawn_instrument
from tests.render.played import AHEAD, FRAMES, LAG, Played, bell, build, play, residual_db

DEAF_FROM, DEAF_TO = 40, 60
"""Hops of the stream in which the worker reads nothing."""


def test_a_bow_whose_grains_are_late_goes_on_in_phase() -> None:
    table = bell(resonance=BOWED, vibrato_rate_hz=5.0, vibrato_depth=0.4)
    whole = play(table, grains=False, instrument=drawn_instrument()).sound
    found = play(table, deaf=lambda hop: DEAF_FROM <= hop < DEAF_TO, instrument=drawn_instrument())
    away = next(n.frame for n in found.notices if n.kind is NoticeKind.RENDERER)
    after = slice(away + HOP, None)
    assert residual_db(found.sound[after], whole[after]) < -60.0


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


def test_hops_that_nobody_waits_for_any_more_are_passed_over() -> None:
    engine = build(bell(), small_instrument(), AHEAD)
    worker = GrainWorker(engine, small_instrument(), "cpu")
    advance(engine, np.zeros((12 * HOP, 2), np.float32))
    worker.finish()
    assert worker.rendered == AHEAD  # of twelve


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
