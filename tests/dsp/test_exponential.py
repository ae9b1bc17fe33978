"""Sums of damped exponentials in blocks, and inner products with them, against the formula."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.exponential import (
    BLOCK,
    exponential_energies,
    exponential_products,
    exponential_sum,
    exponential_tables,
)

COUNT = 12
S = np.array([-1e-4 + 0.03j, -2e-3 + 0.31j, -5e-5 + 1.7j])
BLOCKS = np.array([COUNT, 3, COUNT], np.int64)
CENTRES = np.array([900.0, 250.0, 1500.0])
LEVELS = np.array([0.4 - 0.1j, 0.2j, 0.05])
SLOPES = np.array([1e-4, -2e-4 + 1e-4j, 5e-5j])


def functions() -> NDArray[np.complex128]:
    """[modes, samples] each mode's exponential until it is over."""
    n = np.arange(COUNT * BLOCK)
    found: NDArray[np.complex128] = np.exp(np.multiply.outer(S, n)) * (n < BLOCKS[:, None] * BLOCK)
    return found


def test_the_sum_is_that_of_the_formula_to_100_db() -> None:
    sound = np.empty(COUNT * BLOCK, np.float32)
    exponential_sum(
        exponential_tables(S), np.exp(S * BLOCK), BLOCKS, CENTRES, LEVELS, SLOPES, sound
    )
    n = np.arange(COUNT * BLOCK)
    steps = LEVELS[:, None] + SLOPES[:, None] * (n - CENTRES[:, None])
    expected = np.sum((steps * functions()).real, axis=0)
    assert np.sum((sound - expected) ** 2) < 1e-10 * np.sum(expected**2)


def test_products_are_the_sums_transpose() -> None:
    signal = np.random.default_rng(3).standard_normal(COUNT * BLOCK).astype(np.float32)
    levels, slopes = np.empty((2, 3), complex)
    exponential_products(
        exponential_tables(S), np.exp(S * BLOCK), BLOCKS, CENTRES, signal, levels, slopes
    )
    n = np.arange(COUNT * BLOCK)
    back = functions().conj()
    np.testing.assert_allclose(levels, back @ signal, rtol=1e-4, atol=1e-3)
    expected = np.sum(back * (n - CENTRES[:, None]) * signal, axis=1)
    np.testing.assert_allclose(slopes, expected, rtol=1e-4, atol=0.1)


def test_energy_and_its_centre_and_spread_are_those_of_the_samples_to_2_percent() -> None:
    counted, moments = np.linspace(1.0, 2.0, COUNT), np.zeros((3, 3))
    exponential_energies(S, BLOCKS, counted, moments)
    n = np.arange(COUNT * BLOCK)
    energy = 0.5 * np.abs(functions()) ** 2 * np.repeat(counted, BLOCK)
    expected = np.array([energy.sum(axis=1), energy @ n, energy @ n**2.0])
    np.testing.assert_allclose(moments, expected, rtol=0.02)


def test_a_mode_that_does_not_decay_counts_half_its_samples() -> None:
    moments = np.zeros((3, 1))
    exponential_energies(np.array([0.2j]), np.array([4]), np.ones(4), moments)
    assert moments[0, 0] == 2 * BLOCK  # cos² is ½ in the mean
