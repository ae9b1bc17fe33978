"""A line of sustained notes: one event per note, none for a vibrato, and never for struck keys."""

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.decompose import Recipe, decompose_array
from rtsynth.decompose.closer import surely_held
from rtsynth.decompose.held.bake import bake_line, line_of
from rtsynth.decompose.held.breath import breaths_between, ringing_on, without_gaps
from rtsynth.decompose.held.curves import closest_curves
from rtsynth.decompose.held.lacking import line_noise
from rtsynth.decompose.held.legato import HeldLineFound, find_held_notes, glides
from rtsynth.decompose.held.line import CODE
from rtsynth.decompose.held.measure import MeasuredNote, measure_notes
from rtsynth.decompose.held.or_struck import falling_share, is_held
from rtsynth.decompose.held.voicing import PATH_STEP_S
from rtsynth.decompose.recording import recording_from_array
from rtsynth.decompose.sustained.blowing import band_power
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.decompose.sustained.tone import tone_curves
from rtsynth.instrument import NOISE_EDGES_HZ
from rtsynth.instrument.field import TONE_BANDS, TONE_LOW_HZ, tone_place
from rtsynth.units import LN1000
from tests.decompose.bowed_line import (
    LEAD_S,
    NOTE_S,
    OVERLAP_S,
    RATE,
    SCALE,
    bowed,
    laid,
    struck,
    tone,
)

Float = NDArray[np.float64]


def onsets_s(found: HeldLineFound) -> Float:
    return np.array([note.onset for note in found.notes]) / RATE


@pytest.fixture(scope="module")
def scale() -> Float:
    return laid([bowed(p, NOTE_S + OVERLAP_S, cents=30.0) for p in SCALE], NOTE_S)


@pytest.fixture(scope="module")
def found(scale: Float) -> HeldLineFound:
    return find_held_notes(scale, RATE)


def test_a_legato_scale_with_vibrato_is_one_note_per_key_within_40_ms(found: HeldLineFound) -> None:
    true = LEAD_S + NOTE_S * np.arange(len(SCALE))
    assert len(found.notes) == len(SCALE)
    assert np.abs(onsets_s(found) - true).max() < 0.04
    assert np.abs([n.semitones - p for n, p in zip(found.notes, SCALE, strict=True)]).max() < 0.25


@pytest.mark.parametrize("cents", [20.0, 60.0, 100.0])
def test_vibrato_alone_makes_no_onset(cents: float) -> None:
    sound = laid([bowed(64.0, 2.0, cents=cents)], 2.0)
    assert len(find_held_notes(sound, RATE).notes) == 1


def test_a_tremolo_of_6_db_makes_no_onset() -> None:
    time = np.arange(2 * RATE) / RATE
    swing = 10.0 ** (3.0 * np.sin(2 * np.pi * 5.0 * time) / 20.0)
    sound = laid([tone(np.full(len(time), 57.0), swing)], 2.0)
    assert len(find_held_notes(sound, RATE).notes) == 1


def test_a_note_taken_anew_at_the_same_pitch_is_two() -> None:
    sound = laid([bowed(62.0, 0.5, cents=0.0), bowed(62.0, 0.5, cents=0.0)], 0.7)
    found = find_held_notes(sound, RATE)
    assert len(found.notes) == 2
    assert onsets_s(found)[1] == pytest.approx(LEAD_S + 0.7, abs=0.04)


def test_a_glissando_of_an_octave_in_a_second_is_one_note_that_bends() -> None:
    time = np.arange(int(1.0 * RATE)) / RATE
    sound = laid([tone(57.0 + 12.0 * time, np.ones(len(time)))], 1.0)
    found = find_held_notes(sound, RATE)
    assert len(found.notes) == 1
    measured = measure_notes(sound, RATE, found.notes)[0][0]
    assert np.ptp(measured.bend) == pytest.approx(12.0, abs=1.0)


