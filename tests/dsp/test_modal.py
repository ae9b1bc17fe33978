"""Modes ring as physics says, at any age, however they are advanced."""

import numpy as np
import pytest

from rtsynth.dsp import bend as modal_bend
from rtsynth.dsp import registers
from rtsynth.dsp.bend import CONTROLS, bend_modes
from rtsynth.dsp.modal import (
    MODE_ALIGN,
    ROWS,
    TICK,
    coast_modes,
    drive_modes,
    open_modes,
    ring_modes,
)
from tests.contract import verify_contract
from tests.dsp import twins

RATE = 48_000.0


class Bank:
    """The modal kernels with their memory: an impulse, a drive, a bend, then free ringing."""

    channels = 1

    def __init__(self, seed: int = 1, count: int = 21, freq_hz: np.ndarray | None = None) -> None:
        rng = np.random.default_rng(seed)
        freq = np.sort(rng.uniform(40.0, 9_000.0, count)) if freq_hz is None else freq_hz
        self.count = len(freq)
        padded = -(-self.count // MODE_ALIGN) * MODE_ALIGN
        self.bank = np.zeros((5, padded), np.float32)
        self.bank[0, : self.count] = freq
        self.bank[1, : self.count] = rng.uniform(0.05, 2.0, self.count)
        self.bank[2:4, : self.count] = rng.normal(0.0, RATE / self.count, (2, self.count))
        self.work = np.zeros((6, padded), np.float32)
        self.out = np.zeros(TICK, np.float32)
        self.vector = np.zeros(padded, np.float32)
        self.controls = np.zeros(CONTROLS)
        self.controls[[modal_bend.DAMP, modal_bend.STRETCH]] = 1.0
        self.bank[4, : self.count] = np.log2(
            self.bank[0, : self.count] / self.bank[0, : self.count].min()
        )
        self.modes = np.zeros((ROWS, padded))
        self.reset()

    def reset(self) -> None:
        self.controls[modal_bend.TRANSPOSE] = 0.0
        self.modes[:] = 0.0
        self.bend()
        self.modes[registers.G0] = self.modes[registers.G1]
        self.tick, self.left = 0, 0

    def bend(self, seed: int = 7) -> None:
        bend_modes(
            self.bank, self.count, self.controls, self.vector, np.uint64(seed), RATE, self.modes
        )

    def drive(self, drive: np.ndarray, first: int = 0, last: int = TICK) -> np.ndarray:
        drive_modes(self.modes, self.count, drive, first, last, self.out)
        return self.out.copy()

    def ring(self) -> np.ndarray:
        ring_modes(self.modes, self.count, self.out)
        return self.out.copy()

    def process(self, out: np.ndarray) -> None:
        done = 0
        while done < len(out):
            if self.left == 0:
                self._next_tick()
                self.left = TICK
            n = min(self.left, len(out) - done)
            out[done : done + n, 0] = self.out[TICK - self.left : TICK - self.left + n]
            self.left -= n
            done += n

    def _next_tick(self) -> None:
        if self.tick % 50 == 25:
            self.controls[modal_bend.TRANSPOSE] = 0.01 * (self.tick % 400)
            self.bend()
        if self.tick % 50 < 26:
            drive = SILENCE if self.tick else IMPULSE
            drive_modes(self.modes, self.count, drive, 0, TICK, self.out)
        else:
            ring_modes(self.modes, self.count, self.out)
        self.tick += 1

    @property
    def z(self) -> np.ndarray:
        z: np.ndarray = self.modes[registers.ZR] + 1j * self.modes[registers.ZI]
        return z[: self.count]

    @property
    def pole(self) -> np.ndarray:
        p: np.ndarray = self.modes[registers.PR] + 1j * self.modes[registers.PI]
        return p[: self.count]

    @property
    def a(self) -> np.ndarray:
        a: np.ndarray = self.modes[registers.AR] + 1j * self.modes[registers.AI]
        return a[: self.count]


SILENCE = np.zeros(TICK)
IMPULSE = np.eye(1, TICK)[0]


def struck(**kwargs: object) -> Bank:
    bank = Bank(**kwargs)  # type: ignore[arg-type]
    open_modes(bank.modes, bank.count, 1.0, 0.0)
    return bank


def test_the_bank_keeps_the_contract() -> None:
    verify_contract(Bank, frames=20_000)


def test_poles_equal_their_twin() -> None:
    bank = Bank()
    freq, t60 = bank.bank[:2, : bank.count].astype(float)
    assert bank.pole == pytest.approx(twins.pole(freq, t60, RATE), abs=1e-12)


def test_a_deformed_pole_is_where_the_formulas_put_it() -> None:
    bank = Bank()
    bank.controls[:7] = 3.0, 0.5, -4.0, 0.01, 30.0, 2.0, 11.0
    bank.vector[:] = np.linspace(-6.0, 6.0, 32)
    bank.bend(seed=5)
    freq, t60 = bank.bank[:2, : bank.count].astype(float)
    k = freq / freq.min()
    spread = np.array([2.0 * twins.uniform(5, m) - 1.0 for m in range(bank.count)])
    bent = freq * 2.0 ** (3.0 / 12.0) * np.sqrt((1.0 + 0.01 * k**2) / 1.01)
    bent *= 2.0 ** (30.0 / 1200.0 * spread)
    decay = np.log(1000.0) / t60 * 2.0 / 0.5 + 11.0
    heard = bent < 0.5 * RATE
    assert heard.sum() > 10
    expected = np.exp((-decay + 2j * np.pi * bent) / RATE)
    assert bank.pole[heard] == pytest.approx(expected[heard], abs=1e-9)
    gain = 10.0 ** ((-4.0 * np.log2(k) + bank.vector[: bank.count]) / 20.0)
    gain[bent >= 0.49 * RATE] = 0.0
    # octaves are kept in float32: 8 octaves at 24 dB each are off by less than 2e-5 dB
    assert bank.modes[registers.G1, : bank.count] == pytest.approx(gain, rel=2e-7)


def test_ringing_equals_its_twin_within_1e_5_of_the_peak() -> None:
    bank = struck()
    gain = bank.modes[registers.G0, : bank.count].copy()
    expected = twins.modes_ringing(bank.pole, bank.z, gain, 100 * TICK)
    sound = np.concatenate([bank.ring() for _ in range(100)])
    assert np.abs(sound - expected).max() < 1e-5 * np.abs(expected).max()


def test_driving_equals_its_twin_within_1e_5_of_the_peak() -> None:
    bank = Bank()
    bank.modes[registers.G1, : bank.count] = np.linspace(0.5, 1.5, bank.count)
    start = bank.modes[registers.G0, : bank.count].copy()
    end = bank.modes[registers.G1, : bank.count].copy()
    drive = np.random.default_rng(0).normal(size=TICK)
    first, last = 5, 29
    share = np.arange(1, last - first + 1)[:, None] / (last - first)
    expected = twins.modes_driven(
        bank.pole, bank.a, bank.z, start + (end - start) * share, drive[first:last]
    )
    sound = bank.drive(drive, first, last)[first:last]
    assert np.abs(sound - expected).max() < 1e-5 * np.abs(expected).max()
    assert np.array_equal(bank.modes[registers.G0, : bank.count], end)


def test_ringing_and_silent_driving_are_the_same_sound() -> None:
    one, other = struck(), struck()
    for _ in range(50):
        driven, rung = one.drive(SILENCE), other.ring()
        assert np.abs(driven - rung).max() < 1e-5
    assert one.z == pytest.approx(other.z, abs=1e-12)


@pytest.mark.parametrize("t60_s", [0.05, 0.4, 2.0])
def test_t60_is_minus_60_db(t60_s: float) -> None:
    bank = Bank(freq_hz=np.array([1000.0]))
    bank.bank[1:4, 0] = t60_s, RATE, 0.0
    bank.reset()
    open_modes(bank.modes, 1, 1.0, 0.0)
    ticks = round(t60_s * RATE / TICK)
    sound = np.concatenate([bank.ring() for _ in range(ticks + 8)])
    period = 48 * 4
    begin = np.abs(sound[:period]).max()
    end = np.abs(sound[ticks * TICK : ticks * TICK + period]).max()
    assert 20.0 * np.log10(end / begin) == pytest.approx(-60.0, abs=0.5)  # dB


@pytest.mark.parametrize("age", [0, 1, 31, 32, 1000, 20_000])
def test_the_closed_form_equals_the_recursion(age: int) -> None:
    recursion, closed = Bank(), Bank()
    drive = np.zeros(age + 1)
    drive[0] = 0.7
    out = np.zeros(age + 1, np.float32)
    drive_modes(recursion.modes, recursion.count, drive, 0, age + 1, out)
    open_modes(closed.modes, closed.count, 0.7, float(age))
    assert np.abs(recursion.z - closed.z).max() < 1e-10 * np.abs(recursion.a).max()


def test_coasting_twice_is_coasting_once() -> None:
    one, two = struck(), struck()
    coast_modes(one.modes, one.count, 12_345.0)
    coast_modes(two.modes, two.count, 12_000.0)
    coast_modes(two.modes, two.count, 345.0)
    assert one.z == pytest.approx(two.z, rel=1e-9)
    coast_modes(two.modes, two.count, 0.0)
    assert one.z == pytest.approx(two.z, rel=1e-9)


def test_an_hour_of_ticks_agrees_with_the_closed_form() -> None:
    bank, closed = (Bank(freq_hz=np.array([889.0])) for _ in range(2))
    for b in (bank, closed):
        b.bank[1:4, 0] = 20_000.0, RATE, 0.0  # −10.8 dB after an hour
        b.reset()
        open_modes(b.modes, 1, 1.0, 0.0)
    ticks = int(3600 * RATE) // TICK
    for _ in range(ticks - 1):
        ring_modes(bank.modes, 1, bank.out)
    coast_modes(closed.modes, 1, float((ticks - 1) * TICK))
    gain = np.ones(1)
    expected = twins.modes_ringing(closed.pole, closed.z, gain, TICK)
    assert np.abs(closed.z[0]) == pytest.approx(10.0 ** (-60.0 * 3600 / 20_000 / 20.0), rel=1e-3)
    assert np.abs(bank.ring() - expected).max() < 1e-5


@pytest.mark.parametrize("freq_hz", [0.49 * RATE, 0.6 * RATE, 40_000.0])
def test_a_mode_from_049_of_the_sample_rate_on_is_silent(freq_hz: float) -> None:
    bank = struck(freq_hz=np.array([freq_hz]))
    assert not bank.ring().any()
    below = struck(freq_hz=np.array([0.489 * RATE]))
    assert below.ring().any()


def test_a_mode_bent_out_of_the_band_falls_silent_within_the_tick() -> None:
    bank = struck(freq_hz=np.array([15_000.0]))
    bank.controls[modal_bend.TRANSPOSE] = 12.0
    bank.bend()
    assert bank.drive(SILENCE).any()
    assert not bank.drive(SILENCE).any()


def test_a_frozen_event_rings_on_for_ever() -> None:
    bank = Bank(freq_hz=np.array([500.0]))
    bank.controls[modal_bend.STRETCH] = 0.0
    bank.reset()
    open_modes(bank.modes, 1, 1.0, 0.0)
    before = abs(bank.z[0])
    for _ in range(3_000):
        bank.ring()
    assert abs(bank.z[0]) == pytest.approx(before, rel=1e-9)


def test_the_level_told_bounds_what_is_to_come() -> None:
    bank = struck()
    for _ in range(30):
        level = ring_modes(bank.modes, bank.count, bank.out)
        ahead = Bank()
        ahead.modes[:] = bank.modes
        later = np.concatenate([ahead.ring() for _ in range(20)])
        assert np.abs(later).max() <= level * (1.0 + 1e-6)


def test_unused_columns_stay_silent_and_zero() -> None:
    bank = struck(count=5)
    for _ in range(10):
        bank.ring()
    assert not bank.modes[[registers.ZR, registers.ZI], 5:].any()


def test_a_nan_in_one_bank_shows_in_its_output() -> None:
    bank = struck()
    bank.modes[registers.ZR, 3] = np.nan
    assert np.isnan(bank.ring()).all()  # seen by the guard, not hidden by fast arithmetic
