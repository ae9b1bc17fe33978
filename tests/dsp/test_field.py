"""The compiled field draws what its definition in float64 draws."""

import math
import threading
import time
import tracemalloc

import numpy as np
import pytest

from rtsynth.dsp.field import FieldTwin
from rtsynth.dsp.net import fill_sines
from rtsynth.errors import ValueRangeError
from rtsynth.instrument import CONTROLS, FieldWeights
from tests.contract import SLACK_BYTES
from tests.random_field import random_vector, random_weights

AGES = np.concatenate([np.arange(150) * 0.002, np.geomspace(1e-5, 3_600.0, 200), [0.0, 7_200.0]])
SIZES = [{}, {"frequencies": 3, "hidden": 5}, {"frequencies": 7, "hidden": 70, "resonances": 1}]


def controls_of(
    twin: FieldTwin, resonance: int, vector: np.ndarray, ages: np.ndarray, s: float
) -> np.ndarray:
    out = np.full((twin.members, len(ages), len(CONTROLS)), np.nan, np.float32)
    twin.controls(resonance, vector, ages, s, out)
    return out


def attack_of(
    twin: FieldTwin, resonance: int, vector: np.ndarray, rate: float, s: float, frames: int
) -> np.ndarray:
    out = np.full((twin.members, frames), np.nan, np.float32)
    twin.attack(resonance, vector, rate, s, out)
    return out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("duration_s", [math.inf, 0.7])
def test_controls_are_the_definitions_an_hour_later_too(
    size: dict[str, int], duration_s: float
) -> None:
    weights, vector = random_weights(1, **size), random_vector(2)
    for resonance in range(size.get("resonances", 3)):
        want = weights.draw_controls(resonance, vector, AGES, duration_s)
        got = controls_of(FieldTwin(weights), resonance, vector, AGES, duration_s)
        assert np.abs(got - want).max() < 1e-5 * np.abs(want).max()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rate", [8_000.0, 44_100.0, 96_000.0])
@pytest.mark.parametrize("duration_s", [math.inf, 0.3])
def test_the_attack_is_the_definitions_at_any_rate(
    size: dict[str, int], rate: float, duration_s: float
) -> None:
    weights, vector = random_weights(3, 0.05, **size), random_vector(4)
    frames = round(0.06 * rate) + 1
    want = weights.draw_attack(0, vector, np.arange(frames) / rate, duration_s)
    got = attack_of(FieldTwin(weights), 0, vector, rate, duration_s, frames)
    assert np.abs(got - want).max() < 1e-5 * np.abs(want).max()
    assert (got[:, math.ceil(0.05 * rate) :] == 0.0).all()


def test_a_read_out_of_zero_draws_exactly_nothing() -> None:
    weights = random_weights()
    for net in (weights.controls, weights.attack):
        net.w2[:] = 0.0
        net.b2[:] = 0.0
    twin = FieldTwin(weights)
    assert not controls_of(twin, 0, random_vector(0), AGES, 1.0).any()
    assert not attack_of(twin, 0, random_vector(0), 48_000.0, 1.0, 5_000).any()


def test_a_point_does_not_depend_on_the_points_beside_it() -> None:
    twin, vector = FieldTwin(random_weights(5)), random_vector(6)
    whole = controls_of(twin, 1, vector, AGES, 2.0)
    order = np.random.default_rng(7).permutation(len(AGES))
    assert np.array_equal(controls_of(twin, 1, vector, AGES[order], 2.0), whole[:, order])
    for at in (0, 63, 64, 200):
        alone = controls_of(twin, 1, vector, AGES[at : at + 1], 2.0)
        assert np.array_equal(alone[:, 0], whole[:, at])


def test_a_short_attack_is_the_beginning_of_a_long_one() -> None:
    twin, vector = FieldTwin(random_weights(8)), random_vector(9)
    whole = attack_of(twin, 2, vector, 48_000.0, math.inf, 4_800)
    for frames in (0, 1, 64, 100, 4_799):
        short = attack_of(twin, 2, vector, 48_000.0, math.inf, frames)
        assert np.array_equal(short, whole[:, :frames])


def test_an_event_that_is_no_number_leaves_the_next_one_untouched() -> None:
    twin, vector = FieldTwin(random_weights(10)), random_vector(11)
    before = controls_of(twin, 0, vector, AGES, 1.0), attack_of(twin, 0, vector, 48e3, 1.0, 500)
    broken = np.full(32, np.nan, np.float32)
    assert np.isnan(controls_of(twin, 1, broken, AGES, 1.0)).all()
    assert np.isnan(attack_of(twin, 1, broken, 48e3, 1.0, 500)).all()
    assert np.array_equal(controls_of(twin, 0, vector, AGES, 1.0), before[0])
    assert np.array_equal(attack_of(twin, 0, vector, 48e3, 1.0, 500), before[1])


def test_sines_are_within_a_millionth_up_to_ten_thousand_radians() -> None:
    z = np.linspace(-1e4, 1e4, 2_000_003).astype(np.float32)
    z[:1001] = np.linspace(-7.0, 7.0, 1001)
    got = z.copy()
    fill_sines(got)
    assert np.abs(got - np.sin(z.astype(float))).max() < 1e-6


def test_drawing_allocates_no_array() -> None:
    twin, vector = FieldTwin(random_weights()), random_vector(0)
    curves = np.zeros((4, len(AGES), len(CONTROLS)), np.float32)
    sound = np.zeros((4, 4_800), np.float32)

    def draw(times: int) -> None:
        for _ in range(times):
            twin.controls(0, vector, AGES, 1.0, curves)
            twin.attack(0, vector, 48_000.0, 1.0, sound)

    tracemalloc.start()
    try:
        draw(80)  # the first dozens of calls fill a cache of the compiler's door, of bounded size
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        draw(20)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 2 * SLACK_BYTES
    assert after - before < SLACK_BYTES


def test_python_goes_on_while_a_worker_draws() -> None:
    twin, vector = FieldTwin(random_weights(0, 0.2)), random_vector(0)
    out = np.zeros((4, 400_000), np.float32)
    begun, ended, steps = threading.Event(), threading.Event(), 0

    def work() -> None:
        begun.set()
        twin.attack(0, vector, 2e6, 1.0, out)
        ended.set()

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    while not ended.is_set():
        time.sleep(0.0)
        steps += 1
    worker.join()
    assert steps > 100  # with the interpreter held, none or one


def test_what_does_not_fit_is_refused_and_says_why() -> None:
    twin, vector = FieldTwin(FieldWeights.zeros(2, 1, 1)), random_vector(0)
    good = np.zeros((4, 3, 38), np.float32)
    with pytest.raises(ValueRangeError, match=r"resonance = 2; legal: 0 … 1"):
        twin.controls(2, vector, np.zeros(3), 1.0, good)
    with pytest.raises(ValueRangeError, match=r"out is float32 of shape \(4, 3, 38\)"):
        twin.controls(0, vector, np.zeros(4), 1.0, good)
    with pytest.raises(ValueRangeError, match="ages_s is float32"):
        twin.controls(0, vector, np.zeros(3, np.float32), 1.0, good)
    with pytest.raises(ValueRangeError, match="out is float64"):
        twin.attack(0, vector, 48_000.0, 1.0, np.zeros((4, 3)))
