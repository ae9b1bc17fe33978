"""Distances between sounds: exact where a closed form exists, defined where nothing is."""

import json
import math

import numpy as np
import pytest

from rtsynth.metrics import compare, multi_resolution, relative_l1, si_sdr, snr

RATE = 16_000
NOISE = np.random.default_rng(0).normal(0.0, 0.1, RATE)


def test_equal_sounds_are_at_distance_zero() -> None:
    assert multi_resolution(NOISE, NOISE) == (0.0, 0.0)
    assert relative_l1(NOISE, NOISE) == 0.0


def test_half_the_level_is_half_the_convergence_and_log_two() -> None:
    convergence, log_mag = multi_resolution(10.0 * NOISE, 5.0 * NOISE)
    assert convergence == pytest.approx(0.5, abs=1e-9)
    assert log_mag == pytest.approx(math.log(2.0), abs=0.04)  # nepers; the floor takes a little


def test_silence_as_estimate_has_convergence_one() -> None:
    assert multi_resolution(NOISE, np.zeros(RATE))[0] == pytest.approx(1.0)
    assert relative_l1(NOISE, np.zeros(RATE)) == pytest.approx(1.0)


def test_snr_of_a_tenth_error_is_20_db() -> None:
    assert snr(NOISE, 0.9 * NOISE) == pytest.approx(20.0, abs=1e-9)


def test_si_sdr_ignores_scale() -> None:
    other = NOISE + np.random.default_rng(1).normal(0.0, 0.01, RATE)
    assert si_sdr(NOISE, other) == pytest.approx(si_sdr(NOISE, 7.0 * other) or 0.0)


@pytest.mark.parametrize(
    ("reference", "estimate"),
    [(np.zeros(500), np.zeros(500)), (np.zeros(0), np.zeros(0)), (np.zeros(9), np.ones(9))],
)
def test_undefined_values_are_none_and_legal_json(
    reference: np.ndarray, estimate: np.ndarray
) -> None:
    values = compare(reference, estimate, RATE)
    assert values["snr_db"] is None
    json.dumps(values, allow_nan=False)


def test_the_shorter_sound_counts_and_channels_are_averaged() -> None:
    stereo = np.stack([NOISE, NOISE], axis=1)
    values = compare(stereo, NOISE[:-100], RATE)
    assert values["sc"] == pytest.approx(0.0, abs=1e-9)
