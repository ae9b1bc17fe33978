"""The patch information's map of weights: flat where nothing is rare, smooth, high at the rare."""

import pytest
import torch

from rtsynth.errors import ValueRangeError
from rtsynth.losses import MagnitudeOfSum, PatchInfo
from tests.losses.sounds import RATE, noise, tone

COUNT = 2 * RATE


def test_where_nothing_is_rare_every_bin_weighs_one() -> None:
    loss = PatchInfo()
    silence = torch.zeros(1, COUNT, dtype=torch.float64)
    loss(silence, silence[:, None])
    assert torch.allclose(loss.weights, torch.ones_like(loss.weights), atol=1e-9)
    g1 = MagnitudeOfSum({"windows": [1024]})
    made = 0.01 * noise(COUNT)[None, None]
    assert float(loss(silence, made)[0]) == pytest.approx(float(g1(silence, made)[0]), rel=1e-9)


def test_a_rare_event_weighs_more_than_three_times_what_is_around_it() -> None:
    loss = PatchInfo()
    steady = 0.2 * torch.sin(2 * torch.pi * 1_000.0 * torch.arange(COUNT) / RATE).double()
    burst = torch.nn.functional.pad(0.2 * noise(1_500), (COUNT // 2, COUNT // 2 - 1_500))
    for _ in range(5):
        loss((steady + burst)[None], steady[None, None])
    frame = (COUNT // 2 + 750 - 512) // 256
    at_burst = float(loss.weights[0, 300:400, frame].mean())
    elsewhere = float(loss.weights[0, 300:400, : frame - 20].mean())
    assert at_burst > 3.0 * elsewhere


def test_the_map_does_not_beat_with_the_grid_of_patches() -> None:
    loss = PatchInfo()
    mean = torch.zeros(0)
    for step in range(30):
        sound = noise(COUNT, step)[None]
        loss(sound, sound[:, None])
        row = loss.weights[0].mean(dim=0)[:160]
        mean = row if step == 0 else mean + row
    line = torch.fft.rfft(mean - mean.mean()).abs()
    at_grid = len(mean) // 8  # one period per step of the patches
    around = torch.cat([line[at_grid - 5 : at_grid - 1], line[at_grid + 2 : at_grid + 6]])
    assert float(line[at_grid]) < 4.0 * float(around.mean())


def test_the_map_is_smooth_from_bin_to_bin() -> None:
    loss = PatchInfo()
    for step in range(3):
        sound = (noise(COUNT, step) + 5.0 * tone(700.0, COUNT, 0.3))[None]
        loss(sound, sound[:, None])
    step_down = loss.weights.diff(dim=-1).abs().max()
    span = loss.weights.max() - loss.weights.min()
    assert float(step_down) < 0.25 * float(span)  # a raised cosine of 16 bins rises by 0.2 a bin


def test_the_gradient_reaches_the_channels_only() -> None:
    target = noise(8_192)[None].requires_grad_()
    made = (0.5 * target.detach()[:, None]).requires_grad_()
    loss = PatchInfo()
    value, _ = loss(target.detach(), made)
    value.backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None
    assert float(made.grad.abs().sum()) > 0.0
    assert not loss.weights.requires_grad


def test_the_same_seed_learns_the_same_codes() -> None:
    def run(seed: int) -> torch.Tensor:
        loss = PatchInfo(seed=seed)
        for step in range(3):
            sound = noise(8_192, step)[None]
            loss(sound, sound[:, None])
        return loss.weights

    assert torch.equal(run(4), run(4))
    assert not torch.equal(run(4), run(5))


def test_a_number_of_codes_that_is_none_is_named() -> None:
    with pytest.raises(ValueRangeError, match="codes"):
        PatchInfo(codes=1)
