"""Nothing above the ceiling, no direct current, no NaN unseen."""

import math

import numpy as np
import pytest

from rtsynth.dsp.safety import block_dc, largest, limit
from tests.contract import verify_contract
from tests.dsp import twins

RATE = 48_000
WINDOW = 73
CEILING = 10.0 ** (-1.0 / 20.0)
RELEASE = 1.0 - math.exp(-1.0 / (0.08 * RATE))
RADIUS = math.exp(-2.0 * math.pi * 10.0 / RATE)


class Safety:
    """A part that passes a fixed noise, loud and soft by turns, through `_apply` in place."""

    channels = 2
    frames = 60_000

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        loud = np.where(np.arange(self.frames) // 3_000 % 2 == 0, 4.0, 0.2)
        noise = loud * rng.normal(size=(self.channels, self.frames)) + 0.3
        self.source = noise.astype(np.float32)
        self.buffer = np.zeros(self.channels * self.frames, np.float32)
        self.at = 0

    def process(self, out: np.ndarray) -> None:
        block = self.buffer[: out.size].reshape(self.channels, len(out))
        block[:] = self.source[:, self.at : self.at + len(out)]
        self.at += len(out)
        self.apply(block)
        out[:] = block.T

    def apply(self, audio: np.ndarray) -> None:
        raise NotImplementedError


class Limiter(Safety):
    """The limiter with its memory."""

    def __init__(self, window: int = WINDOW, channels: int = 2) -> None:
        self.channels = channels
        super().__init__()
        self.state = np.zeros(3)
        self.gains = np.ones((2, window))
        self.delay = np.zeros((channels, window - 1), np.float32)
        self.reset()

    def reset(self) -> None:
        self.at = 0
        self.state[:] = 0.0, 1.0, self.gains.shape[1]
        self.gains[:] = 1.0
        self.delay[:] = 0.0

    def apply(self, audio: np.ndarray) -> None:
        self.smallest = limit(CEILING, CEILING, RELEASE, self.state, self.gains, self.delay, audio)

    def limited(self, mono: np.ndarray) -> np.ndarray:
        """[frames] through both channels, the second inverted; the first one back."""
        audio = np.stack([mono, -mono][: self.channels]).astype(np.float32)
        self.apply(audio)
        assert self.channels == 1 or np.array_equal(audio[0], -audio[1])
        first: np.ndarray = audio[0]
        return first


class DcBlocker(Safety):
    """The DC blocker with its memory."""

    def __init__(self) -> None:
        super().__init__()
        self.state = np.zeros(2 * self.channels)

    def reset(self) -> None:
        self.at = 0
        self.state[:] = 0.0

    def apply(self, audio: np.ndarray) -> None:
        block_dc(RADIUS, self.state, audio)


def test_the_limiter_keeps_the_contract() -> None:
    verify_contract(Limiter, frames=20_000)


def test_the_dc_blocker_keeps_the_contract() -> None:
    verify_contract(DcBlocker, frames=20_000)


def hostile(name: str, frames: int = 24_000) -> np.ndarray:
    n = np.arange(frames)
    rng = np.random.default_rng(3)
    sound: np.ndarray = {
        "impulses": 50.0 * (n % 997 == 500),
        "close impulses": 1e4 * (n % 37 == 0) + 2.0 * (n % 5 == 0),
        "square": 8.0 * np.where(n // 240 % 2 == 0, 1.0, -1.0),
        "slow square": 3.0 * np.where(n // 4_000 % 2 == 0, 1.0, 0.01),
        "noise +20 dB": 10.0 * rng.normal(size=frames),
        "noise at the edge": rng.normal(size=frames) * np.geomspace(1e-3, 1e6, frames),
        "huge": 1e20 * rng.normal(size=frames),
        "just above": np.full(frames, CEILING * 1.0001),
    }[name]
    return np.asarray(sound, np.float32)


HOSTILE = ["impulses", "close impulses", "square", "slow square", "noise +20 dB"]
HOSTILE += ["noise at the edge", "huge", "just above"]


@pytest.mark.parametrize("window", [2, 5, WINDOW])
@pytest.mark.parametrize("name", HOSTILE)
def test_the_limiter_never_exceeds_its_ceiling(name: str, window: int) -> None:
    out = Limiter(window).limited(hostile(name))
    assert np.abs(out).max() <= np.float32(CEILING)


@pytest.mark.parametrize("name", ["impulses", "square", "noise +20 dB"])
def test_the_limiter_equals_its_twin_within_1e_5_of_full_scale(name: str) -> None:
    x = hostile(name, 8_000)
    expected = twins.limiter(x[:, None].astype(float), CEILING, RELEASE, WINDOW)[:, 0]
    # so the hard clip behind the gain has nothing to do but to round
    assert np.abs(expected).max() <= CEILING * (1.0 + 1e-9)
    assert np.abs(Limiter().limited(x) - expected).max() < 1e-5


def test_below_the_ceiling_the_limiter_is_a_pure_delay() -> None:
    limiter = Limiter()
    x = np.random.default_rng(0).uniform(-CEILING, CEILING, 9_000).astype(np.float32) * 0.9999
    out = limiter.limited(x)
    assert not out[: WINDOW - 1].any()
    assert np.array_equal(out[WINDOW - 1 :], x[: len(x) - WINDOW + 1])
    assert limiter.smallest == 1.0


def test_the_limiter_recovers_to_exactly_unity() -> None:
    limiter = Limiter()
    x = np.full(3 * RATE, 0.25, np.float32)
    x[1_000:1_050] = 20.0
    out = limiter.limited(x)
    assert limiter.smallest < 0.05
    assert out[1_000 + 2 * WINDOW] < 0.1  # held down …
    assert (out[-RATE:] == x[-RATE:]).all()  # … and let go, to the bit
    assert limiter.state[1] == 1.0
    assert limiter.state[2] == WINDOW


def test_a_peak_in_one_channel_lowers_both_alike() -> None:
    audio = np.full((2, 600), 0.5, np.float32)
    audio[0, 300] = 10.0
    Limiter().apply(audio)
    rest = np.arange(600) != 300 + WINDOW - 1
    assert np.array_equal(audio[0, rest], audio[1, rest])
    assert audio[1, 300 + WINDOW - 1] < 0.05


def test_the_limiter_moves_no_faster_than_its_window() -> None:
    out = Limiter().limited(np.where(np.arange(2_000) == 1_000, 8.0, 0.5))
    gain = np.delete(out, 1_000 + WINDOW - 1)[WINDOW - 1 :] / 0.5
    assert np.abs(np.diff(gain)).max() < 2.0 / WINDOW


def test_the_dc_blocker_equals_its_twin_within_1e_5_of_full_scale() -> None:
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (5_000, 2)).astype(np.float32)
    audio = np.ascontiguousarray(x.T)
    block_dc(RADIUS, np.zeros(4), audio)
    assert np.abs(audio.T - twins.high_pass(x.astype(float), RADIUS)).max() < 1e-5


def test_the_dc_blocker_leaves_less_than_a_thousandth_of_direct_current() -> None:
    n = np.arange(RATE)
    audio = (1.0 + 0.2 * np.sin(2.0 * np.pi * 480.0 * n / RATE))[None].astype(np.float32)
    block_dc(RADIUS, np.zeros(2), audio)
    assert abs(audio[0, RATE // 2 :].mean()) < 1e-3


@pytest.mark.parametrize(("freq_hz", "level_db"), [(10.0, -3.01), (1.0, -20.04), (1000.0, 0.0)])
def test_ten_hertz_is_minus_three_db(freq_hz: float, level_db: float) -> None:
    n = np.arange(4 * RATE)
    audio = np.sin(2.0 * np.pi * freq_hz * n / RATE)[None].astype(np.float32)
    block_dc(RADIUS, np.zeros(2), audio)
    rms = np.sqrt(2.0 * (audio[0, 2 * RATE :].astype(float) ** 2).mean())
    assert 20.0 * np.log10(rms) == pytest.approx(level_db, abs=0.05)


def test_largest_tells_the_peak_and_a_nan_as_infinity() -> None:
    audio = np.linspace(-0.7, 0.3, 32, dtype=np.float32)
    assert largest(audio) == pytest.approx(0.7, abs=1e-7)
    assert largest(np.zeros(0, np.float32)) == 0.0
    for poison in (np.nan, np.inf, -np.inf):
        for place in (0, 13, 31):
            poisoned = audio.copy()
            poisoned[place] = poison
            assert largest(poisoned) == np.inf
