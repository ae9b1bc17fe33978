"""Hiss of some resonances among others."""

import numpy as np

from rtsynth.decompose.damped import Modes
from rtsynth.decompose.draft import Draft, Resonance, Strike
from rtsynth.decompose.drums.hiss import add_hiss

RATE = 44_100


def test_only_the_chosen_resonance_hisses_and_as_long_as_what_was_left() -> None:
    age = np.arange(RATE) / RATE
    left = 0.1 * np.random.default_rng(2).normal(size=RATE) * 10.0 ** (-3.0 * age / 0.4)
    draft = Draft(RATE, RATE, [Strike(0, 0, 1.0), Strike(0, 1, 1.0)], [])
    draft.resonances = [Resonance(Modes.none()), Resonance(Modes.none())]
    add_hiss(draft, left, [1])
    assert not draft.resonances[0].hiss_gain.any()
    seen = draft.resonances[1]
    assert seen.hiss_gain.any()
    loud = seen.hiss_gain > 0.3 * seen.hiss_gain.max()
    assert 0.25 < float(np.median(seen.hiss_t60_s[loud])) < 0.6  # seconds
