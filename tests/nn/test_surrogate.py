"""Frequencies by descent: where a cosine is stuck the surrogate arrives, down to the bound."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.nn.damped import ring
from rtsynth.nn.frequency import learn_frequencies, learn_modes
from rtsynth.nn.project import Poles, polish, powers, residual, solve_amplitude
from rtsynth.nn.surrogate import SurrogateBank, residual_peak
from rtsynth.units import LN1000

LENGTH = 64
NEAR = 0.01  # rad/sample


def uniform(*shape: int, seed: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(omega: Tensor, phase: Tensor | float = 0.0, length: int = LENGTH) -> Tensor:
    return torch.cos(omega[..., None] * torch.arange(length) + torch.as_tensor(phase)[..., None])


def descended(
    start: Tensor, target: Tensor, steps: int = 2000, rate: float = 3e-3
) -> SurrogateBank:
    bank = SurrogateBank(1, len(start), unit_grad=True)
    bank.place(start[:, None], torch.full((len(start), 1), 1e-3).double())
    optimiser = torch.optim.SGD(bank.parameters(), rate)
    for _ in range(steps):
        optimiser.zero_grad()
        (bank(LENGTH) - target).square().mean(-1).sum().backward()
        optimiser.step()
    return bank


def random_starts() -> tuple[Tensor, Tensor]:
    """The paper's demonstration (1.002 towards 0.250 rad/sample), then 20 random pairs."""
    start = torch.cat([torch.tensor([1.002]).double(), math.pi * uniform(20, seed=1)])
    return start, torch.cat([torch.tensor([0.250]).double(), math.pi * uniform(20, seed=2)])


def test_the_surrogate_arrives_from_everywhere() -> None:
    start, omega = random_starts()
    found = descended(start, cosine(omega)).omega.abs().detach()[:, 0]
    assert (found - omega).abs().max() < NEAR


def test_a_real_cosine_stays_stuck_almost_everywhere() -> None:
    start, omega = random_starts()
    target, found = cosine(omega), start.clone().requires_grad_()
    optimiser = torch.optim.SGD([found], 3e-3)
    for _ in range(2000):
        optimiser.zero_grad()
        (cosine(found) - target).square().mean(-1).sum().backward()  # type: ignore[no-untyped-call]
        assert found.grad is not None
        found.grad.sign_()
        optimiser.step()
    arrived = (found.detach() - omega).abs() < NEAR
    assert not arrived[0]
    assert int(arrived.sum()) <= 3


@pytest.mark.parametrize("seed", [0, 1])
def test_descent_and_polish_reach_twice_the_cramer_rao_bound_at_20_db(seed: int) -> None:
    count, power = 100, 0.5 / 100.0
    omega = 0.2 + 2.7 * uniform(count, seed=seed)
    signal = cosine(omega) + math.sqrt(power) * normal(count, LENGTH, seed=seed)
    bank = descended(math.pi * uniform(count, seed=9), signal)
    found = polish(signal, bank.read_off(signal), damped=False)
    # variance of ω is at least 24 σ² / (A² N (N² − 1)) for one real sinusoid (Rife & Boorstyn 1974)
    bound = math.sqrt(24.0 * power / (LENGTH * (LENGTH**2 - 1)))
    assert 0.8 * bound < (found.omega[:, 0] - omega).square().mean().sqrt() < 2.0 * bound


@pytest.mark.parametrize("damped", [False, True])
def test_the_learner_reaches_twice_the_cramer_rao_bound_at_any_phase(damped: bool) -> None:
    count, length, power = 60, 128, 0.5 / 100.0
    omega, phase = 0.2 + 2.7 * uniform(count, seed=3), 2.0 * math.pi * uniform(count, seed=4)
    signal = cosine(omega, phase, length) + math.sqrt(power) * normal(count, length, seed=5)
    found = learn_frequencies(signal, 1, damped=damped)
    bound = math.sqrt(24.0 * power / (length * (length**2 - 1)))
    assert (found.omega[:, 0] - omega).square().mean().sqrt() < 2.0 * bound


def test_eight_sinusoids_are_found_together() -> None:
    length = 512
    random = torch.Generator().manual_seed(0)
    omega = torch.stack([_apart(8, 2.0 / length, random) for _ in range(6)])
    level, phase = 0.1 + 0.9 * uniform(6, 8, seed=1), 2.0 * math.pi * uniform(6, 8, seed=2)
    found = learn_frequencies((level[..., None] * cosine(omega, phase, length)).sum(1), 8)
    assert (found.omega - omega).abs().max() < 1e-9
    assert (found.amplitude - torch.polar(level, phase)).abs().max() < 1e-6


def _apart(count: int, least: float, random: torch.Generator) -> Tensor:
    """Frequencies between 0.05 and 0.45 cycles, `least` cycles apart, in rad/sample."""
    while True:
        drawn = torch.rand(count, generator=random, dtype=torch.float64)
        cycles = (0.05 + 0.4 * drawn).sort().values
        if (cycles.diff() > least).all():
            return 2.0 * math.pi * cycles


