"""A tick in vector registers is the textbook's recursion in float64, to float32's rounding."""

import platform
import re

import llvmlite.binding
import numba
import numpy as np
import pytest

from rtsynth.dsp.arithmetic import Pair
from rtsynth.dsp.modal import (
    bow_modes,
    drive_tick,
    glide_modes,
    lift_bow,
    ring_modes,
)
from rtsynth.dsp.registers import G0, G1, ROWS, TICK, A, N, P, Q, U, Z

RATE = 48_000.0
FEATURES = llvmlite.binding.get_host_cpu_features()


def modes_of(freq_hz: np.ndarray, seed: int = 0) -> np.ndarray:
    """[ROWS, M] random states and gains of modes at these frequencies, T60 0.05 … 5 s."""
    rng = np.random.default_rng(seed)
    count = len(freq_hz)
    modes = np.zeros((ROWS, -(-count // 16) * 16))
    t60 = np.exp(rng.uniform(np.log(0.05), np.log(5.0), count))
    put(modes, P, np.exp((-np.log(1000.0) / t60 + 2j * np.pi * freq_hz) / RATE))
    pole = get(modes, P, count)
    put(modes, Q, pole**TICK)
    put(modes, N, pole / np.abs(pole))
    for rows in (Z, A):
        put(modes, rows, rng.normal(size=count) + 1j * rng.normal(size=count))
    put(modes, U, np.exp(2j * np.pi * rng.random(count)))
    modes[G0, :count], modes[G1, :count] = rng.uniform(0.0, 1.0, (2, count))
    return modes


def put(modes: np.ndarray, rows: Pair, values: np.ndarray) -> None:
    modes[rows[0], : len(values)], modes[rows[1], : len(values)] = values.real, values.imag


def get(modes: np.ndarray, rows: Pair, count: int) -> np.ndarray:
    found: np.ndarray = modes[rows[0], :count] + 1j * modes[rows[1], :count]
    return found


FREQ_HZ = {
    "1 … 20 Hz": np.linspace(1.0, 20.0, 21),
    "over the whole band": np.geomspace(20.0, 0.45 * RATE, 77),
    "next to the highest": np.linspace(0.44 * RATE, 0.489 * RATE, 16),
}
FRAMES = np.arange(1, TICK + 1)[:, None]


@pytest.mark.parametrize("freq_hz", FREQ_HZ.values(), ids=FREQ_HZ)
@pytest.mark.parametrize("gliding", [False, True])
def test_ringing_is_within_1e_6_of_the_sum_of_all_amplitudes(
    freq_hz: np.ndarray, gliding: bool
) -> None:
    modes, out, count = modes_of(freq_hz), np.zeros(TICK, np.float32), len(freq_hz)
    z, p = get(modes, Z, count), get(modes, P, count)
    gain = modes[G0, :count] + (modes[G1] - modes[G0])[:count] * FRAMES / TICK * gliding
    expected = (gain * (z * p**FRAMES).real).sum(axis=1)
    level = (glide_modes if gliding else ring_modes)(modes, count, out)
    assert np.abs(out - expected).max() < 1e-6 * np.abs(z).sum()
    assert get(modes, Z, count) == pytest.approx(z * p**TICK, abs=1e-12)
    after = np.abs((z * p**TICK).real) + np.abs((z * p**TICK).imag)
    assert level == pytest.approx((gain[-1] * after).sum(), rel=1e-9)


@pytest.mark.parametrize("freq_hz", FREQ_HZ.values(), ids=FREQ_HZ)
def test_driving_is_within_1e_6_of_all_that_drives(freq_hz: np.ndarray) -> None:
    modes, out, count = modes_of(freq_hz), np.zeros(TICK, np.float32), len(freq_hz)
    drive = np.random.default_rng(3).normal(size=TICK)
    z, p, a = (get(modes, rows, count) for rows in (Z, P, A))
    gain = modes[G0, :count] + (modes[G1] - modes[G0])[:count] * FRAMES / TICK
    largest = np.abs(z).sum() + np.abs(a).sum() * np.abs(drive).sum()
    expected = np.zeros(TICK)
    for n in range(TICK):
        z = z * p + a * drive[n]
        expected[n] = (gain[n] * z.real).sum()
    drive_tick(modes, count, drive, out)
    assert np.abs(out - expected).max() < 1e-6 * largest
    assert np.abs(get(modes, Z, count) - z).sum() < 1e-6 * largest
    assert np.array_equal(modes[G0], modes[G1])


@pytest.mark.parametrize("freq_hz", FREQ_HZ.values(), ids=FREQ_HZ)
def test_a_bowed_tick_is_the_same_whole_or_in_two_parts(freq_hz: np.ndarray) -> None:
    whole, parts = modes_of(freq_hz), modes_of(freq_hz)
    count, work = len(freq_hz), np.zeros((6, whole.shape[1]), np.float32)
    for modes in (whole, parts):
        modes[G1] = modes[G0]  # a glide would take its whole way in each part
    heard, pieces = np.zeros(TICK, np.float32), np.zeros(TICK, np.float32)
    bow_modes(whole, count, 0.3, 0, TICK, work, heard)
    lift_bow(whole, count)
    share = np.abs(get(parts, A, count)).sum()
    bow_modes(parts, count, 0.3, 0, 11, work, pieces)
    for rows in (Z,):  # what rings beside the bow is not advanced here
        kept = get(parts, rows, count)
    lift_bow(parts, count)
    put(parts, Z, kept)
    bow_modes(parts, count, 0.3, 11, TICK, work, pieces)
    assert np.abs(heard - pieces).max() < 1e-6 * share
    assert get(whole, U, count) == pytest.approx(get(parts, U, count), abs=1e-12)


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not FEATURES.get("fma"), reason="names x86's instructions"
)
def test_the_hot_loop_multiplies_and_adds_whole_vectors() -> None:
    compiled = numba.njit(
        "float64(float64[:,::1], int64, float32[::1])", error_model="numpy", _nrt=False
    )(ring_modes.py_func)
    (code,) = compiled.inspect_asm().values()
    whole = re.findall(r"\tvfn?m(?:add|sub)\d+ps\t.*%[yz]mm", code)
    single = re.findall(r"\tvfn?m(?:add|sub)\d+ss\t", code)
    assert len(whole) > TICK
    assert not single
