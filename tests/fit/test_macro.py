"""Turning vectors leaves the sound alone and names what a musician would hear."""

import dataclasses

import numpy as np
import pytest

from rtsynth.events import Event, EventTable, Kind, Score
from rtsynth.fit.codebook import bits_per_event, snap
from rtsynth.fit.macro import principal_axes, rotate
from rtsynth.fit.sound import sound_of
from rtsynth.instrument import FieldWeights, Instrument

RATE = 48_000
OFFSETS = np.random.default_rng(0).normal(size=(6, 32)) * np.geomspace(9.0, 0.3, 32)


def a_set(vectors: np.ndarray = OFFSETS) -> tuple[Score, Instrument]:
    instrument = Instrument.blank(2, 32, attack_length=8, attack_rate=RATE)
    instrument.set_modes(0, 100.0 * np.arange(1, 33), np.full(32, 0.5), np.full(32, 0.01 + 0.0j))
    instrument.texture_gain[1] = 1e-4
    events = [
        Event(i + 1, onset_s=0.02 * i, vector=tuple(v.tolist())) for i, v in enumerate(vectors)
    ]
    events.append(Event(99, kind=Kind.TEXTURE, resonance=1, vector=(1.0,) * 32))
    return Score(EventTable(events), seconds=0.3, sample_rate=RATE), instrument


def test_axes_are_orthonormal_and_ordered_by_what_events_differ_in() -> None:
    axes, used = principal_axes(OFFSETS)
    np.testing.assert_allclose(axes.T @ axes, np.eye(32), atol=1e-12)
    spread = (OFFSETS @ axes).std(axis=0)
    assert used == 5  # six events differ in five ways
    assert (np.diff(spread[:used]) <= 0).all()
    np.testing.assert_allclose(spread[used:], 0.0, atol=1e-9)


def test_turning_is_lossless_to_a_thousandth_of_a_decibel_and_silent() -> None:
    score, instrument = a_set()
    instrument.field = FieldWeights.zeros(2, 4, 8, 0.05)
    rng = np.random.default_rng(1)
    for net in (instrument.field.controls, instrument.field.attack):
        net.project[:] = rng.normal(size=net.project.shape)
        net.w0[:] = rng.normal(size=net.w0.shape)
        net.w2[:] = 0.02 * rng.normal(size=net.w2.shape)
    (turned,), new, notes = rotate([score], instrument)
    assert notes == []
    rows, old = turned.table.rows, score.table.rows
    modal = rows["kind"] == Kind.MODAL
    np.testing.assert_allclose(
        rows["vector"][modal] @ new.mode_map, old["vector"][modal] @ instrument.mode_map, atol=1e-3
    )
    np.testing.assert_array_equal(rows["vector"][~modal], old["vector"][~modal])
    frames = round(0.3 * RATE)
    sounds = [sound_of(*pair, RATE, frames) for pair in ((score, instrument), (turned, new))]
    np.testing.assert_allclose(sounds[1], sounds[0], atol=1e-4)
    assert new.fingerprint() == turned.instrument


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("brightness", np.log2(np.arange(1, 33))),
        ("odd/even", np.where(np.arange(1, 33) % 2 == 1, 1.0, -1.0)),
        ("fundamental", np.eye(32)[0]),
    ],
)
def test_a_direction_is_named_after_what_it_does(name: str, shape: np.ndarray) -> None:
    vectors = np.array([-2.0, -1.0, 0.0, 1.0, 3.0])[:, None] * (shape - shape.mean())
    score, instrument = a_set(vectors)
    (turned,), new, _ = rotate([score], instrument)
    assert new.macros == [name]
    first = turned.table.rows["vector"][turned.table.rows["kind"] == Kind.MODAL][:, 0]
    assert first[-1] > first[0]  # more of it when turned up


def test_events_that_do_not_differ_have_no_macros() -> None:
    score, instrument = a_set(np.zeros((3, 32)))
    _, same, notes = rotate([score], instrument)
    assert same is instrument
    assert "no macros" in notes[0]


def test_vectors_that_would_leave_their_range_stay_as_they_are() -> None:
    vectors = np.vstack([np.full(32, 80.0), np.full(32, -80.0)])
    score, instrument = a_set(vectors)
    _, same, notes = rotate([score], instrument)
    assert same is instrument
    assert "96 dB" in notes[0]


def test_a_codebook_as_large_as_the_events_loses_nothing_and_a_small_one_says_what() -> None:
    score, instrument = a_set()
    same, off_db, used = snap([score], 256)
    assert off_db == 0.0
    assert used == 6
    np.testing.assert_array_equal(same[0].table.rows, score.table.rows)
    few, off_db, used = snap([score], 2)
    assert used == 2
    assert off_db > 0.5  # dB
    rows = few[0].table.rows
    assert len(np.unique(rows["vector"][rows["kind"] == Kind.MODAL], axis=0)) == 2
    bits = bits_per_event([score], instrument, 2)
    assert bits["bits_per_event_snapped"] < bits["bits_per_event_continuous"]
    assert dataclasses.is_dataclass(few[0])