def test_the_common_period_of_two_notes_is_no_note_of_its_own() -> None:
    sound = laid([bowed(64.0, 0.6, cents=0.0), bowed(71.0, 0.6, cents=0.0)], 0.45)
    pitches = [note.semitones for note in find_held_notes(sound, RATE).notes]
    assert pitches == pytest.approx([64.0, 71.0], abs=0.3)


def test_a_glide_is_no_overlap_of_two_notes() -> None:
    """Where one bow stroke enters under another the pitch stays, with its vibrato, then leaps."""
    vibrato = 0.2 * np.sin(2 * np.pi * 5.5 * PATH_STEP_S * np.arange(20))
    leap = np.concatenate([60.0 + vibrato, [60.4, 61.0, 61.6]])
    assert not glides(leap, 60.0, 62.0)
    assert not glides(-leap, -60.0, -62.0)
    assert glides(np.linspace(60.0, 62.0, 24), 60.0, 62.0)
    assert glides(np.linspace(62.0, 60.0, 24), 62.0, 60.0)
    assert not glides(np.zeros(0), 60.0, 62.0)
    assert not glides(np.full(5, 60.0), 60.0, 60.0)


def test_a_bowed_scale_is_held_and_a_struck_one_is_not(scale: Float, found: HeldLineFound) -> None:
    run = laid([struck(p) for p in SCALE], NOTE_S)
    quick = laid([struck(p) for p in SCALE], 0.12)
    assert is_held(scale, RATE, found.path, found.pieces)
    for sound in (run, quick):
        keys = find_held_notes(sound, RATE)
        assert not is_held(sound, RATE, keys.path, keys.pieces)


def test_noise_silence_and_a_blink_have_no_notes() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(RATE)
    for sound in (noise, np.zeros(RATE), noise[:200]):
        found = find_held_notes(sound, RATE)
        assert found.notes == []
        assert not is_held(sound, RATE, found.path, found.pieces)


def test_what_falls_after_every_onset_falls_all_the_time() -> None:
    falling: Float = -20.0 * np.mod(np.arange(200.0) * PATH_STEP_S, 0.4)
    onsets: Float = 0.4 * np.arange(4.0)
    assert falling_share(falling, onsets) == 1.0
    assert falling_share(np.zeros(200), onsets) == 0.0


def test_bow_and_tilt_meet_levels_made_with_a_bow_and_a_tilt_within_one_per_cent() -> None:
    age = STEP_S * np.arange(200)
    octaves = np.log2(np.arange(1.0, 9.0))
    envelope = (1.0 - np.exp(-age / 0.08)) * (1.0 + 0.3 * np.sin(2 * np.pi * 4.0 * age))
    tilt = 0.3 * np.sin(2 * np.pi * 2.0 * age)
    level = 0.1 * np.exp2((tilt - 1.0) * octaves[:, None]) * envelope
    size, bow, bright = closest_curves(level, octaves, 0.2)
    keep = math.exp(-LN1000 * STEP_S / 0.2)
    made, state = np.zeros(len(age)), 0.0
    for point in range(1, len(age)):
        state = keep * state + (1.0 - keep) * 2.0 ** bow[point]
        made[point] = state
    model = size[:, None] * np.exp2(bright / (20 * np.log10(2)) * octaves[:, None]) * made
    assert np.linalg.norm(model - level) < 0.02 * np.linalg.norm(level)


def test_notes_alike_share_a_resonance_moved_to_their_pitch(
    scale: Float, found: HeldLineFound
) -> None:
    notes, left = measure_notes(scale, RATE, found.notes)
    assert np.sum(left**2) < 0.05 * np.sum(scale**2)
    line = line_of(scale, left, RATE, notes)
    recording = recording_from_array(scale, RATE)
    score, instrument = bake_line(line, recording, np.zeros((len(line.notes), CODE)), 32)
    assert len(score.table) == len(SCALE)
    assert instrument.resonances < len(SCALE)
    assert (instrument.bow > 0).all()
    pitches = [
        12 * np.log2(float(instrument.freq_hz[e.resonance, 0]) / 440.0) + 69.0 + e.transpose
        for e in score.table
    ]
    assert pitches == pytest.approx(list(SCALE), abs=0.3)
    held = [event.duration_s for event in score.table]
    assert held == pytest.approx([NOTE_S + OVERLAP_S] * len(SCALE), abs=0.12)


