"""Onsets are found where things start, to within milliseconds, and nowhere else."""

import numpy as np
import pytest

from rtsynth.decompose.onset import find_onsets, onset_strength
from rtsynth.metrics import onset_scores
from tests.decompose.known_bank import RATE, melody

KNOWN = melody([60, 64, 67, 72, 60, 55], [1.0, 0.5, 1.0, 0.6, 0.3, 1.0])


@pytest.mark.parametrize("gain", [0.01, 1.0, 50.0])
def test_struck_keys_are_found_within_2_ms_at_any_level(gain: float) -> None:
    found = find_onsets(gain * KNOWN.sound, RATE) / RATE
    scores = onset_scores(KNOWN.onsets_s, found, 0.002)
    assert scores.f1 == 1.0


def test_a_steady_tone_has_no_onset_after_its_start() -> None:
    tone = np.sin(2 * np.pi * 440.0 * np.arange(2 * RATE) / RATE)
    assert len(find_onsets(tone, RATE)) <= 1


def test_silence_has_none() -> None:
    assert len(find_onsets(np.zeros(RATE), RATE)) == 0
    assert len(find_onsets(np.zeros(3), RATE)) == 0


@pytest.mark.parametrize("first", [0, 130])
def test_a_sound_from_the_first_sample_on_has_an_onset(first: int) -> None:
    rate = 44_100
    time_s = np.arange(rate) / rate
    sound = np.zeros(rate + first)
    sound[first:] = 0.4 * np.sin(2 * np.pi * 440.0 * time_s) * np.exp(-3.0 * time_s)
    (onset,) = find_onsets(sound, rate)
    assert abs(int(onset) - first) <= 2  # samples; a sine begins at 0


@pytest.mark.parametrize(("hz", "heard"), [(5_000.0, True), (19_000.0, False)])
def test_what_begins_above_17_khz_is_no_rise(hz: float, heard: bool) -> None:
    time = np.arange(44_100) / 44_100
    tone = 0.1 * np.sin(2 * np.pi * 300.0 * time)
    burst = 0.3 * np.sin(2 * np.pi * hz * time) * np.clip((time - 0.5) / 0.02, 0.0, 1.0)
    strength = onset_strength(tone + burst, 44_100)[round(0.3 / 0.003) : round(0.7 / 0.003)]
    assert bool(strength.max() > 2e-3) == heard  # nepers