def test_modes_of_a_struck_sound_are_learned() -> None:
    rate, length = 16_000, 2400
    freq = torch.tensor([311.0, 317.0, 940.0, 1870.0, 3100.0]).double()
    t60 = torch.tensor([0.9, 0.4, 0.6, 0.3, 0.15]).double()
    amplitude = torch.polar(torch.tensor([1.0, 0.5, 0.7, 0.3, 0.4]), torch.arange(5.0)).to(
        torch.complex128
    )
    s = torch.complex(-LN1000 / t60, 2.0 * math.pi * freq)
    sound = ring(s[None], amplitude[None], length, rate)[0] + 1e-4 * normal(length, seed=1)
    freq_hz, t60_s, found = learn_modes(sound.numpy(), rate, 5)
    assert np.abs(freq_hz - freq.numpy()).max() < 0.05  # Hz
    assert np.abs(t60_s / t60.numpy() - 1.0).max() < 0.01
    assert np.abs(found - amplitude.numpy()).max() < 0.01


@pytest.mark.parametrize("saturate", [False, True])
def test_the_projected_loss_has_the_gradient_of_its_differences(saturate: bool) -> None:
    signal, step = normal(2, 40, seed=6), 1e-6
    bank = SurrogateBank(3, 2, saturate=saturate, seed=2)
    bank.loss(signal).sum().backward()  # type: ignore[no-untyped-call]
    gradient, start = bank.stored.grad, bank.stored.detach().clone()
    assert gradient is not None
    for seed in range(5):
        direction = normal(2, 3, 2, seed=seed)
        ahead, behind = (
            float(_loss_at(bank, start + sign * step * direction, signal)) for sign in (1.0, -1.0)
        )
        expected = float((gradient * direction).sum())
        assert (ahead - behind) / (2.0 * step) == pytest.approx(expected, rel=1e-5, abs=1e-8)


@torch.no_grad()
def _loss_at(bank: SurrogateBank, stored: Tensor, signal: Tensor) -> Tensor:
    bank.stored.copy_(stored)
    return bank.loss(signal).sum()


def test_a_saturated_pole_never_grows() -> None:
    bank = SurrogateBank(4, 3, saturate=True)
    with torch.no_grad():
        bank.stored.mul_(50.0)
        assert (bank.decay >= 0.0).all()
        assert bank(10_000).abs().max() <= 4.0


def test_placed_poles_are_read_back() -> None:
    omega, decay = 3.0 * uniform(2, 4, seed=3), 0.01 + uniform(2, 4, seed=4)
    for saturate in (False, True):
        bank = SurrogateBank(4, 2, saturate=saturate)
        bank.place(omega, decay)
        assert torch.allclose(bank.omega, omega)
        assert torch.allclose(bank.decay, decay)


def test_merged_poles_part_and_the_missing_one_is_found() -> None:
    length = 256
    omega = torch.tensor([[0.5, 1.5]]).double()
    signal = cosine(omega, 0.0, length).sum(1)
    bank = SurrogateBank(2)
    bank.place(
        torch.tensor([[0.5, 0.5 + 0.9 * math.pi / length]]).double(),
        torch.full((1, 2), 1e-4).double(),
    )
    assert bank.merged(length).tolist() == [[False, True]]
    assert bank.part(signal) == 1
    assert (bank.omega.detach() - omega).abs().max() < 2.0 * math.pi / (4 * length)
    assert bank.part(signal) == 0


def test_phases_stay_exact_over_a_long_signal() -> None:
    wave = powers(torch.tensor([[0.2]], dtype=torch.float64), torch.zeros(1, 1).double(), 1_000_001)
    assert abs(complex(wave[0, 0, -1]) - np.exp(0.2j * 1_000_000)) < 1e-9


def test_what_is_left_is_orthogonal_to_every_wave() -> None:
    waves = powers(uniform(2, 3, seed=1), 0.01 * uniform(2, 3, seed=2), 100)
    signal = normal(2, 100, seed=3)
    left = residual(waves, solve_amplitude(waves, signal), signal)
    assert torch.einsum("bkn,bn->bk", waves, left.to(torch.complex128)).abs().max() < 1e-6


def test_polishing_never_raises_the_error() -> None:
    signal = normal(20, 100, seed=8)
    rough = Poles(
        3.0 * uniform(20, 3, seed=1),
        0.1 * uniform(20, 3, seed=2),
        torch.zeros(20, 3).to(torch.complex128),
    )
    found = polish(signal, rough, damped=True)

    def error(poles: Poles) -> Tensor:
        waves = powers(poles.omega, poles.decay, 100)
        return residual(waves, solve_amplitude(waves, signal), signal).square().sum(-1)

    assert (error(found) <= error(rough) + 1e-9).all()
    assert (found.decay >= 0.0).all()


def test_the_peak_of_a_residual_is_where_its_sinusoid_is() -> None:
    omega = 0.1 + 2.9 * uniform(30, seed=5)
    assert (residual_peak(cosine(omega, 0.0, 300)) - omega).abs().max() < math.pi / 300


def test_too_short_a_signal_is_refused() -> None:
    with pytest.raises(ValueRangeError, match="4 samples"):
        learn_frequencies(torch.zeros(15), 4)