def test_a_line_on_the_left_stays_there(scale: Float, found: HeldLineFound) -> None:
    notes, left = measure_notes(scale, RATE, found.notes)
    recording = recording_from_array(np.stack([scale, 0.5 * scale], axis=1), RATE)
    line = line_of(scale, left, RATE, notes)
    score, _ = bake_line(line, recording, np.zeros((len(notes), CODE)), 32)
    true = 4.0 / np.pi * math.atan2(0.5, 1.0) - 1.0
    assert [event.pan for event in score.table] == pytest.approx([true] * len(notes), abs=0.02)


def test_a_hiss_between_two_notes_is_one_breath() -> None:
    sound = laid([bowed(62.0, 0.5, cents=0.0), bowed(65.0, 0.5, cents=0.0)], 1.6)
    first, last = int(0.85 * RATE), int(1.1 * RATE)
    sound[first:last] += 0.03 * np.random.default_rng(4).standard_normal(last - first)
    found = find_held_notes(sound, RATE)
    notes, left = measure_notes(sound, RATE, found.notes)
    breaths, noise = line_noise(sound, left, RATE, notes)
    within = [b for b in breaths if b.onset < int(1.5 * RATE)]
    assert len(within) == 1
    assert within[0].onset / RATE == pytest.approx(0.85, abs=0.05)
    assert within[0].duration_s == pytest.approx(0.25, abs=0.08)
    level = noise[len(notes) + breaths.index(within[0])][10:-10]
    assert np.sqrt(np.sum(np.mean(level**2, axis=0))) == pytest.approx(0.03, rel=0.1)


def test_hiss_under_partials_is_within_four_decibels_and_never_gated() -> None:
    """Fifteen partials as they are, 0 to 30 dB above the noise in each band's 4 ms."""
    time_s = np.arange(2 * RATE) / RATE
    partials = sum(0.1 / k * np.cos(2 * np.pi * 440 * k * time_s + k) for k in range(1, 16))
    hiss = 0.01 * np.random.default_rng(0).standard_normal(len(time_s))
    note = MeasuredNote(
        0, 2.0, 0.1, 440.0, np.zeros(500), np.ones(1), np.full((1, 500), 0.1)
    )  # fmt: skip
    _, (found,) = line_noise(partials + hiss, hiss, RATE, [note])
    true = band_power(hiss, RATE, 0, 500)
    there = NOISE_EDGES_HZ[1:] < RATE / 2
    power, true = found[50:450, there] ** 2, true[50:450, there]
    off_db = 10.0 * np.log10(np.mean(power, axis=0) / np.mean(true, axis=0))
    assert np.abs(off_db).max() < 4.0
    fallen_db = 10.0 * np.log10(power / true)
    assert fallen_db.min() > -10.5


@pytest.mark.parametrize("consonant_ms", [44, 60, 120])
def test_noise_at_either_end_of_a_recording_is_a_breath(consonant_ms: int) -> None:
    held = bowed(62.0, 0.5, cents=0.0)
    notes, _ = measure_notes(held, RATE, find_held_notes(held, RATE).notes)
    count, hop = int(len(held) / (STEP_S * RATE)) + 1, consonant_ms // 4
    lack = np.zeros(count)
    lack[:hop] = lack[-hop:] = 1.0
    late = [dataclasses.replace(notes[0], onset=int(hop * STEP_S * RATE) + 1, duration_s=0.3)]
    breaths = breaths_between(lack, 1.0, RATE, late)
    assert [len(b.bend) for b in breaths] == [hop, hop]
    assert breaths[0].onset == 0


