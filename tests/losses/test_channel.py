"""Losses of one channel at a time: identities, where their gradients go, and the stop rule."""

import pytest
import torch

from rtsynth.losses import (
    GreedySteps,
    MagnitudeOfSum,
    MultiScaleMag,
    RandChannel,
    SumOfMagnitudes,
    Support,
)
from rtsynth.losses.support import dilated, support_mask
from tests.losses.sounds import noise, notes, tone

TRANSFORM = MultiScaleMag(windows=(1024, 256, 64))


def test_the_drawn_channel_has_the_value_of_g1_and_all_of_the_gradient() -> None:
    events = (0.7 * notes()).requires_grad_()
    target = notes().sum(dim=1)
    loss = RandChannel(transform=TRANSFORM, seed=3)
    value, _ = loss(target, events)
    (gradient,) = torch.autograd.grad(value, events)
    g1 = MagnitudeOfSum(TRANSFORM)(target, events)[0]
    assert float(value.detach()) == pytest.approx(float(g1.detach()), rel=1e-12)
    moved = gradient[0].abs().sum(dim=-1) > 0
    assert moved.nonzero()[:, 0].tolist() == loss.drawn.tolist()


def test_with_overlap_a_channel_is_moved_through_its_own_phase() -> None:
    events = torch.stack([tone(440.0, 8_192), tone(445.0, 8_192)])[None].requires_grad_()
    target = 1.5 * events.detach().sum(dim=1)
    loss = RandChannel(transform=TRANSFORM)
    (own,) = torch.autograd.grad(loss(target, events)[0], events)
    (whole,) = torch.autograd.grad(MagnitudeOfSum(TRANSFORM)(target, events)[0], events)
    at = int(loss.drawn)
    cosine = torch.nn.functional.cosine_similarity(own[0, at], whole[0, at], dim=0)
    assert float(cosine) < 0.95


def test_adding_a_channel_back_without_detaching_is_g1_whichever_it_is() -> None:
    events = (0.7 * notes()).requires_grad_()
    target = notes().sum(dim=1)
    x, apart = TRANSFORM(target), [TRANSFORM(events[:, e]) for e in range(4)]
    mix = TRANSFORM(events.sum(dim=1))
    total = sum(float(part.sum()) for part in x)
    g1 = MagnitudeOfSum(TRANSFORM)(target, events)[0]
    (expected,) = torch.autograd.grad(g1, events)
    for own in apart:
        miss = [(((a - m) + c) - c).abs().sum() for a, m, c in zip(x, mix, own, strict=True)]
        loss = torch.stack(miss).sum() / total
        (found,) = torch.autograd.grad(loss, events, retain_graph=True)
        assert torch.allclose(found, expected, atol=1e-9)


def test_affinity_draws_the_channel_that_lacks_something() -> None:
    target = notes().sum(dim=1)
    events = notes()
    events[0, 2] *= 0.3
    loss = RandChannel(affinity=True, transform=TRANSFORM)
    drawn = [int((loss(target, events), loss.drawn)[1]) for _ in range(40)]
    assert drawn.count(2) > 30


def test_masking_leaves_out_bins_without_a_residual_worth_naming() -> None:
    target = notes().sum(dim=1)
    full = RandChannel(transform=TRANSFORM)(target, 0.5 * notes())[0]
    masked = RandChannel(mask=True, transform=TRANSFORM)(target, 0.5 * notes())[0]
    assert 0.9 * float(full) < float(masked) < float(full)


def test_with_the_stop_rule_two_disjoint_notes_that_are_right_are_done() -> None:
    events = torch.stack([tone(400.0, 16_384), tone(3_000.0, 16_384, gain=0.2)])[None]
    target = events.sum(dim=1)
    _, stopped = GreedySteps(transform=TRANSFORM)(target, events)
    _, endless = GreedySteps(stop=False, transform=TRANSFORM)(target, events)
    assert float(stopped["greedy_steps"]) < 0.02  # leakage of one into the other
    assert float(endless["greedy_steps"]) > 0.3  # the first is charged for the second


def test_greedy_steps_differ_from_g2_in_where_they_pull() -> None:
    gain = torch.tensor([0.7, 0.6], dtype=torch.float64, requires_grad=True)
    target = noise(8_192)[None]
    events = gain[:, None] * target[:, None]  # together too loud, the first alone too quiet
    greedy = GreedySteps(stop=False, transform=TRANSFORM)(target, events)[0]
    (pull,) = torch.autograd.grad(greedy, gain, retain_graph=True)
    (fall,) = torch.autograd.grad(SumOfMagnitudes(TRANSFORM)(target, events)[0], gain)
    assert (torch.sign(pull).tolist(), torch.sign(fall).tolist()) == ([-1.0, 1.0], [1.0, 1.0])


def test_a_support_holds_nine_tenths_of_the_energy_and_hardly_more() -> None:
    for sound in (noise(16_384), tone(700.0, 16_384), notes().sum(dim=1)[0]):
        power = (TRANSFORM(sound[None])[0] ** 2)[0]
        mask = support_mask(power)
        share = float(power[mask].sum() / power.sum())
        assert 0.9 <= share <= 0.95
        smallest = int((power.flatten().sort(descending=True).values.cumsum(0) < 0.9 * power.sum())
                       .sum()) + 1  # fmt: skip
        assert abs(int(mask.sum()) - smallest) <= 1 + 0.001 * smallest
        assert bool((dilated(mask) & mask == mask).all())


def test_silence_has_no_support() -> None:
    assert not bool(support_mask(torch.zeros(2, 9, 9)).any())


def test_a_perfect_event_explains_its_support_and_a_noisy_tail_costs() -> None:
    event = tone(600.0, 16_384, 0.5)[None, None]
    clean, parts = Support(transform=TRANSFORM)(event[:, 0], event)
    assert float(parts["explained"]) == pytest.approx(0.0, abs=1e-12)
    tail = 10 ** (-40 / 20) * 0.3 * noise(16_384)[None, None]
    noisy, _ = Support(transform=TRANSFORM)(event[:, 0], event + tail)
    assert float(noisy) > 1.5 * float(clean)
