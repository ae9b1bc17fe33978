"""The counter-based noise is white, of unit variance, and readable anywhere."""

import numpy as np
import pytest

from rtsynth.dsp.noise import bits_at, fill_gaussian, fill_white, gaussian_at, uniform_at, white_at
from tests.dsp import twins

COUNT = 1 << 17


def stream(seed: int, first: int = 0, count: int = COUNT) -> np.ndarray:
    out = np.empty(count)
    fill_white(np.uint64(seed), first, out)
    return out


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**64 - 1])
def test_noise_equals_its_twin_bit_for_bit(seed: int) -> None:
    assert np.array_equal(stream(seed, -3, 200), twins.white(seed, -3, 200))
    assert white_at(np.uint64(seed), 10**12) == twins.white(seed, 10**12, 1)[0]
    assert uniform_at(np.uint64(seed), 77) == twins.uniform(seed, 77)


def test_noise_has_zero_mean_and_unit_variance() -> None:
    for seed in range(4):
        noise = stream(seed)
        assert abs(noise.mean()) < 5.0 / np.sqrt(COUNT)
        assert noise.var() == pytest.approx(1.0, abs=0.01)
        assert np.abs(noise).max() <= np.sqrt(3.0)


def test_noise_is_white() -> None:
    noise = stream(5)
    spectrum = np.abs(np.fft.rfft(noise, 2 * COUNT)) ** 2
    correlation = np.fft.irfft(spectrum)[1:COUNT] / COUNT
    assert np.abs(correlation).max() < 6.0 / np.sqrt(COUNT)
    bands = (np.abs(np.fft.rfft(noise)[1:-1]) ** 2 / COUNT)[:65_024].reshape(8, -1).mean(axis=1)
    assert np.abs(10.0 * np.log10(bands)).max() < 0.25  # dB


def test_any_position_may_be_read_in_any_order() -> None:
    whole = stream(9, 0, 4096)
    for first in np.random.default_rng(0).permutation(4000)[:50]:
        assert np.array_equal(stream(9, int(first), 96), whole[first : first + 96])


def test_noise_begins_at_position_zero() -> None:
    start = stream(9, -16, 32)
    assert not start[:16].any()
    assert np.array_equal(start[16:], stream(9, 0, 16))


def test_different_seeds_are_uncorrelated() -> None:
    # neighbours, high bits, and seeds one golden ratio apart, which a naive counter would shift
    seeds = [0, 1, 2, 1 << 31, (1 << 32) - 1, twins.GOLDEN, 2 * twins.GOLDEN & twins.WORD]
    spectra = [np.fft.rfft(stream(seed), 2 * COUNT) for seed in seeds]
    for i, one in enumerate(spectra):
        for other in spectra[:i]:
            correlation = np.fft.irfft(one * other.conj()) / COUNT
            assert np.abs(correlation).max() < 6.5 / np.sqrt(COUNT)


def test_one_bit_of_the_position_changes_half_the_bits() -> None:
    changed = [
        (int(bits_at(np.uint64(3), n)) ^ int(bits_at(np.uint64(3), n ^ (1 << k)))).bit_count()
        for n in range(64)
        for k in range(32)
    ]
    assert np.mean(changed) == pytest.approx(32.0, abs=0.5)


def test_gaussian_numbers_are_normal_and_equal_their_twin() -> None:
    pair = np.empty(2)
    numbers = np.empty((20_000, 2))
    for n in range(len(numbers)):
        gaussian_at(np.uint64(4), n, pair)
        numbers[n] = pair
    one, other = np.empty((2, len(numbers)))
    fill_gaussian(np.uint64(4), 0, one, other)
    assert np.abs(one - numbers[:, 0]).max() < 1e-12
    assert np.abs(other - numbers[:, 1]).max() < 1e-12
    for n in range(100):
        assert numbers[n] == pytest.approx(twins.gaussian(4, n), abs=1e-12)
    assert abs(numbers.mean()) < 0.02
    assert numbers.var() == pytest.approx(1.0, abs=0.03)
    assert (numbers**4).mean() == pytest.approx(3.0, abs=0.15)  # kurtosis of a normal number
    assert abs(np.mean(numbers[:, 0] * numbers[:, 1])) < 0.03