@pytest.mark.parametrize("gap_ms", [8.0, 30.0, 41.0, 43.0, 45.0, 47.0, 60.0])
@pytest.mark.parametrize("offset_ms", [0.0, 1.5, 3.0])
def test_between_two_notes_sound_goes_on_however_short_it_is(
    scale: Float, found: HeldLineFound, gap_ms: float, offset_ms: float
) -> None:
    notes, _ = measure_notes(scale, RATE, found.notes)
    ends_s = notes[0].onset / RATE + notes[0].duration_s
    onset = round((ends_s + (gap_ms + offset_ms) / 1e3) * RATE)
    first = dataclasses.replace(notes[0], onset=notes[0].onset + round(offset_ms / 1e3 * RATE))
    pair = without_gaps([first, dataclasses.replace(notes[1], onset=onset)], RATE)
    lack = np.ones(int(len(scale) / (STEP_S * RATE)) + 1)
    first_end_s = pair[0].onset / RATE + pair[0].duration_s
    closed = first_end_s == pytest.approx(onset / RATE, abs=STEP_S)
    inside = [b for b in breaths_between(lack, 1.0, RATE, pair) if pair[0].onset < b.onset < onset]
    assert closed or len(inside) == 1


def test_a_note_that_ends_just_before_the_next_is_held_on_until_then(
    scale: Float, found: HeldLineFound
) -> None:
    notes, _ = measure_notes(scale, RATE, found.notes)
    short, after = notes[0], notes[1]
    points = int((after.onset - short.onset) / RATE / STEP_S) - 6
    cut = dataclasses.replace(
        short, duration_s=points * STEP_S, bend=short.bend[:points], level=short.level[:, :points]
    )
    closed = without_gaps([cut, after], RATE)
    first = round(closed[0].onset / RATE / STEP_S)
    end_s = closed[0].onset / RATE + closed[0].duration_s
    assert end_s == pytest.approx(after.onset / RATE, abs=STEP_S)
    assert closed[0].level.shape[1] == len(closed[0].bend) == round(end_s / STEP_S) - first
    assert (np.diff(closed[0].level[0, points - 1 :]) < 0).all(), "it dies away"
    assert closed[1] is after


def test_a_note_that_fades_before_it_is_let_go_is_held_until_then() -> None:
    """Steady for 0.3 s, then 90 dB/s for 0.2 s, then gone at once: the fade belongs to the note."""
    time = np.arange(int(0.9 * RATE)) / RATE
    fade = 10.0 ** (-90.0 * np.clip(time - 0.3, 0.0, 0.2) / 20.0)
    gone = 10.0 ** (-900.0 * np.maximum(time - 0.5, 0.0) / 20.0)
    syllable = tone(np.full(len(time), 57.0), np.minimum(time / 0.04, 1.0) * fade * gone)
    sound = laid([syllable, bowed(60.0, 0.5, cents=0.0)], 1.0)
    first = measure_notes(sound, RATE, find_held_notes(sound, RATE).notes)[0][0]
    assert first.duration_s == pytest.approx(0.5, abs=0.07)
    assert first.release_t60_s < 0.2


def test_a_note_that_rings_longer_than_its_modes_can_is_held_on_dying_away(
    scale: Float, found: HeldLineFound
) -> None:
    notes, _ = measure_notes(scale, RATE, found.notes)
    long = [*notes[:-1], dataclasses.replace(notes[-1], release_t60_s=0.9)]
    rung = ringing_on(long, 0.2, RATE)
    points = rung[-1].level.shape[1] - notes[-1].level.shape[1]
    assert points * STEP_S == pytest.approx(0.9 * 40.0 / 60.0, abs=0.01)
    assert rung[-1].duration_s - notes[-1].duration_s == pytest.approx(points * STEP_S)
    assert len(rung[-1].bend) == rung[-1].level.shape[1]
    fallen_db = 20.0 * np.log10(rung[-1].level[0, -1] / notes[-1].level[0, -1])
    assert fallen_db == pytest.approx(-40.0, abs=0.5)
    for before, after, following in zip(notes, rung, rung[1:], strict=False):
        assert after.duration_s >= before.duration_s
        assert after.onset + after.duration_s * RATE < following.onset + STEP_S * RATE or (
            after.duration_s == before.duration_s
        )


