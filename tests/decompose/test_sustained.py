"""One sustained note: what is known of a synthetic one is measured, and a field draws it."""

import dataclasses
import functools

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.decompose import Recipe, decompose_array
from rtsynth.decompose.sustained.bowing import bow_curves, driven
from rtsynth.decompose.sustained.measure import Sustained, measure_sustained
from rtsynth.decompose.sustained.one_event import after, held_on, one_event
from rtsynth.decompose.sustained.pitch import STEP_S, track_pitch
from rtsynth.errors import AudioFileError, ValueRangeError
from rtsynth.instrument import (
    CONTROL_LIMITS,
    CONTROLS,
    NOISE_BANDS,
    NOISE_EDGES_HZ,
    PLAIN_CONTROLS,
    FieldWeights,
)
from rtsynth.units import LN1000

RATE = 32_000
SECONDS, ONSET_S, LIFT_S = 2.2, 0.1, 1.7
PITCH_HZ, DEPTH_CENTS, VIBRATO_HZ = 311.0, 25.0, 5.5
PARTIALS = 14
RELEASE_T60_S = 0.35
NOISE_RMS = 0.004

Float = NDArray[np.float64]


@dataclasses.dataclass
class Known:
    """A tone with vibrato under a swelling bow, lifted, over white noise."""

    sound: Float
    pitch_hz: Float
    envelope: Float


def make_known() -> Known:
    time = np.arange(int(SECONDS * RATE)) / RATE
    cents = DEPTH_CENTS * np.sin(2 * np.pi * VIBRATO_HZ * time) * np.clip(time - 0.3, 0, 1)
    pitch = PITCH_HZ * 2.0 ** (cents / 1200)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    rise = 1.0 - np.exp(-np.maximum(time - ONSET_S, 0) / 0.04)
    swell = 2.0 ** (0.5 * np.sin(2 * np.pi * 1.3 * time))
    late = np.maximum(time - LIFT_S, 0.0)
    held = np.where(late > 0, swell[int(LIFT_S * RATE)], swell)
    envelope = rise * held * np.exp(-LN1000 * late / RELEASE_T60_S)
    sound = np.zeros(len(time))
    for k in range(1, PARTIALS + 1):
        sound += 0.2 / k * envelope * np.cos(k * phase + 0.7 * k * k)
    noise: Float = NOISE_RMS * np.random.default_rng(3).standard_normal(len(time))
    return Known(sound + noise * (time > ONSET_S), pitch, envelope)


@pytest.fixture(scope="module")
def known() -> Known:
    return make_known()


@pytest.fixture(scope="module")
def note(known: Known) -> Sustained:
    return measure_sustained(known.sound, RATE)


def curve(note: Sustained, name: str) -> Float:
    return note.controls[:, CONTROLS.index(name)]


def ages(note: Sustained) -> Float:
    points: Float = np.arange(len(note.controls), dtype=np.float64)
    return note.onset_s + STEP_S * points


def steady(note: Sustained) -> NDArray[np.bool]:
    return (ages(note) > ONSET_S + 0.15) & (ages(note) < LIFT_S - 0.05)


def test_the_pitch_of_a_vibrato_is_within_three_cents_everywhere(known: Known) -> None:
    track = track_pitch(known.sound, RATE)
    time = np.arange(len(track)) * STEP_S
    true = np.interp(time, np.arange(len(known.sound)) / RATE, known.pitch_hz)
    sounding = (time > ONSET_S + 0.05) & (time < LIFT_S)
    off = 1200 * np.log2(track / true)[sounding]
    assert np.abs(off).max() < 3.0
    assert np.sqrt(np.mean(off**2)) < 1.0


def test_a_missing_fundamental_does_not_move_the_pitch_an_octave() -> None:
    time = np.arange(RATE) / RATE
    sound = sum(np.cos(2 * np.pi * 196.0 * k * time + k) / k for k in range(2, 9))
    track = track_pitch(0.1 * np.asarray(sound), RATE)
    assert np.abs(1200 * np.log2(track[20:-20] / 196.0)).max() < 3.0


