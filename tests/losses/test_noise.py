"""The noise statistic: its table, which residual, and its agreement with the reported metric."""

import numpy as np
import pytest
import torch
from torch import Tensor

from rtsynth.losses import NoiseW1, exponential_w1
from rtsynth.losses.spectra import short_time
from rtsynth.metrics.residual import noise_w1
from tests.losses.sounds import RATE, noise

COUNT = 3 * RATE
PARTIALS = ((220.0, 1.0), (440.0, 1.5), (700.0, 2.0), (1_500.0, 2.5), (3_000.0, 3.0))
TIME = torch.arange(COUNT, dtype=torch.float64) / RATE


def tones(phase: float = 0.0) -> Tensor:
    """[COUNT] five decaying partials of amplitude 1."""
    parts = [torch.exp(-d * TIME) * torch.sin(2 * np.pi * f * TIME + phase) for f, d in PARTIALS]
    return torch.stack(parts).sum(dim=0)


def power(sound: Tensor) -> Tensor:
    return short_time(sound[None], 1024, 256).abs() ** 2


def test_noise_of_any_gain_and_colour_is_noise_and_nothing_else_is() -> None:
    white = noise(COUNT)
    coloured = torch.from_numpy(np.convolve(white.numpy(), [1.0, 0.9, 0.5, 0.2], "same"))
    clicks = torch.zeros(COUNT, dtype=torch.float64)
    clicks[torch.randint(COUNT, (40,), generator=torch.Generator().manual_seed(0))] = 1.0
    found = [
        float(exponential_w1(power(sound)))
        for sound in (
            white, 100.0 * white, coloured * torch.exp(-1.5 * TIME), tones() + 0.05 * white,
            tones(), clicks,
        )
    ]  # fmt: skip
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert found[0] < 0.015
    assert found[2] < 0.025
    assert 0.08 < found[3] < 0.2
    assert found[4] > 0.25
    assert found[5] > 0.5


def test_it_is_what_the_report_calls_w1() -> None:
    for sound in (noise(COUNT), tones() + 0.05 * noise(COUNT)):
        spectrum = power(sound)
        reported = noise_w1(spectrum[0].T.numpy())
        assert reported is not None
        assert float(exponential_w1(spectrum)) == pytest.approx(reported, abs=1e-3)


def test_the_magnitude_form_is_blind_to_phase_and_graded_in_level() -> None:
    target = (tones() + 0.05 * noise(COUNT))[None]
    models = [tones(), tones(np.pi / 2), 0.9 * tones(), 0.5 * tones(), 0.0 * tones()]

    def table(form: str) -> list[float]:
        loss = NoiseW1(form, every=1)
        return [float(loss(target, model[None, None])[0]) for model in models]

    right, shifted, most, half, nothing = table("magnitude")
    assert shifted == pytest.approx(right, abs=5e-3)
    assert right < 0.03 < most < half < nothing
    right, shifted, *_ = table("waveform")
    assert right < 0.015
    assert shifted > 0.1  # only for models that are exact in phase
    assert table("power")[0] > 0.08  # the cross term is left


def test_one_bin_in_eight_says_the_same() -> None:
    spectrum = power(tones() + 0.05 * noise(COUNT))
    random = torch.Generator().manual_seed(0)
    some = float(exponential_w1(spectrum, random, 8))
    assert some == pytest.approx(float(exponential_w1(spectrum)), abs=0.02)


def test_nothing_left_is_nothing_to_say() -> None:
    made = torch.zeros(1, 1, 8_192, dtype=torch.float64, requires_grad=True)
    value, _ = NoiseW1()(torch.zeros(1, 8_192, dtype=torch.float64), made)
    value.backward()  # type: ignore[no-untyped-call]
    assert float(value.detach()) == 0.0


def test_descent_along_it_finds_the_level_of_a_tone_in_noise() -> None:
    target = (tones() + 0.05 * noise(COUNT))[None]
    gain = torch.tensor(0.6, dtype=torch.float64, requires_grad=True)
    loss = NoiseW1(every=1)
    for _ in range(30):
        value, _ = loss(target, gain * tones()[None, None])
        (slope,) = torch.autograd.grad(value, gain)
        with torch.no_grad():
            gain -= 0.02 * torch.sign(slope)
    assert 0.85 < float(gain.detach()) < 1.15
