"""Conversions at the points everybody knows, and back."""

import math

import numpy as np
import pytest

from rtsynth import units


def test_decibels_at_known_levels() -> None:
    assert units.db_to_gain(0.0) == 1.0
    assert units.db_to_gain(-60.0) == pytest.approx(1e-3)
    assert units.db_to_gain(-math.inf) == 0.0
    assert units.gain_to_db(0.0) == -math.inf
    assert units.gain_to_db(10.0) == pytest.approx(20.0)
    for db in (-96.0, -1.0, 12.0):
        assert units.gain_to_db(units.db_to_gain(db)) == pytest.approx(db)


def test_intervals_and_notes() -> None:
    assert units.semitones_to_ratio(12.0) == 2.0
    assert units.cents_to_ratio(-1200.0) == 0.5
    assert units.cents_to_ratio(100.0) == pytest.approx(units.semitones_to_ratio(1.0))
    assert units.midi_to_hz(69.0) == 440.0
    assert units.midi_to_hz(60.0) == pytest.approx(261.6256, abs=1e-4)  # middle C


def test_frames_are_the_nearest_and_halves_go_up() -> None:
    assert units.seconds_to_frames(1.0, 48_000) == 48_000
    assert units.seconds_to_frames(0.5 / 48_000, 48_000) == 1
    assert units.seconds_to_frames(-0.5 / 48_000, 48_000) == 0
    for frame in (0, 1, 44_099, 172_800_000):
        assert units.seconds_to_frames(units.frames_to_seconds(frame, 44_100), 44_100) == frame


def test_a_pole_falls_60_db_in_its_t60_and_turns_at_its_frequency() -> None:
    pole = units.t60_to_pole([100.0, 1000.0], [0.5, 2.0], 48_000.0)
    frames = np.array([0.5, 2.0]) * 48_000
    assert 20.0 * np.log10(np.abs(pole) ** frames) == pytest.approx([-60.0, -60.0])
    assert np.angle(pole) * 48_000 / (2.0 * np.pi) == pytest.approx([100.0, 1000.0])


def test_ntp_time_goes_there_and_back_within_a_microsecond() -> None:
    assert units.seconds_to_ntp(0.0) == 2_208_988_800 << 32
    assert units.ntp_to_seconds(units.seconds_to_ntp(0.0)) == 0.0
    for seconds in (0.5, 1.7e9 + 0.123456, 1.7e9 + 0.9999999999, -3.25):
        assert units.ntp_to_seconds(units.seconds_to_ntp(seconds)) == pytest.approx(
            seconds, abs=1e-6, rel=0.0
        )