def test_tone_bands_meet_a_formant_that_moves_within_1_db() -> None:
    """A peak of 20 dB, an octave to either side, going from 500 Hz to 2 kHz under a vibrato."""
    age = STEP_S * np.arange(250)
    pitch = 150.0 * 2.0 ** (0.5 / 12.0 * np.sin(2 * np.pi * 5.5 * age))
    freq_hz = np.arange(1.0, 33.0)[:, None] * pitch
    peak = np.log2(500.0) + 2.0 * age / age[-1]
    lift = 20.0 * np.maximum(1.0 - np.abs(np.log2(freq_hz) - peak), 0.0)
    plain = 0.1 / np.arange(1.0, 33.0)[:, None] * np.ones(250)
    tone = tone_curves(plain * 10.0 ** (lift / 20.0), plain, freq_hz)
    places = tone_place(np.log2(freq_hz / TONE_LOW_HZ))
    drawn = [
        np.interp(place, np.arange(TONE_BANDS), t) for place, t in zip(places.T, tone, strict=True)
    ]
    off_db = 20.0 * np.log10(2.0) * np.array(drawn).T - lift
    assert np.sqrt(np.mean(off_db[:, 5:-5] ** 2)) < 1.0
    assert np.abs(tone_curves(plain, plain, freq_hz)).max() < 1e-6
    rising = np.where(np.arange(250) > 0, plain, 1e-9 * plain)  # a bow starts from rest
    burst_db = 20.0 * np.log10(2.0) * np.abs(tone_curves(plain, rising, freq_hz)).max(axis=1)
    assert burst_db[0] < 1.5
    assert burst_db[1:].max() < 0.6


def test_a_recording_of_a_bowed_scale_comes_back_as_its_notes(scale: Float) -> None:
    pytest.importorskip("torch")
    made = decompose_array(scale, RATE)
    assert len(made.score.table) == len(SCALE)
    assert made.instrument.field is not None
    assert made.report["metrics"]["sc"] < 0.3


def test_a_vowel_that_changes_within_a_note_is_heard_to_change() -> None:
    """One pitch, its third to sixth partial 18 dB louder in its second half: so is it again."""
    pytest.importorskip("torch")
    rise = np.interp(np.arange(int(1.2 * RATE)) / RATE, [0.55, 0.65], [0.0, 1.0])
    time = np.arange(len(rise)) / RATE
    fade = np.interp(time, [0.0, 0.05, 1.1, 1.2], [0.0, 1.0, 1.0, 0.0])
    vowel = np.zeros(len(rise))
    for k in range(1, 9):
        louder = 10.0 ** (18.0 / 20.0 * rise) if 3 <= k <= 6 else 1.0
        vowel += 0.06 / k * louder * np.cos(2 * np.pi * 220.0 * k * time + 0.7 * k * k) * fade
    made = decompose_array(laid([vowel, bowed(65.0, 0.6, cents=20.0)], 1.3), RATE)
    assert len(made.score.table) < 5
    sound = np.asarray(made.resynthesis)[:, 0]

    def level_db(centre_s: float) -> float:
        first = int((LEAD_S + centre_s - 0.1) * RATE)
        part = sound[first : first + int(0.2 * RATE)]
        turned = np.exp(-2j * np.pi * 880.0 * np.arange(len(part)) / RATE)
        return float(20.0 * np.log10(np.abs(np.sum(part * np.hanning(len(part)) * turned))))

    assert level_db(0.85) - level_db(0.35) == pytest.approx(18.0, abs=3.0)


def test_struck_keys_never_become_a_held_line() -> None:
    run = recording_from_array(laid([struck(p) for p in SCALE], NOTE_S), RATE)
    assert surely_held(run, Recipe().few_modes) is None
