"""A resonance known from before stays where it sounds right, and is learned anew elsewhere."""

import dataclasses

import numpy as np
import pytest
from scipy.signal import lfilter

from rtsynth.decompose import Recipe, decompose_array
from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.fit import Fit
from rtsynth.decompose.thaw import explained_share, thaw
from tests.decompose.known_bank import RATE, melody

FREQ = 220.0 * (1.0 + np.arange(5.0))
MODES = Modes(FREQ, np.full(5, 1.0), np.ones(5, np.complex128))
STRIKES = [Strike(2_000, 0, 1.0), Strike(15_000, 0, 0.5)]


def fitted(known: Modes) -> Fit:
    """After a sweep in which `known` stays as it is, on strikes of `MODES`."""
    played = Draft(RATE, 2 * RATE, STRIKES, [Resonance(MODES)])
    strikes = [dataclasses.replace(strike) for strike in STRIKES]
    draft = Draft(RATE, 2 * RATE, strikes, [Resonance(known)])
    fit = Fit(played.model(), draft, frozen=frozenset({0}))
    fit.sweep(0)
    return fit


def test_what_sounds_right_stays_as_it_is() -> None:
    fit = fitted(MODES)
    assert explained_share(fit, 0) > 0.999
    assert thaw(fit) == []
    assert fit.frozen == frozenset({0})


def test_the_same_pitch_with_other_levels_and_phases_is_learned_anew() -> None:
    turned = MODES.amplitude * np.array([0.1, 1j, -1.0, 0.5, -1j])
    fit = fitted(dataclasses.replace(MODES, amplitude=turned))
    assert explained_share(fit, 0) < 0.5
    assert thaw(fit) == [0]
    assert fit.frozen == frozenset()


def test_another_instrument_on_the_same_keys_is_learned_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = [60, 64, 67, 72, 60, 64, 67, 72, 64, 60]
    one = melody(keys, [1.0, 0.8, 0.9, 0.7, 0.8] * 2, step_s=0.5).sound
    comb = np.zeros(60)
    comb[[0, 23, 59]] = 1.0, -0.9, 0.7  # other levels and phases
    other = lfilter(comb, [1.0], one)
    pause = np.zeros(round(2.5 * RATE))  # longer than a segment looks ahead
    joined = np.concatenate([one, pause, other])
    recipe = Recipe(modes=12, sweeps=3, whole_s=1.0, segment_s=6.0, only_texture=False, held=False)
    banks, lost_db = [], []
    for thawing in (True, False):
        if not thawing:
            monkeypatch.setattr("rtsynth.decompose.steps.fit_step.thaw", lambda fit: [])
        made = decompose_array(joined, RATE, recipe=recipe)
        left = (made.recording.frames - made.resynthesis)[-len(other) :, 0]
        lost_db.append(float(10 * np.log10(np.sum(left**2) / np.sum(other**2))))
        banks.append(made.instrument.resonances)
    assert banks[0] > banks[1]
    assert lost_db[0] < -12.0  # dB
    assert lost_db[0] < lost_db[1] - 3.0  # dB
