"""Bits per event: as many as there are ways to write it, and fewer with a codebook."""

import math

import numpy as np
import pytest

from rtsynth.metrics import event_bits, onset_bits, vector_bits


@pytest.mark.parametrize(("points", "events"), [(10, 3), (1000, 12), (5, 5), (7, 1), (60_000, 720)])
def test_onsets_cost_the_logarithm_of_their_ways(points: int, events: int) -> None:
    ways = math.comb(points, events)
    assert onset_bits(points, events) == pytest.approx(math.log2(ways), rel=1e-9, abs=1e-9)


def test_more_events_than_points_are_a_multiset() -> None:
    assert onset_bits(3, 5) == pytest.approx(math.log2(math.comb(7, 5)))
    assert onset_bits(0, 5) == onset_bits(5, 0) == 0.0


def test_a_coordinate_costs_its_range_in_steps() -> None:
    vectors = np.array([[0.0, 5.0, -1.0], [3.0, 5.0, 0.0], [1.0, 5.0, 0.4]])
    assert vector_bits(vectors, 1.0) == pytest.approx(math.log2(4) + 0.0 + math.log2(2))
    assert vector_bits(vectors, 0.1) == pytest.approx(math.log2(31) + math.log2(15))
    assert vector_bits(np.zeros((0, 3))) == 0.0


def test_a_code_is_cheaper_than_32_coordinates() -> None:
    vectors = np.random.default_rng(0).normal(0.0, 6.0, (720, 32))
    bits = event_bits(60.0, 128, vectors)
    assert bits is not None
    assert bits.resonance == 7.0
    assert bits.code == 8.0
    assert bits.gain == 6.0
    assert bits.onset == pytest.approx(math.log2(math.comb(60_000, 720)) / 720)
    assert bits.continuous - bits.vector == pytest.approx(bits.snapped - bits.code)
    assert bits.snapped < 30.0 < 150.0 < bits.continuous < 320.0


def test_a_finer_step_costs_a_bit_per_halving_and_coordinate() -> None:
    vectors = np.random.default_rng(1).uniform(-20.0, 20.0, (500, 8))
    assert vector_bits(vectors, 0.25) - vector_bits(vectors, 0.5) == pytest.approx(8.0, abs=0.2)


def test_no_events_have_no_bits_per_event() -> None:
    assert event_bits(10.0, 16, np.zeros((0, 32))) is None
