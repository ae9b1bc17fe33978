"""Exactly one: always one-hot, every logit has gradient, the right one is found, none left out."""

import math

import pytest
import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.nn.assign import hard_em, placed, score
from rtsynth.nn.choice import (
    GumbelChoice,
    ReluMixture,
    balance_loss,
    gumbel_noise,
    straight_through,
)
from tests.nn.known_scene import Scene, magnitude, scene


def recovered(index: Tensor, known: Scene) -> float:
    return float((index == known.truth).double().mean())


def test_every_sample_of_every_batch_is_exactly_one_hot() -> None:
    choice = GumbelChoice(30, 17, steps=40, seed=3)
    with torch.no_grad():
        choice.logits.copy_(torch.randn(30, 17, generator=torch.Generator().manual_seed(0)))
    for _ in range(40):
        weights = choice(5).detach()
        assert weights.shape == (5, 30, 17)
        assert ((weights == 0.0) | (weights == 1.0)).all()
        assert (weights.sum(-1) == 1.0).all()
        choice.advance(weights)
    assert choice.is_frozen


def test_in_expectation_the_gradient_reaches_every_logit() -> None:
    choice = GumbelChoice(4, 6, steps=10, seed=1)
    with torch.no_grad():
        choice.logits[:, 0] = 3.0
    value = torch.arange(6).double()
    (choice(4000) @ value).mean(0).sum().backward()
    gradient = choice.logits.grad
    assert gradient is not None
    assert (gradient.abs() > 1e-3).all()
    # what is worth more than the average is pushed up, what is worth less down
    assert (gradient[:, 5] > 0).all()
    assert (gradient[:, 0] < 0).all()


def test_a_choice_is_drawn_as_often_as_its_probability() -> None:
    logits = torch.tensor([0.0, 1.0, -1.0, 2.0]).double()
    noise = gumbel_noise((40_000, 4), torch.Generator().manual_seed(5))
    drawn = straight_through((logits + noise).softmax(-1)).mean(0)
    assert (drawn - logits.softmax(-1)).abs().max() < 0.01


def test_tau_falls_geometrically_then_the_choice_is_frozen() -> None:
    choice = GumbelChoice(3, 4, steps=100)
    taus = []
    for _ in range(100):
        taus.append(choice.tau)
        choice.advance(choice())
        if choice.is_frozen:
            with torch.no_grad():
                choice.logits.add_(torch.eye(3, 4).double() * choice.taken)
    assert taus[0] == pytest.approx(2.0)
    assert taus[30] == pytest.approx(math.sqrt(2.0 * 0.3))
    assert taus[60:] == pytest.approx([0.3] * 40)
    assert choice.index.tolist() == [0, 0, 0]
    assert choice().argmax(-1).tolist() == [0, 0, 0]


def test_the_same_seed_chooses_the_same() -> None:
    first, second, other = (GumbelChoice(20, 9, steps=10, seed=seed)(3) for seed in (7, 7, 8))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("seed", [0, 1])
def test_gumbel_recovers_the_resonances_of_a_known_bank(seed: int) -> None:
    known = scene(seed)
    target, shapes = magnitude(known.sound), magnitude(known.sounds)
    choice = GumbelChoice(len(known.truth), len(shapes), steps=200, seed=seed)
    log_gain = torch.full((len(known.truth),), -0.5).double().requires_grad_()
    optimiser = torch.optim.Adam(
        [{"params": choice.parameters(), "lr": 0.1}, {"params": [log_gain], "lr": 0.03}]
    )
    for _ in range(200):
        optimiser.zero_grad()
        weights = choice()
        events = torch.einsum("er,rft->eft", log_gain.exp()[:, None] * weights, shapes)
        difference = placed(events, known.onset_frame, target.shape[1]) - target
        loss = difference.square().sum() / target.square().sum() + choice.balance_loss()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        choice.advance(weights)
    assert recovered(choice.index, known) >= 0.95


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hard_em_recovers_the_resonances_of_a_known_bank(seed: int) -> None:
    known = scene(seed, resonances=16)
    found = hard_em(magnitude(known.sound), known.onset_frame, magnitude(known.sounds))
    assert recovered(found.index, known) >= 0.95
    assert (found.gain / known.gain).log().abs().median() < 0.1


