"""The transform that makes a grain is NumPy's, to float32's rounding."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtsynth.dsp.fft import BINS, GRAIN, fft_tables, forward_fft, inverse_fft


def transformed(spectrum: np.ndarray) -> np.ndarray:
    """[GRAIN] by our transform; spectrum [BINS] complex, bin 0 of it left out."""
    data = np.full((3, GRAIN), 7.0, np.float32)  # what scratch holds is of no account
    data[0] = np.concatenate([spectrum.real, spectrum.imag])
    data[0, [0, BINS]] = 0.0
    inverse_fft(fft_tables(), data)
    found: np.ndarray = data[0]
    return found


def by_numpy(spectrum: np.ndarray) -> np.ndarray:
    """[GRAIN] float64, bin 0 and the Nyquist frequency silent."""
    whole = np.zeros(BINS + 1, complex)
    whole[1:BINS] = spectrum[1:]
    found: np.ndarray = np.fft.irfft(whole, GRAIN) * GRAIN
    return found


def test_the_inverse_transform_is_numpys_within_3e_7_of_the_rms() -> None:
    rng = np.random.default_rng(0)
    spectrum = rng.normal(size=BINS) + 1j * rng.normal(size=BINS)
    expected = by_numpy(spectrum)
    error = transformed(spectrum) - expected
    assert np.sqrt((error**2).mean()) < 3e-7 * np.sqrt((expected**2).mean())
    assert np.abs(error).max() < 1e-6 * np.abs(expected).max()


def test_the_forward_transform_is_numpys_within_3e_7_of_the_rms() -> None:
    samples = np.random.default_rng(1).normal(size=GRAIN)
    expected = np.fft.rfft(samples.astype(np.float32))[:BINS]
    expected[0] = 0.0
    data = np.full((3, GRAIN), 7.0, np.float32)
    data[0] = samples
    forward_fft(fft_tables(), data)
    found = data[0, :BINS] + 1j * data[0, BINS:]
    assert np.sqrt((np.abs(found - expected) ** 2).mean()) < 3e-7 * np.sqrt(
        (np.abs(expected) ** 2).mean()
    )


@pytest.mark.parametrize("bin_", [1, 2, 15, 16, 31, 32, 33, 255, 256, 257, 511])
def test_one_bin_is_one_wave(bin_: int) -> None:
    spectrum = np.zeros(BINS, complex)
    spectrum[bin_] = 0.5 - 0.25j
    assert np.abs(transformed(spectrum) - by_numpy(spectrum)).max() < 1e-6


def test_silence_stays_silence() -> None:
    assert not transformed(np.zeros(BINS, complex)).any()


NARROWER = """
import llvmlite.binding as binding
found = binding.get_host_cpu_features()
found.update({name: False for name in found if name.startswith("avx512")})
binding.get_host_cpu_features = lambda: found
import sys
import numpy as np
from rtsynth.dsp.arithmetic import LANES
from rtsynth.dsp.fft import fft_tables, inverse_fft
assert LANES == 8
data = np.load(sys.argv[1])
inverse_fft(fft_tables(), data)
np.save(sys.argv[1], data)
"""


def test_a_processor_with_shorter_registers_makes_the_same_of_it(tmp_path: Path) -> None:
    data = np.zeros((3, GRAIN), np.float32)
    data[0] = np.random.default_rng(1).normal(size=GRAIN)
    data[0, [0, BINS]] = 0.0
    np.save(tmp_path / "data.npy", data)
    inverse_fft(fft_tables(), data)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, "-c", NARROWER, str(tmp_path / "data.npy")]
    subprocess.run(words, env=environment, check=True, timeout=120)
    found = np.load(tmp_path / "data.npy")
    assert np.abs(found[0] - data[0]).max() < 1e-6 * np.abs(data[0]).max()
