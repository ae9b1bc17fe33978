"""A line's curves as they are listened to: like the formula, and moved until levels are right."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.decompose.drawn import even_noise
from rtsynth.decompose.held.bake import bake_line, line_of
from rtsynth.decompose.held.band_error import band_error
from rtsynth.decompose.held.breath import without_gaps
from rtsynth.decompose.held.legato import find_held_notes
from rtsynth.decompose.held.levelled import levelled, steps_towards
from rtsynth.decompose.held.line import CODE, HeldLine
from rtsynth.decompose.held.measure import measure_notes
from rtsynth.decompose.held.sounding import line_sound
from rtsynth.decompose.recording import recording_from_array
from rtsynth.decompose.sustained.blowing import band_power
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.decompose.synthesis import render_score
from rtsynth.dsp.texture import HOP, band_weights
from rtsynth.instrument import CONTROL_LIMITS, CONTROLS, NOISE_BANDS, NOISE_EDGES_HZ, FieldWeights
from rtsynth.instrument.field import TONE
from tests.decompose.bowed_line import RATE, bowed, laid

Float = NDArray[np.float64]


def breathy(seed: int) -> Float:
    """Four bowed notes, hiss 30 dB under them and swelling towards the end."""
    clean = laid([bowed(p, 0.45, cents=25.0) for p in (60, 64, 67, 65)], 0.4)
    hiss = np.random.default_rng(seed).standard_normal(len(clean))
    return clean + 0.004 * np.linspace(0.5, 1.5, len(clean)) * hiss


@pytest.fixture(scope="module")
def sound() -> Float:
    return breathy(8)


@pytest.fixture(scope="module")
def line(sound: Float) -> HeldLine:
    notes, left = measure_notes(sound, RATE, find_held_notes(sound, RATE).notes)
    return line_of(sound, left, RATE, without_gaps(notes, RATE))


def heard(line: HeldLine, length: int) -> Float:
    partials, noise = line_sound(line, RATE, length)
    return partials + noise


class Known(FieldWeights):
    """A field that has learned a line's curves to the last bit; a code is the note's number."""

    def __init__(self, line: HeldLine) -> None:
        self.line = line

    drawn = len(CONTROLS)
    attack_s = 1e-3

    def longest_damp(self) -> Float:
        return np.ones(len(self.line.amplitude))

    def draw_attack(
        self, resonance: int, vector: Float, age_s: Float, duration_s: float = np.inf
    ) -> Float:
        return np.zeros((4, len(age_s)))

    def draw_controls(
        self, resonance: int, vector: Float, age_s: Float, duration_s: float = np.inf
    ) -> Float:
        own = self.line.controls[round(float(vector[-1]))]
        out = np.zeros((4, len(age_s), len(CONTROLS)))
        out[0] = own[np.minimum(np.round(age_s / STEP_S).astype(int), len(own) - 1)]
        return out


def test_what_is_listened_to_has_the_levels_of_the_formula_within_a_decibel(
    sound: Float, line: HeldLine
) -> None:
    """With gains 26 dB apart, and a note that would ring on for longer than its modes do."""
    gain = line.gain * np.where(np.arange(len(line.gain)) % 2, 1.0, 0.05)
    last = max(i for i, note in enumerate(line.notes) if len(note.ratio))
    notes = [
        dataclasses.replace(note, release_t60_s=0.9 if i in (0, last) else note.release_t60_s)
        for i, note in enumerate(line.notes)
    ]
    line = dataclasses.replace(line, gain=gain, notes=notes)
    code = np.zeros((len(line.notes), CODE))
    code[:, -1] = np.arange(len(line.notes))
    score, instrument = bake_line(line, recording_from_array(sound, RATE), code, 32)
    instrument.mode_map[-1] = 0.0
    instrument.field = Known(line)
    for silenced, sounding in zip(
        (instrument.blow_dry, instrument.bow), line_sound(line, RATE, len(sound)), strict=True
    ):
        kept = silenced.copy()
        silenced[:] = 0.0
        made = render_score(score, instrument, RATE).mean(axis=1)
        silenced[:] = kept
        played = np.zeros(len(sound))
        played[: len(made)] = made[: len(played)]
        count = int(len(sound) / RATE / STEP_S)
        levels = (band_power(some, RATE, 0, count).sum(axis=1) for some in (played, sounding))
        true_db, found_db = (10.0 * np.log10(level + 1e-10) for level in levels)
        assert np.ptp(true_db) > 30.0
        assert np.abs(true_db - found_db).mean() < 0.7
        assert np.quantile(np.abs(true_db - found_db), 0.98) < 4.0


def test_curves_that_are_wrong_in_bands_are_levelled_to_what_right_ones_have(
    sound: Float, line: HeldLine
) -> None:
    """Noise 10 dB too loud above 2 kHz, the tone bands from 400 Hz on 6 dB too soft."""
    wrong = []
    for drawn in line.controls:
        spoiled = drawn.copy()
        spoiled[:, np.flatnonzero(NOISE_EDGES_HZ[:-1] > 2_000.0)] += 10.0 / 6.02
        spoiled[:, TONE + 4 :] -= 1.0
        wrong.append(np.clip(spoiled, CONTROL_LIMITS[:, 0], CONTROL_LIMITS[:, 1]))
    spoiled_line = dataclasses.replace(line, controls=wrong)
    before, after, right = (
        band_error(sound, heard(some, len(sound)), RATE)
        for some in (
            spoiled_line,
            levelled(spoiled_line, sound, RATE),
            levelled(line, sound, RATE),
        )
    )
    assert right < band_error(sound, heard(line, len(sound)), RATE)
    assert after < right + 0.3
    assert before > right + 2.0


def test_a_round_moves_what_makes_the_sound_and_never_by_more_than_nine_decibels() -> None:
    """0.8 of what lacks, all of it to what is alone; too much noise goes under partials, too."""
    lacks = np.array([[1.0, 1.0, 1.0, -1.0, -1.0, 40.0, -40.0]])
    share = np.array([[1.0, 0.0, 0.75, 0.75, 1.0, 1.0, 0.0]])
    tone, noise = steps_towards(lacks, share)
    assert tone[0] == pytest.approx([0.8, 0.0, 0.6, -0.6, -0.8, 1.5, 0.0])
    assert noise[0] == pytest.approx([0.0, 0.8, 0.4, -0.8, -0.8, 0.0, -1.5])


def test_what_levelling_gains_holds_for_other_noise_of_the_same_kind(line: HeldLine) -> None:
    """The recording has another hiss of the same level than the one that was levelled to."""
    first, second = breathy(8), breathy(9)
    corrected = levelled(line, first, RATE)
    gained = [
        band_error(other, heard(line, len(other)), RATE)
        - band_error(other, heard(corrected, len(other)), RATE)
        for other in (first, second)
    ]
    assert gained[0] > 0.0
    assert gained[1] > 0.25 * gained[0]


def test_levelled_curves_stay_inside_their_limits_over_silence(line: HeldLine) -> None:
    """A recording of nothing at all, with the notes of another: the curves fall and stay legal."""
    length = int(2.5 * RATE)
    hushed = levelled(line, np.zeros(length), RATE)
    for drawn in hushed.controls:
        assert np.isfinite(drawn).all()
        assert (drawn >= CONTROL_LIMITS[:, 0]).all()
        assert (drawn <= CONTROL_LIMITS[:, 1]).all()
    loud, quiet = (float(np.std(heard(some, length))) for some in (line, hushed))
    assert quiet < 0.2 * loud


def test_a_note_that_begins_in_the_last_samples_is_cut_where_the_recording_ends(
    line: HeldLine,
) -> None:
    length = line.notes[-1].onset + 100
    assert len(heard(line, length)) == length
    assert np.isfinite(heard(line, length)).all()


@pytest.mark.parametrize("band", [6, 20])
def test_even_noise_has_the_power_of_its_band_within_a_decibel(band: int) -> None:
    weights = band_weights(NOISE_EDGES_HZ, RATE).astype(float)
    level = np.zeros(NOISE_BANDS)
    level[band] = 0.01
    power = np.tile(level**2 @ weights, (RATE // HOP, 1))
    noise = even_noise(3, power, RATE - 2 * HOP)
    found = band_power(noise, RATE, 0, round(0.9 / STEP_S)).sum(axis=1)[5:-5]
    assert 10 * np.log10(found.mean() / 1e-4) == pytest.approx(0.0, abs=1.0)