def test_hard_em_explains_no_less_with_every_sweep() -> None:
    known = scene(5)
    target, shapes = magnitude(known.sound), magnitude(known.sounds)
    errors = []
    for sweeps in (1, 2, 3):
        found = hard_em(target, known.onset_frame, shapes, sweeps)
        model = placed(
            found.gain[:, None, None] * shapes[found.index], known.onset_frame, target.shape[1]
        )
        errors.append(float((model - target).square().sum()))
    assert errors[0] > errors[1] >= errors[2] - 1e-9


def test_a_score_is_the_energy_that_subtraction_removes() -> None:
    random = torch.Generator().manual_seed(2)
    patches = torch.rand(3, 5, 7, generator=random, dtype=torch.float64)
    sounds = torch.rand(4, 5, 7, generator=random, dtype=torch.float64)
    explained, gain = score(patches, sounds)
    left = (patches[:, None] - gain[..., None, None] * sounds).square().sum((2, 3))
    assert torch.allclose(explained, patches.square().sum((1, 2))[:, None] - left)
    assert not score(-patches, sounds)[1].any()


def test_equal_use_is_balanced_and_one_favourite_costs_ln_r() -> None:
    assert float(balance_loss(torch.zeros(6, 8))) == pytest.approx(0.0, abs=1e-6)
    assert float(balance_loss(50.0 * torch.eye(8))) == pytest.approx(0.0, abs=1e-6)
    favourite = torch.zeros(6, 8)
    favourite[:, 3] = 50.0
    assert float(balance_loss(favourite)) == pytest.approx(math.log(8.0), rel=1e-5)


def test_use_is_balanced_in_the_first_half_only() -> None:
    choice = GumbelChoice(5, 4, steps=10)
    with torch.no_grad():
        choice.logits[:, 1] = 9.0
    costs = []
    for _ in range(10):
        costs.append(float(choice.balance_loss().detach()))
        choice.advance(choice())
    assert costs[:5] == pytest.approx([costs[0]] * 5)
    assert costs[0] > 0.01
    assert costs[5:] == [0.0] * 5


def test_what_nobody_chose_for_long_is_neglected_until_it_is_offered() -> None:
    choice = GumbelChoice(6, 4, steps=1000, patience=20)
    weights = torch.eye(4).double()[torch.tensor([0, 1, 1, 3, 3, 0])]
    for count in range(20):
        assert choice.neglected().tolist() == [], count
        choice.advance(weights)
    assert choice.neglected().tolist() == [2]
    with torch.no_grad():
        choice.logits[:, 1] = 4.0
    choice.offer(2, torch.tensor([4, 5]))
    assert choice.neglected().tolist() == []
    assert choice.logits[4:, 2].tolist() == [4.0, 4.0]
    assert choice.logits[:4, 2].tolist() == pytest.approx([1.0] * 4)


def test_a_mixture_ends_with_its_largest_weights_only() -> None:
    mixture = ReluMixture(5, 12, steps=10, active=3)
    for _ in range(6):
        assert (mixture() > 0).sum(-1).tolist() == [12] * 5
        mixture.advance()
    weights = mixture()
    assert (weights > 0).sum(-1).tolist() == [3] * 5
    assert weights.amax(-1).tolist() == mixture.raw.amax(-1).tolist()
    with pytest.raises(ValueRangeError, match="1 … 12"):
        ReluMixture(5, 12, steps=10, active=13)


def test_sparsity_counts_who_shares_an_event_at_any_level() -> None:
    mixture = ReluMixture(2, 8, steps=10)
    with torch.no_grad():
        mixture.raw.fill_(-1.0)
        mixture.raw[0, :4], mixture.raw[1, 2] = 0.1, 5.0
    assert float(mixture.sparsity_loss().detach()) == pytest.approx(1.5)


def test_placing_is_adding_at_the_onsets() -> None:
    sounds = torch.ones(2, 3, 4)
    assert placed(sounds, torch.tensor([1, 3]), 6).tolist() == [[0, 1, 1, 2, 2, 1]] * 3
