"""Gains move without clicks and arrive exactly."""

import numpy as np
import pytest

from rtsynth.dsp.ramp import apply_fade, apply_line, ease, fade_curve

LENGTH = 240


def faded(start: float, target: float, blocks: list[int]) -> np.ndarray:
    curve = fade_curve(LENGTH)
    out = np.ones(sum(blocks), np.float32)
    position = at = 0
    for size in blocks:
        position = apply_fade(curve, start, target, position, 0, size, out[at : at + size])
        at += size
    assert position == min(LENGTH, len(out))
    return out


@pytest.mark.parametrize(("start", "target"), [(0.0, 1.0), (1.0, 0.0), (0.3, 0.7)])
def test_a_fade_is_a_raised_cosine_that_ends_exactly_at_its_target(
    start: float, target: float
) -> None:
    gain = faded(start, target, [32] * 10)
    n = np.arange(1, LENGTH + 1)
    expected = start + (target - start) * (0.5 - 0.5 * np.cos(np.pi * n / LENGTH))
    assert np.abs(gain[:LENGTH] - expected).max() < 1e-6
    assert (gain[LENGTH - 1 :] == np.float32(target)).all()


def test_a_fade_does_not_depend_on_the_cuts() -> None:
    assert np.array_equal(faded(1.0, 0.0, [320]), faded(1.0, 0.0, [1, 31, 64, 100, 124]))


def test_a_fade_never_jumps() -> None:
    steps = np.diff(np.concatenate([[1.0], faded(1.0, 0.0, [320])]))
    assert np.abs(steps).max() <= 0.5 * np.pi / LENGTH * 1.001  # slope of the cosine
    assert (steps <= 0.0).all()


def test_a_fade_leaves_frames_outside_its_range_alone() -> None:
    out = np.ones(32, np.float32)
    apply_fade(fade_curve(LENGTH), 0.5, 0.5, 0, 8, 16, out)
    assert (out[8:16] == 0.5).all()
    assert (out[:8] == 1.0).all()
    assert (out[16:] == 1.0).all()


def test_a_line_arrives_at_the_last_frame() -> None:
    out = np.ones(32, np.float32)
    apply_line(0.25, 0.75, out)
    assert np.abs(out - np.linspace(0.25, 0.75, 33)[1:]).max() < 1e-6
    assert out[-1] == 0.75
    apply_line(2.0, 2.0, out)
    assert out[-1] == 1.5


@pytest.mark.parametrize("steps", [1, 2, 15, 100])
def test_easing_goes_a_raised_cosine_all_the_way(steps: int) -> None:
    way, value = [], 1.0
    for left in range(steps, 0, -1):
        value += (3.0 - value) * ease(float(left), float(steps))
        way.append(value)
    done = np.arange(1, steps + 1) / steps
    assert way == pytest.approx(1.0 + 2.0 * (0.5 - 0.5 * np.cos(np.pi * done)), abs=1e-9)
    assert way[-1] == 3.0
