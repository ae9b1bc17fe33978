"""Poles move to those of the sound, and stay legal."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rtsynth.dsp.pole import move_poles, pole_scratch

SAMPLES = 400
TRUE: NDArray[np.complex128] = np.array([-0.010 + 0.050j, -0.003 + 0.080j, -0.020 - 0.300j])
AMPLITUDE: NDArray[np.complex128] = np.array([1.0 + 0.2j, 0.3j, -0.5 + 0.1j])


def band(
    poles: NDArray[np.complex128], seed: int = 0, level: float = 1e-4
) -> NDArray[np.complex128]:
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(SAMPLES) + 1j * rng.standard_normal(SAMPLES)
    age = np.arange(SAMPLES)
    made: NDArray[np.complex128] = np.exp(np.outer(age, poles)) @ AMPLITUDE[: len(poles)]
    return made + level * noise


def moved(
    start: NDArray[np.complex128], wanted: NDArray[np.complex128], decays: tuple[float, float]
) -> tuple[NDArray[np.complex128], float]:
    poles = start.copy()
    weight = 1.0 / np.sqrt(np.abs(wanted) + 0.01)
    scratch = pole_scratch(len(poles), SAMPLES)
    return poles, move_poles(poles, wanted * weight, weight, *decays, *scratch)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_poles_5_percent_off_find_those_of_the_sound(count: int) -> None:
    true = TRUE[:count]
    off = 0.05 * np.random.default_rng(count).standard_normal(count)
    start = np.asarray(true * (1.0 + off), complex)
    poles, _ = moved(start, band(true), (1e-5, 0.2))
    assert np.abs(poles - true).max() < 1e-5  # per sample; the noise is 80 dB down


def test_the_misfit_is_that_of_the_least_squares_amplitudes() -> None:
    wanted = band(TRUE, level=0.01)
    weight = 1.0 / np.sqrt(np.abs(wanted) + 0.01)
    poles, misfit = moved(np.asarray(TRUE * 1.02, complex), wanted, (1e-5, 0.2))
    design = np.exp(np.outer(np.arange(SAMPLES), poles)) * weight[:, None]
    amplitude = np.linalg.lstsq(design, wanted * weight, rcond=None)[0]
    expected = np.sum(np.abs(wanted * weight - design @ amplitude) ** 2)
    assert misfit == pytest.approx(expected, rel=1e-6)


def test_decays_stay_within_their_bounds() -> None:
    poles, _ = moved(np.array([-0.006 + 0.05j], complex), band(TRUE[:1]), (0.002, 0.007))
    assert -0.007 <= poles[0].real <= -0.002


def test_silence_moves_nothing_to_nan() -> None:
    poles, misfit = moved(TRUE.copy(), np.zeros(SAMPLES, complex), (1e-5, 0.2))
    assert np.isfinite(poles).all()
    assert misfit == 0.0
