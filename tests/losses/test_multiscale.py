"""The multi-scale spectral loss: 0 where equal, finite at silence, chosen by name."""

import math

import pytest
import torch

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.losses import LOSSES, MultiScale, make_loss
from rtsynth.losses.loudness import a_weight

RATE = 48_000
LENGTH = 8_192


def tone(hz: float, gain: float = 1.0) -> torch.Tensor:
    return gain * torch.sin(2 * torch.pi * hz * torch.arange(LENGTH) / RATE)[None]


def test_equal_sounds_cost_nothing_and_parts_sum_to_the_whole() -> None:
    target = tone(440.0)
    loss = MultiScale(alpha=0.5)
    assert float(loss(target, target[:, None])[0]) == pytest.approx(0.0, abs=1e-6)
    total, parts = loss(target, tone(470.0, 0.5)[:, None])
    assert float(total) == pytest.approx(float(sum(parts.values())), rel=1e-6)
    assert set(parts) == {"linear", "log"}


def test_half_the_level_is_half_of_the_linear_and_ln_2_of_the_log_part() -> None:
    noise = torch.randn(1, LENGTH, generator=torch.Generator().manual_seed(0))
    _, parts = MultiScale()(noise, 0.5 * noise[:, None])
    assert float(parts["linear"]) == pytest.approx(0.5, rel=1e-3)
    assert float(parts["log"]) == pytest.approx(math.log(2.0), rel=1e-3)  # nepers


def test_events_are_summed_before_they_are_compared() -> None:
    target = tone(440.0)
    halves = torch.stack([0.5 * target, 0.5 * target], dim=1)
    assert float(MultiScale()(target, halves)[0]) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("target", [torch.zeros(1, LENGTH), tone(440.0), torch.zeros(1, 10)])
def test_silence_has_finite_value_and_gradient(target: torch.Tensor) -> None:
    made = torch.zeros(1, 1, target.shape[1], requires_grad=True)
    total, _ = MultiScale()(target, made)
    total.backward()  # type: ignore[no-untyped-call]
    assert bool(torch.isfinite(total))
    assert made.grad is not None
    assert bool(torch.isfinite(made.grad).all())


def test_noise_that_is_expected_costs_less_than_noise_that_is_missing() -> None:
    target = tone(440.0) + 0.1 * torch.randn(1, LENGTH, generator=torch.Generator().manual_seed(1))
    made = tone(440.0)[:, None]

    def floor(size: int, hop: int, frames: int) -> torch.Tensor:
        energy = float(torch.hann_window(size).square().sum())
        return torch.full((size // 2 + 1, frames), 0.01 * energy)

    assert float(MultiScale()(target, made, floor)[0]) < 0.5 * float(MultiScale()(target, made)[0])


def test_a_loss_is_made_by_name_and_what_is_illegal_is_named() -> None:
    assert set(LOSSES) >= {"multiscale"}
    assert isinstance(make_loss("multiscale", {"alpha": 0.0}), MultiScale)
    with pytest.raises(UnknownNameError, match="multiscale"):
        make_loss("nonsense")
    with pytest.raises(UnknownNameError, match="alhpa"):
        make_loss("multiscale", {"alhpa": 1.0})
    with pytest.raises(ValueRangeError, match="windows"):
        make_loss("multiscale", {"windows": [3]})
    with pytest.raises(ValueRangeError, match="alpha"):
        make_loss("multiscale", {"alpha": -1.0})


OPTIONS = ("delta_time", "delta_freq", "cumulative", "loudness")


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_a_part_of_its_own_and_0_where_equal(option: str) -> None:
    loss = MultiScale(**{option: 1.0})  # type: ignore[arg-type]
    target = tone(440.0)
    _, parts = loss(target, target[:, None])
    assert set(parts) == {"linear", "log", option}
    assert float(parts[option]) == pytest.approx(0.0, abs=1e-6)
    total, parts = loss(target, tone(470.0, 0.5)[:, None])
    assert float(parts[option]) > 0.0
    assert float(total) == pytest.approx(float(sum(parts.values())), rel=1e-6)


def test_only_the_cumulative_part_grows_with_how_far_a_tone_must_move() -> None:
    loss = MultiScale(windows=[1024], cumulative=1.0)
    near, far = (loss(tone(1_000.0), tone(hz)[:, None])[1] for hz in (2_000.0, 8_000.0))
    assert float(far["linear"]) == pytest.approx(float(near["linear"]), rel=0.02)
    assert float(far["cumulative"]) > 5.0 * float(near["cumulative"])


def test_differences_in_time_see_an_onset_more_than_a_steady_tone() -> None:
    loss = MultiScale(windows=[256], delta_time=1.0)
    gated = tone(440.0).clone()
    gated[:, : LENGTH // 2] = 0.0
    steady, onset = (
        loss(sound, torch.zeros_like(sound)[:, None])[1]["delta_time"]
        for sound in (tone(440.0), gated)
    )
    assert float(onset) > 2.0 * float(steady)


def test_loudness_follows_the_a_weighting_curve() -> None:
    hz = torch.tensor([31.5, 100.0, 1_000.0, 4_000.0, 16_000.0], dtype=torch.float64)
    db = 20.0 * torch.log10(a_weight(hz))
    expected = [-39.4, -19.1, 0.0, 1.0, -6.6]  # IEC 61672-1, rounded to 0.1 dB
    assert db.tolist() == pytest.approx(expected, abs=0.15)
    loss = MultiScale(loudness=1.0, sample_rate=RATE)
    _, parts = loss(tone(1_000.0), tone(1_000.0, 0.5)[:, None])
    assert float(parts["loudness"]) == pytest.approx(math.log(2.0), rel=1e-2)  # nepers
