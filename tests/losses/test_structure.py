"""Attribution, orthogonality, nested dropout: what the events owe each other."""

import pytest
import torch

from rtsynth.errors import ValueRangeError
from rtsynth.losses import Attribution, NestedDropout, Orthogonal, shares
from rtsynth.losses.nested import by_importance, draw_count
from tests.losses.sounds import RATE, noise, notes, tone

BLUR = {1: 0.005, 25: 0.037, 65: 0.107, 129: 0.275, 257: 0.753, None: 0.997}
"""Cosine of two halves of one noise, by frames of blur; measured before, as our specification."""


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_equal_copies_cost_their_number_less_one(copies: int) -> None:
    sound = noise(8_192)
    events = (sound / copies).expand(1, copies, -1)
    assert float(Attribution()(sound[None], events)[0]) == pytest.approx(copies - 1.0, abs=2e-3)


def test_disjoint_events_cost_hardly_anything() -> None:
    events = torch.stack([tone(300.0, 16_384), tone(5_000.0, 16_384)])[None]
    value = Attribution({"windows": [1024]})(events.sum(dim=1), events)[0]
    assert float(value) < 0.02


def test_turning_events_down_does_not_lower_the_attribution() -> None:
    events = 0.5 * noise(8_192).expand(1, 2, -1)
    target = events.sum(dim=1)
    loud, quiet = (float(Attribution()(target, gain * events)[0]) for gain in (1.0, 0.1))
    assert quiet == pytest.approx(loud, rel=2e-3)


def test_shares_sum_to_one_where_anything_sounds() -> None:
    share = shares(torch.rand(1, 3, 5, 5, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(share.sum(dim=1), torch.ones(1, 5, 5), atol=1e-4)
    assert float(shares(torch.zeros(1, 3, 5, 5)).sum()) == 0.0


@pytest.mark.parametrize("width", list(BLUR))
def test_only_a_long_blur_tells_slices_of_noise_from_notes(width: int | None) -> None:
    sound = noise(round(1.5 * RATE))
    half = sound.clone()
    half[len(half) // 2 :] = 0.0
    slices = torch.stack([half, sound - half])[None]
    different = torch.stack([tone(440.0, len(sound)), tone(4_000.0, len(sound))])[None]
    loss = Orthogonal(width=width)
    alike = float(loss(slices.sum(dim=1), slices)[0])
    assert alike == pytest.approx(BLUR[width], abs=0.006)
    assert float(loss(different.sum(dim=1), different)[0]) < 0.002


def test_orthogonality_knows_no_gain_and_silence_gains_nothing() -> None:
    events = torch.stack([noise(8_192), noise(8_192, 1)])[None]
    target = events.sum(dim=1)
    loss = Orthogonal()
    value = float(loss(target, events)[0])
    scaled = events * torch.tensor([3.0, 0.01])[:, None]
    assert float(loss(target, scaled)[0]) == pytest.approx(value, rel=1e-2)
    events[:, 1] = 0.0
    assert float(loss(target, events)[0]) == 0.0  # a silent channel is no pair


def test_a_note_struck_again_later_is_no_fault() -> None:
    count = 2 * RATE
    events = torch.stack([tone(440.0, count, 0.6), tone(440.0, count, 0.6, onset=RATE)])[None]
    target = events.sum(dim=1)
    assert float(Orthogonal()(target, events)[0]) > 0.9
    assert float(Orthogonal(near_only=True)(target, events)[0]) == 0.0


def test_the_quiet_events_are_left_out_first() -> None:
    events = notes()
    loss = NestedDropout(all_of_them=0.0, seed=1)
    for _ in range(20):
        made = events.clone()
        kept = None
        loss(events.sum(dim=1), made)
        kept = loss.kept
        stay = by_importance(events)[0, :kept]
        value = loss_of_subset(events, stay)
        assert 1 <= kept <= 4
        assert value <= loss_of_subset(events, by_importance(events)[0, : max(1, kept - 1)])


def loss_of_subset(events: torch.Tensor, stay: torch.Tensor) -> float:
    subset = events[:, stay]
    return float(NestedDropout(all_of_them=1.0)(events.sum(dim=1), subset)[0])


def test_how_many_remain_is_geometric_with_a_mean_of_half() -> None:
    random = torch.Generator().manual_seed(0)
    drawn = [draw_count(400, 0.0, random) for _ in range(4_000)]
    below = [d for d in drawn if d < 400]
    assert min(drawn) >= 1
    assert len(below) / len(drawn) == pytest.approx(1.0 - 0.995**399, abs=0.02)
    everybody = [draw_count(400, 1.0, random) for _ in range(10)]
    assert everybody == [400] * 10
    assert draw_count(1, 0.0, random) == 1


def test_gradients_reach_only_those_that_remain() -> None:
    events = (0.8 * notes()).requires_grad_()
    loss = NestedDropout(all_of_them=0.0, seed=2)
    value, _ = loss(notes().sum(dim=1), events)
    (gradient,) = torch.autograd.grad(value, events)
    moved = (gradient[0].abs().sum(dim=-1) > 0).sum()
    assert int(moved) == loss.kept


def test_what_is_illegal_is_named() -> None:
    with pytest.raises(ValueRangeError, match="width"):
        Orthogonal(width=4)
    with pytest.raises(ValueRangeError, match="all_of_them"):
        NestedDropout(all_of_them=2.0)