def test_a_held_note_is_one_driven_resonance_of_its_partials(note: Sustained) -> None:
    assert note.driven
    assert note.onset_s == pytest.approx(ONSET_S, abs=0.02)
    assert note.duration_s == pytest.approx(LIFT_S - ONSET_S, abs=0.03)
    assert len(note.modes) == PARTIALS
    ratio = note.modes.freq_hz / note.pitch_hz
    assert np.abs(1200 * np.log2(ratio / np.arange(1, PARTIALS + 1))).max() < 1.0
    assert 1200 * np.log2(note.pitch_hz / PITCH_HZ) == pytest.approx(0.0, abs=3.0)


def test_bend_is_the_vibrato_within_three_cents(known: Known, note: Sustained) -> None:
    place = np.arange(len(known.sound)) / RATE
    true = 12 * np.log2(np.interp(ages(note), place, known.pitch_hz) / note.pitch_hz)
    off = 100 * (curve(note, "bend") - true)[steady(note)]
    assert np.abs(off).max() < 3.0


def test_the_modes_under_the_bow_follow_the_envelope_within_a_decibel(
    known: Known, note: Sustained
) -> None:
    bowed_s = float(note.modes.t60_s[0] * 2.0 ** curve(note, "damp")[10])
    made = driven(curve(note, "bow"), bowed_s) * abs(note.modes.amplitude[0])
    true = 0.2 * np.interp(ages(note), np.arange(len(known.sound)) / RATE, known.envelope)
    off = 20 * np.log10(made[steady(note)] / true[steady(note)])
    assert np.abs(off).max() < 1.0


def test_the_release_is_the_resonances_own_decay(note: Sustained) -> None:
    after = 1.0 / (1.0 / note.modes.t60_s[0] + 1.0 / note.release_s)
    assert after == pytest.approx(RELEASE_T60_S, rel=0.1)


def test_noise_between_the_partials_has_its_level_within_two_decibels(note: Sustained) -> None:
    held = steady(note)
    width = np.diff(NOISE_EDGES_HZ)
    whole = NOISE_EDGES_HZ[1:] < RATE / 2
    level = note.blow_gain * np.exp2(
        note.controls[held, :NOISE_BANDS] + curve(note, "dry")[held, None]
    )
    power = np.mean(level**2, axis=0)
    true = NOISE_RMS**2 * width / (RATE / 2)
    off = 10 * np.log10((power / true)[whole & (width > 200.0)])
    assert np.abs(off).max() < 2.0


def test_a_drive_through_its_modes_gives_the_envelope_it_was_made_from() -> None:
    time = np.arange(400) * STEP_S
    envelope = (1 - np.exp(-time / 0.03)) * 2.0 ** (0.4 * np.sin(2 * np.pi * 5 * time))
    octaves = np.log2(np.arange(1.0, 9.0))
    level = 2.0 ** -octaves[:, None] * np.maximum(envelope, 1e-6)
    amplitude, bow, tilt = bow_curves(level, octaves, 0.2)
    made = amplitude[:, None] * driven(bow, 0.2) * 10 ** (tilt * octaves[:, None] / 20)
    off = 20 * np.log10(made[:, 30:] / level[:, 30:])
    assert np.abs(off).max() < 0.5


