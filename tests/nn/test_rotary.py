"""An age turns and damps coefficients, in phase for hours."""

import math

import numpy as np
import pytest
import torch

from rtsynth.nn.rotary import LOWEST_HZ, Rotary, frequency_groups, span_features
from rtsynth.units import LN1000

TURN = 2.0 * math.pi


def one_frequency(hz: float) -> Rotary:
    return Rotary(torch.full((1, 1), TURN * hz, dtype=torch.float64), torch.zeros(1, 1))


def unit() -> torch.Tensor:
    return torch.tensor([1.0, 0.0]).reshape(1, 1, 1, 2)


def test_an_hour_later_889_hz_is_still_in_phase() -> None:
    hz, age = 889.0, np.linspace(3_600.0, 3_600.01, 481) + 1e-4 / 3
    phi = one_frequency(hz)(unit(), torch.tensor(age)[None])[0, 0].detach().numpy()
    # the exact turn: 889 whole ones a second, and what is left of the age
    exact = np.exp(1j * TURN * (hz * (age - 3_600.0) + (hz * 3_600.0) % 1.0))
    ours = np.abs(phi[:, 0] + 1j * phi[:, 1] - exact).max()
    single = np.float32(TURN * hz) * age.astype(np.float32)
    wrong = np.abs(np.exp(1j * single.astype(float)) - exact).max()
    assert ours < 1e-5  # radians
    assert wrong > 1.0  # what float32 phases would give


def test_conditioning_is_multiplicative_per_frequency() -> None:
    rotary = Rotary(frequency_groups(4, 16, 200.0))
    h = torch.randn(2, 4, 16, 2, generator=torch.Generator().manual_seed(0))
    age = torch.linspace(0.0, 3.0, 50).double().expand(2, 50)
    doubled = h.clone()
    doubled[:, 1, 5] *= 2.0
    before, after = rotary(h, age), rotary(doubled, age)
    factor = torch.ones(4, 32)
    factor[1, [5, 16 + 5]] = 2.0
    assert torch.equal(after, before * factor[:, None, None])


def test_a_linear_read_out_is_a_bank_of_damped_modes() -> None:
    rng = np.random.default_rng(1)
    freq_hz = np.exp(rng.uniform(np.log(50.0), np.log(12_000.0), (4, 16)))
    t60_s = np.exp(rng.uniform(np.log(0.05), np.log(5.0), (4, 16)))
    amplitude = rng.normal(size=(4, 16)) + 1j * rng.normal(size=(4, 16))
    amplitude /= np.abs(amplitude).sum()
    age = np.arange(4_800) / 48_000
    pole = -LN1000 / t60_s + 2j * np.pi * freq_hz
    bank = (amplitude[..., None] * np.exp(pole[..., None] * age)).sum((0, 1)).real
    rotary = Rotary(torch.tensor(TURN * freq_hz), torch.tensor(LN1000 / t60_s))
    h = torch.tensor(np.stack([amplitude.real, amplitude.imag], -1)).float()
    phi = rotary(h[None], torch.tensor(age)[None])
    read_out = phi[..., :16].sum((0, -1))[0].detach().numpy()
    assert np.abs(read_out - bank).max() < 1e-5  # of a full scale of 1
    assert np.abs(bank).max() > 0.05


def test_members_hold_neighbouring_octaves_from_a_quarter_hertz_up() -> None:
    groups = frequency_groups(4, 16, 19_200.0) / TURN
    flat = groups.flatten()
    assert float(flat[0]) == pytest.approx(LOWEST_HZ, rel=1e-12)
    assert float(flat[-1]) == pytest.approx(19_200.0, rel=1e-12)
    ratio = flat[1:] / flat[:-1]
    assert torch.allclose(ratio, ratio[0].expand(63), rtol=1e-12)


def test_a_learned_frequency_never_leaves_its_slot() -> None:
    rotary = Rotary(frequency_groups(4, 16, 200.0), learn_frequencies=True)
    generator = torch.Generator().manual_seed(2)
    for size in (0.1, 10.0, 1e4):
        with torch.no_grad():
            rotary.shift.copy_(torch.randn(4, 16, generator=generator) * size)
        flat = rotary.omega().flatten()
        assert bool((flat[1:] >= flat[:-1] * (1.0 - 1e-12)).all())


def test_no_decay_grows() -> None:
    rotary = Rotary(frequency_groups(4, 16, 200.0))
    with torch.no_grad():
        rotary.decay.normal_(generator=torch.Generator().manual_seed(3))
    assert float(rotary.alpha().detach().min()) >= 0.0
    assert float(rotary.decay.detach().min()) < 0.0  # so that this proves something


def test_gradients_of_frequency_decay_and_coefficients_are_the_finite_differences() -> None:
    rotary = Rotary(frequency_groups(2, 3, 40.0), learn_frequencies=True).double()
    generator = torch.Generator().manual_seed(4)
    h = torch.randn(2, 2, 3, 2, generator=generator).double().requires_grad_()
    age = torch.tensor([[0.01, 0.4], [0.2, 1.3]]).double()
    with torch.no_grad():
        rotary.shift.normal_(generator=generator)

    def positions(h: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(rotary(h, age))

    assert torch.autograd.gradcheck(positions, (h, rotary.shift, rotary.decay))


def test_a_share_of_an_endless_duration_is_no_feature() -> None:
    age = torch.tensor([[0.0, 0.5, 3_600.0]] * 3)
    duration = torch.tensor([1.0, math.inf, 0.0])
    found = span_features(age, duration, torch.float32)
    assert not found[1:, :, 1:].any()
    assert torch.allclose(found[:, :, 0], torch.log1p(age * 1e3))
    assert torch.allclose(found[0, 1, 1:], torch.tensor([0, -1, 0, 1, 1, 0, -1, 0.0]), atol=1e-6)
