"""A field that has learned several notes at once draws each note's own curves."""

import numpy as np
import pytest

from rtsynth.instrument import CONTROLS, NOISE_BANDS
from rtsynth.instrument.field import BEND, BOW
from rtsynth.nn.regress_line import draw_line_curves

STEP_S = 0.004
LENGTHS = (150, 40, 90)
DURATIONS_S = np.array(LENGTHS) * STEP_S
RESONANCE = np.array([0, 1, 0])


def curves() -> list[np.ndarray]:
    """Bow, bend and noise, of another size, sign and speed in each note."""
    made = []
    for note, length in enumerate(LENGTHS):
        age_s = STEP_S * np.arange(length)
        drawn = np.zeros((length, len(CONTROLS)))
        drawn[:, BOW] = note - 1.0
        drawn[:, BEND] = 0.3 * (note + 1) * np.sin(2 * np.pi * (4.0 + note) * age_s)
        drawn[:, :NOISE_BANDS] = np.linspace(-2.0, 2.0, NOISE_BANDS) * (1.0 - note)
        made.append(drawn)
    return made


def test_each_note_is_drawn_as_it_was_within_a_step() -> None:
    """Bow 0.1 of an octave, bend 6 cents, noise 0.3 of an octave; RMS over the note."""
    wanted = curves()
    field, codes = draw_line_curves(
        wanted, [np.ones(n) for n in LENGTHS], STEP_S, DURATIONS_S, RESONANCE,
        np.zeros((3, 24)), 8, steps=400, frequencies=16, hidden=32, seed=2,
    )  # fmt: skip
    for note, own in enumerate(wanted):
        vector = np.concatenate([np.zeros(24), codes[note]])
        age_s = STEP_S * np.arange(len(own))
        drawn = field.draw_controls(int(RESONANCE[note]), vector, age_s, DURATIONS_S[note]).sum(0)
        off = np.sqrt(np.mean((drawn - own) ** 2, axis=0))
        assert off[BOW] < 0.1
        assert off[BEND] < 0.06
        assert off[:NOISE_BANDS].max() < 0.3


def test_the_same_seed_learns_the_same_field() -> None:
    arguments = (
        curves(), [np.ones(n) for n in LENGTHS], STEP_S, DURATIONS_S, RESONANCE,
        np.zeros((3, 24)), 8,
    )  # fmt: skip
    (one, code), (other, again) = (
        draw_line_curves(*arguments, steps=20, frequencies=4, hidden=8, seed=3) for _ in range(2)
    )
    assert np.array_equal(code, again)
    for name, array in one.arrays().items():
        assert np.array_equal(array, other.arrays()[name]), name


def test_a_note_of_one_point_is_learned_beside_others() -> None:
    field, codes = draw_line_curves(
        [np.full((1, len(CONTROLS)), 1.0), np.full((50, len(CONTROLS)), -1.0)],
        [np.ones(1), np.ones(50)], STEP_S, np.array([STEP_S, 0.2]), np.array([0, 1]),
        np.zeros((2, 24)), 8, steps=300, frequencies=4, hidden=16, seed=1,
    )  # fmt: skip
    vector = np.concatenate([np.zeros(24), codes[0]])
    drawn = field.draw_controls(0, vector, np.zeros(1), STEP_S).sum(0)[0]
    assert drawn == pytest.approx(np.ones(len(CONTROLS)), abs=0.5)
