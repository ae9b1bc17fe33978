"""The loss that minds phases."""

import pytest

from rtsynth.losses import MagnitudeOfSum, Phased
from tests.losses.sounds import noise, notes


def test_half_the_level_leaves_half_and_the_opposite_phase_leaves_twice() -> None:
    target = noise(8_192)[None]
    for gain, left in ((1.0, 0.0), (0.5, 0.5), (-1.0, 2.0)):
        value = float(Phased()(target, gain * target[:, None])[0])
        assert value == pytest.approx(left, rel=1e-3, abs=1e-9)
    assert float(MagnitudeOfSum()(target, -target[:, None])[0]) == pytest.approx(0.0, abs=1e-9)


def test_a_late_copy_costs_here_and_hardly_in_magnitudes() -> None:
    target = notes().sum(dim=1)
    late = target.roll(8, dims=1)
    windows = {"windows": [2048]}
    phased, blind = (float(loss(windows)(target, late[:, None])[0])
                     for loss in (Phased, MagnitudeOfSum))  # fmt: skip
    assert phased > 4.0 * blind