def test_a_plucked_note_is_let_go_and_its_decays_are_found() -> None:
    time = np.arange(int(1.5 * RATE)) / RATE
    numbers = np.arange(1, 9)
    freq = 220.0 * numbers * np.sqrt((1 + 2e-4 * numbers**2) / (1 + 2e-4))
    t60_s = 2.0 / numbers**0.5
    sound = np.zeros(len(time))
    for f, t in zip(freq, t60_s, strict=True):
        sound += 0.3 * 220.0 / f * np.exp(-LN1000 * time / t) * np.sin(2 * np.pi * f * time)
    sound = np.concatenate([np.zeros(RATE // 10), sound])
    note = measure_sustained(sound, RATE)
    assert not note.driven
    for f, t in zip(freq, t60_s, strict=True):
        near = np.abs(1200 * np.log2(note.modes.freq_hz / f)) < 30.0
        strongest = np.argmax(np.where(near, np.abs(note.modes.amplitude), 0.0))
        assert 1200 * np.log2(note.modes.freq_hz[strongest] / f) == pytest.approx(0.0, abs=2.0)
        assert note.modes.t60_s[strongest] == pytest.approx(t, rel=0.1)


def test_one_note_is_one_event_on_one_resonance(note: Sustained) -> None:
    score, instrument = one_event(note, RATE, SECONDS)
    assert len(score.table) == 1
    assert instrument.resonances == 1
    instrument.validate()
    event = next(iter(score.table))
    assert np.isfinite(event.duration_s)
    gain = np.hypot(*instrument.mode_gain[0].T.astype(float)) * float(instrument.bow[0])
    assert gain == pytest.approx(np.abs(note.modes.amplitude), rel=1e-4)
    assert instrument.impulse[0] == 0.0


@pytest.fixture(scope="module")
def taught(note: Sustained) -> FieldWeights:
    regress = pytest.importorskip("rtsynth.nn.regress")
    field: FieldWeights = regress.draw_curves(
        *held_on(note), STEP_S, note.duration_s, after=after(note), steps=400, hidden=32
    )
    return field


def test_a_field_draws_the_curves_it_was_taught(note: Sustained, taught: FieldWeights) -> None:
    taught.validate(1)
    age = np.arange(len(note.controls)) * STEP_S
    drawn = taught.draw_controls(0, np.zeros(32), age, note.duration_s).sum(axis=0)[steady(note)]
    off = drawn - note.controls[steady(note)]
    assert 100 * np.sqrt(np.mean(off[:, CONTROLS.index("bend")] ** 2)) < 3.0
    assert np.sqrt(np.mean(off[:, CONTROLS.index("bow")] ** 2)) * 6.02 < 1.0
    assert (drawn > CONTROL_LIMITS[:, 0]).all()
    assert (drawn < CONTROL_LIMITS[:, 1]).all()


@pytest.mark.parametrize("duration_s", [np.inf, 3.0, 1.0])
def test_a_note_held_for_another_time_keeps_its_vibrato(
    note: Sustained, taught: FieldWeights, duration_s: float
) -> None:
    points = round(min(duration_s, 3.0) / STEP_S)
    going, _ = held_on(note)
    drawn = taught.draw_controls(0, np.zeros(32), np.arange(points) * STEP_S, duration_s)
    bend = 100 * drawn.sum(axis=0)[50:, CONTROLS.index("bend")]
    wanted = 100 * going[50:points, CONTROLS.index("bend")]
    assert np.sqrt(np.mean((bend - wanted) ** 2)) < 6.0
    assert np.std(bend) == pytest.approx(np.std(wanted), rel=0.25)


def test_the_same_seed_teaches_the_same_field(note: Sustained) -> None:
    regress = pytest.importorskip("rtsynth.nn.regress")

    def taught(seed: int) -> dict[str, Float]:
        field = regress.draw_curves(
            *held_on(note), STEP_S, note.duration_s, steps=5, hidden=8, seed=seed
        )
        arrays: dict[str, Float] = field.arrays()
        return arrays

    first, again, other = taught(1), taught(1), taught(2)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["field.controls.w0"], other["field.controls.w0"])


def test_a_recipe_for_a_sustained_note_makes_one_event_that_sounds_like_it(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    regress = pytest.importorskip("rtsynth.nn.regress")
    quick = functools.partial(regress.draw_curves, steps=200, hidden=24)
    monkeypatch.setattr(regress, "draw_curves", quick)
    stereo = np.stack([known.sound, known.sound], axis=1)
    made = decompose_array(stereo, RATE, recipe=Recipe(sustained=True))
    assert made.report["events"] == 1
    assert made.score.channels == 2
    assert made.instrument.field is not None
    distance = made.report["metrics"]["sc"]
    assert distance is not None
    assert distance < 0.25


def test_curves_that_are_no_numbers_are_refused() -> None:
    regress = pytest.importorskip("rtsynth.nn.regress")
    with pytest.raises(ValueRangeError, match="NaN"):
        regress.draw_curves(np.full((10, PLAIN_CONTROLS), np.nan), np.ones(10), STEP_S, 1.0)


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        (np.zeros(RATE), "silent"),
        (np.ones(RATE // 100), "cut the recording"),
    ],
)
def test_what_holds_no_note_is_refused_with_a_reason(sound: Float, words: str) -> None:
    with pytest.raises(AudioFileError, match=words):
        measure_sustained(sound, RATE)
