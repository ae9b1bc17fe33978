"""The stream's clock follows the stream, not the moments at which it happened to be called."""

import numpy as np
import pytest

from rtsynth.engine import Engine
from rtsynth.engine.clock import LOST_NS, follow_clock
from tests.engine.bank import RATE, engine_on

BLOCK = 256
START_NS = 5e12


class Stream:
    """A clock fed with blocks of a stream at its own rate; times in ns, frames counted here."""

    def __init__(self, rate_hz: float = RATE) -> None:
        self.engine: Engine = engine_on()
        self.core = self.engine._core
        self.rate_hz = rate_hz
        self.dropped = 0  # frames that never reached the engine

    def due_ns(self) -> float:
        """When the next block is really due."""
        return float(START_NS + (int(self.core["frame"]) + self.dropped) / self.rate_hz * 1e9)

    def block(self, frames: int = BLOCK, late_ns: float = 0.0, lead_ns: float = -1.0) -> None:
        follow_clock(self.core, self.due_ns() + late_ns, lead_ns)
        self.core["frame"] += frames

    def seconds(self, count: int, rng: np.random.Generator) -> None:
        """Whole blocks of so many seconds, each late by 50 µs in the mean."""
        for late_ns in rng.exponential(0.05e6, count * RATE // BLOCK):
            self.block(late_ns=late_ns)

    def error_frames(self) -> float:
        """How far the line is from the truth now."""
        passed = int(self.core["frame"]) - int(self.core["line_frame"])
        line_ns = float(self.core["line_ns"]) + passed * float(self.core["line_period"])
        return (line_ns - self.due_ns()) * 1e-9 * RATE

    def rate_error_ppm(self) -> float:
        return (1e9 / float(self.core["line_period"]) / self.rate_hz - 1.0) * 1e6


def test_jitter_of_a_millisecond_leaves_the_line_within_a_sample_of_itself() -> None:
    """A thread wakes late by an exponential time: the line keeps its mean, not its jitter."""
    rng = np.random.default_rng(1)
    stream = Stream(RATE * (1.0 + 40e-6))
    late_ns = rng.exponential(0.3e6, 30_000)
    errors = []
    for n, late in enumerate(late_ns):
        stream.block(int(rng.integers(1, 3)) * 128, late)
        if n > 15_000:
            errors.append(stream.error_frames())
    raw = np.std(late_ns[15_000:]) * 1e-9 * RATE
    assert raw > 10.0
    assert np.std(errors) < 0.5
    assert np.mean(errors) == pytest.approx(np.mean(late_ns) * 1e-9 * RATE, abs=1.0)
    assert abs(stream.rate_error_ppm()) < 2.0


def test_a_stream_without_jitter_is_followed_exactly_from_the_first_second() -> None:
    stream = Stream(RATE * (1.0 - 100e-6))
    for _ in range(RATE // BLOCK):
        stream.block()
    assert abs(stream.error_frames()) < 0.5
    for _ in range(10 * RATE // BLOCK):
        stream.block()
    assert abs(stream.error_frames()) < 0.1
    assert abs(stream.rate_error_ppm()) < 1.0


def test_a_block_far_too_late_that_is_made_up_for_does_not_move_the_line() -> None:
    stream = Stream()
    for _ in range(2_000):
        stream.block()
    before = stream.error_frames()
    for behind in range(20):  # 100 ms late, the following ones at once
        stream.block(late_ns=max(LOST_NS * 2 - behind * BLOCK / RATE * 1e9, 0.0))
    for _ in range(200):
        stream.block()
    assert abs(stream.error_frames() - before) < 12.0  # a quarter of a millisecond
    assert stream.core["clock_relocks"] == 0


def test_half_a_second_of_dropped_frames_is_found_within_a_fifth() -> None:
    stream = Stream()
    for _ in range(2_000):
        stream.block()
    stream.dropped += RATE // 2
    assert abs(stream.error_frames()) > 20_000
    for _ in range(RATE // 5 // BLOCK):
        stream.block()
    assert abs(stream.error_frames()) < 0.5
    assert stream.core["clock_relocks"] == 1


@pytest.mark.parametrize("dropped", [BLOCK, 4 * BLOCK])
def test_a_few_dropped_blocks_are_made_up_for_within_two_seconds(dropped: int) -> None:
    stream = Stream()
    for _ in range(10 * RATE // BLOCK):
        stream.block()
    stream.dropped += dropped
    for _ in range(2 * RATE // BLOCK):
        stream.block()
    assert abs(stream.error_frames()) < 0.1 * dropped


def test_a_block_dropped_in_the_first_second_moves_the_line_and_does_not_turn_it() -> None:
    """A line of half a second that turned towards it would drift off for seconds."""
    rng = np.random.default_rng(6)
    stream = Stream()
    for late_ns in rng.exponential(0.02e6, 7 * RATE // (10 * BLOCK)):
        stream.block(late_ns=late_ns)
    stream.dropped += BLOCK
    errors = []
    for late_ns in rng.exponential(0.02e6, 10 * RATE // BLOCK):
        stream.block(late_ns=late_ns)
        errors.append(stream.error_frames())
    assert np.max(np.abs(errors[RATE // (5 * BLOCK) :])) < 10.0
    assert abs(stream.rate_error_ppm()) < 10.0
    assert stream.core["clock_relocks"] == 1


def test_a_drop_while_the_line_waits_after_another_moves_it_again_and_does_not_turn_it() -> None:
    rng = np.random.default_rng(8)
    stream = Stream()
    stream.seconds(10, rng)
    errors = []
    for n, late_ns in enumerate(rng.exponential(0.02e6, 3 * RATE // BLOCK)):
        stream.dropped += BLOCK if n in (0, 7) else 0  # 37 ms apart: less than a line waits
        stream.block(late_ns=late_ns)
        errors.append(stream.error_frames())
    assert np.max(np.abs(errors[RATE // (5 * BLOCK) :])) < 10.0
    assert abs(stream.rate_error_ppm()) < 30.0
    assert stream.core["clock_relocks"] == 2


def test_a_line_begun_at_a_block_that_was_late_begins_anew() -> None:
    stream = Stream()
    stream.block(late_ns=4 * LOST_NS)
    for _ in range(200):
        stream.block()
    assert abs(stream.error_frames()) < 0.5


def test_bursts_of_blocks_are_a_straight_line() -> None:
    """A host that cuts its buffer of 1024 into blocks of 256 calls four times at once."""
    stream = Stream()
    for n in range(8_000):
        early_ns = (n % 4) * BLOCK / RATE * 1e9
        stream.block(late_ns=-early_ns)
    errors = []
    for n in range(400):
        stream.block(late_ns=-(n % 4) * BLOCK / RATE * 1e9)
        errors.append(stream.error_frames())
    assert np.ptp(errors) < 1.0
    assert stream.core["clock_relocks"] == 0


def test_bursts_of_a_sixth_of_a_second_do_not_move_the_line_from_their_middle() -> None:
    """A host with a buffer of 8192 frames: 32 blocks at once, then none for 171 ms."""
    stream = Stream()
    errors = []
    for n in range(6_400):
        stream.block(late_ns=-(n % 32) * BLOCK / RATE * 1e9)
        errors.append(stream.error_frames())
    assert np.ptp(errors[3_200:]) < 100.0
    assert np.mean(errors[3_200:]) == pytest.approx(-15.5 * BLOCK, abs=2.0 * BLOCK)
    assert stream.core["clock_relocks"] == 0


def test_a_stream_that_drops_frames_all_the_time_is_never_far_ahead_of_its_line() -> None:
    """What comes to a line that is behind its stream comes too late for its frame."""
    rng = np.random.default_rng(3)
    stream = Stream()
    ahead = []
    for n in range(60 * RATE // BLOCK):
        dropping = 5 * RATE // BLOCK < n < 20 * RATE // BLOCK
        if dropping and rng.random() < 10.0 * BLOCK / RATE:
            stream.dropped += int(rng.uniform(0.001, 0.01) * RATE)
        stream.block(late_ns=rng.exponential(0.05e6))
        ahead.append(stream.error_frames())
    assert max(ahead[: 20 * RATE // BLOCK]) < 0.0005 * RATE
    assert abs(ahead[-1]) < 5.0
    assert abs(stream.rate_error_ppm()) < 20.0


def test_a_block_dropped_twenty_times_a_second_is_never_taken_for_a_rate() -> None:
    rng = np.random.default_rng(1)
    stream = Stream()
    stream.seconds(5, rng)
    errors = []
    for late_ns in rng.exponential(0.05e6, 30 * RATE // BLOCK):
        stream.dropped += BLOCK if rng.random() < 20.0 * BLOCK / RATE else 0
        stream.block(late_ns=late_ns)
        errors.append(stream.error_frames())
    assert np.min(errors) > -0.06 * RATE  # it waits 0.05 s, in which more is dropped
    assert np.max(errors) < 0.001 * RATE
    assert abs(stream.rate_error_ppm()) < 200.0


@pytest.mark.parametrize("ppm", [-4_000.0, 4_000.0])
def test_a_stream_far_from_its_nominal_rate_is_followed_without_a_jump(ppm: float) -> None:
    rng = np.random.default_rng(4)
    stream = Stream(RATE * (1.0 + ppm * 1e-6))
    stream.seconds(30, rng)
    assert abs(stream.error_frames()) < 5.0
    assert abs(stream.rate_error_ppm()) < 20.0
    assert stream.core["clock_relocks"] == 0


def test_a_rate_that_changes_is_followed_without_a_jump() -> None:
    rng = np.random.default_rng(5)
    stream = Stream()
    stream.seconds(30, rng)
    stream.dropped += int(stream.core["frame"]) * 300 // 1_000_000  # no time passes here
    stream.rate_hz *= 1.0 + 300e-6
    stream.seconds(90, rng)
    assert abs(stream.error_frames()) < 10.0
    assert abs(stream.rate_error_ppm()) < 30.0
    assert stream.core["clock_relocks"] == 0


def test_what_the_host_says_of_the_converter_takes_the_jitter_away() -> None:
    """The later the call, the sooner its frames are heard: their sum has no jitter."""
    rng = np.random.default_rng(2)
    told, untold = Stream(), Stream()
    for late_ns in rng.exponential(2e6, 4_000):
        told.block(late_ns=late_ns, lead_ns=10e6 - late_ns)
        untold.block(late_ns=late_ns)
    spread = []
    for stream, says in ((told, True), (untold, False)):
        errors = []
        for late_ns in rng.exponential(2e6, 400):
            stream.block(late_ns=late_ns, lead_ns=10e6 - late_ns if says else -1.0)
            errors.append(stream.error_frames())
        spread.append(float(np.std(errors)))
    assert spread[0] < 0.2
    assert spread[0] < 0.2 * spread[1]


def test_the_clock_and_its_rate_are_published() -> None:
    stream = Stream(RATE * 1.001)
    assert stream.engine.clock() == (0, 0.0)
    stream.block()
    assert stream.engine.clock() == (0, START_NS * 1e-9)
    assert stream.engine.clock_rate == RATE  # not known yet
    for _ in range(20 * RATE // BLOCK):
        stream.block()
    frame, seconds = stream.engine.clock()
    assert frame == int(stream.core["frame"]) - BLOCK
    assert seconds == pytest.approx(START_NS * 1e-9 + frame / (RATE * 1.001), abs=1e-5)
    assert stream.engine.clock_rate == pytest.approx(RATE * 1.001, rel=2e-6)
    assert stream.engine.stats().rate_hz == stream.engine.clock_rate
