"""The field learns, draws what its definition draws, and starts as nothing."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.instrument import CONTROL_LIMITS, CONTROLS
from rtsynth.nn import NeuralField, Steps, member_overlap
from tests.random_field import random_vector, random_weights

Event = tuple[Tensor, Tensor, Tensor, Tensor]
BEND, WET = CONTROLS.index("bend"), CONTROLS.index("wet")


def three_events(ages: Any, seed: int = 0) -> Event:
    vector = np.stack([random_vector(seed + i) for i in range(3)])
    age = torch.as_tensor(ages, dtype=torch.float64).expand(3, -1)
    return torch.tensor([2, 0, 1]), torch.tensor(vector), age, torch.tensor([0.7, math.inf, 30.0])


def random_field(seed: int = 0) -> NeuralField:
    return NeuralField.from_weights(random_weights(seed))


@pytest.mark.parametrize("net", ["controls", "attack"])
def test_the_module_draws_what_the_definition_draws(net: str) -> None:
    weights = random_weights(1)
    ages = np.concatenate([np.arange(0.0, 0.12, 1e-3), np.geomspace(0.12, 3_600.0, 50)])
    resonance, vector, age, duration = three_events(ages)
    with torch.no_grad():
        draw = getattr(NeuralField.from_weights(weights), f"draw_{net}")
        got = draw(resonance, vector, age, duration).numpy()
    define = getattr(weights, f"draw_{net}")
    for e in range(3):
        want = define(int(resonance[e]), vector[e].numpy(), ages, float(duration[e]))
        assert np.abs(got[:, e] - want).max() < 1e-5 * np.abs(want).max()


def test_weights_survive_the_way_through_the_module() -> None:
    weights = random_weights(2)
    back = NeuralField.from_weights(weights, learn_frequencies=True).to_weights()
    back.validate(3)
    assert back.attack_s == weights.attack_s
    for name, array in weights.arrays().items():
        if name.endswith("alpha"):
            assert np.abs(back.arrays()[name] - array).max() < 1e-6 * array.max()
        else:
            assert np.array_equal(back.arrays()[name], array)


def test_an_untrained_field_draws_exactly_nothing() -> None:
    field, event = NeuralField(3, seed=1), three_events(np.arange(0.0, 0.1, 1e-3))
    assert not field.draw_controls(*event).any()
    assert not field.draw_attack(*event).any()


def test_moving_an_onset_changes_no_sample() -> None:
    field, grid = random_field(), np.arange(100) / 1024
    for onset_s in (0.0, 3_600.0, 86_400.0 + 3 / 1024):
        sound_at = onset_s + grid
        drawn = field.draw_attack(*three_events(sound_at - onset_s))
        assert torch.equal(drawn, field.draw_attack(*three_events(grid)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_any_partition_into_steps_is_the_whole(seed: int) -> None:
    field, period_s, count = random_field(seed), 1 / 48_000, 3_000
    resonance, vector, age, duration = three_events(np.arange(count) * period_s)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for draw in (field.draw_controls, field.draw_attack, field.controls, field.attack):
            whole = draw(resonance, vector, age, duration)
            axis = whole.dim() - (2 if whole.shape[-1] == len(CONTROLS) else 1)
            steps = Steps(draw, resonance, vector, duration, period_s)
            for trial in range(2):
                steps.reset()
                cuts = np.sort(rng.choice(np.arange(1, count), 5 + trial, replace=False))
                sizes = np.diff([0, *cuts, count])
                pieces = torch.cat([steps.step(int(n)) for n in sizes], axis)
                assert float((pieces - whole).abs().max()) < 1e-5 * float(whole.abs().max())


def test_a_member_is_exactly_as_loud_as_its_gain() -> None:
    field, event = random_field(), three_events(np.arange(50) * 1e-3)
    controls, attack = field.draw_controls(*event), field.draw_attack(*event)
    assert controls.shape == (4, 3, 50, len(CONTROLS))
    assert attack.shape == (4, 3, 50)
    low, high = torch.tensor(CONTROL_LIMITS).T
    for k in range(4):
        gains = torch.zeros(4)
        gains[k] = 0.5
        assert torch.equal(field.attack(*event, gains), 0.5 * attack[k])
        assert torch.equal(field.controls(*event, gains), (0.5 * controls[k]).clamp(low, high))


def test_gains_may_differ_from_event_to_event() -> None:
    field, event = random_field(), three_events(np.arange(50) * 1e-3)
    gains = torch.zeros(4, 3)
    gains[[0, 1, 3], [0, 1, 2]] = 2.0
    drawn = field.draw_attack(*event)
    want = 2.0 * torch.stack([drawn[0, 0], drawn[1, 1], drawn[3, 2]])
    assert torch.equal(field.attack(*event, gains), want)


def test_controls_never_leave_their_limits() -> None:
    field, event = random_field(), three_events(np.arange(50) * 1e-3)
    drawn = field.controls(*event, torch.full((4,), 1e6)).detach().numpy()
    assert (drawn >= CONTROL_LIMITS[:, 0]).all()
    assert (drawn <= CONTROL_LIMITS[:, 1]).all()


def test_an_event_that_is_no_number_leaves_the_others_untouched() -> None:
    field, event = random_field(), three_events(np.arange(50) * 1e-3)
    broken = event[1].clone()
    broken[1, 7] = torch.nan
    for draw in (field.draw_controls, field.draw_attack):
        before = draw(*event)
        after = draw(event[0], broken, event[2], event[3])
        assert bool(after[:, 1].isnan().all())
        assert torch.equal(after[:, [0, 2]], before[:, [0, 2]])


def test_after_one_step_every_weight_has_a_gradient() -> None:
    field = NeuralField(3, frequencies=4, hidden=8, learn_frequencies=True)
    event = three_events(np.arange(200) / 4_000)
    optimiser = torch.optim.Adam(field.parameters(), 1e-3)
    for _ in range(2):
        optimiser.zero_grad()
        loss = (field.controls(*event) - 1.0).square().mean()
        loss = loss + (field.attack(*event) - 1.0).square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    for name, parameter in field.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.any()), name


def test_a_small_field_learns_a_vibrato_and_an_attack() -> None:
    torch.manual_seed(0)
    field = NeuralField(1, frequencies=4, hidden=16, attack_s=0.02, sample_rate=8_000, seed=3)
    resonance, vector = torch.zeros(2, dtype=torch.long), torch.zeros(2, 32)
    vector[1, 0] = 12.0  # two events that differ in the depth of their vibrato
    duration = torch.full((2,), math.inf)
    slow = (torch.arange(128).double() / 64).expand(2, -1)
    fast = (torch.arange(160).double() / 8_000).expand(2, -1)
    depth = torch.tensor([[0.3], [1.0]])
    bend = (depth * torch.sin(2 * math.pi * 5.5 * slow) * (1 - torch.exp(-3 * slow))).float()
    click = (torch.exp(-300 * fast) * torch.cos(2 * math.pi * 900 * fast)).float()
    optimiser = torch.optim.Adam(field.parameters(), 0.01)
    plan = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 400)
    for _ in range(400):
        optimiser.zero_grad()
        wrong_bend = field.controls(resonance, vector, slow, duration)[..., BEND] - bend
        wrong_click = field.attack(resonance, vector, fast, duration) - click
        loss = wrong_bend.square().mean() + wrong_click.square().mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        plan.step()
    assert float(wrong_bend.detach().square().mean().sqrt()) < 0.02  # semitones, RMS
    assert float(wrong_click.detach().square().mean().sqrt()) < 0.02  # of a peak of 1


def test_members_that_draw_the_same_pay_and_members_apart_do_not() -> None:
    t = torch.arange(480) / 48_000
    tones = torch.stack([torch.sin(2 * math.pi * hz * t) for hz in (500, 2_000, 6_000, 15_000)])
    assert float(member_overlap(tones[:, None])) == 0.0
    assert float(member_overlap(tones[:1, None].expand(4, -1, -1))) == pytest.approx(0.7)
    assert float(member_overlap(torch.zeros(4, 2, 480))) == 0.0


def test_the_price_of_overlap_sends_members_apart() -> None:
    t = torch.arange(480) / 48_000
    tones = torch.stack([torch.sin(2 * math.pi * hz * t) for hz in (500, 2_000)])
    mix = torch.tensor([[1.0, 0.5], [0.5, 1.0]], requires_grad=True)
    before = member_overlap((mix @ tones)[:, None])
    before.backward()  # type: ignore[no-untyped-call]
    assert mix.grad is not None
    after = member_overlap(((mix - 0.5 * mix.grad) @ tones)[:, None])
    assert float(after.detach()) < float(before.detach())


@pytest.mark.parametrize(
    "variant", [{"members": 1}, {"encoding": "additive"}, {"members": 1, "encoding": "additive"}]
)
def test_a_variant_has_as_many_weights_starts_as_nothing_and_cannot_be_played(
    variant: dict[str, Any],
) -> None:
    def weights(field: NeuralField) -> int:
        return sum(p.numel() for p in field.parameters())

    field, event = NeuralField(3, **variant), three_events(np.arange(20) * 1e-3)
    assert weights(field) == pytest.approx(weights(NeuralField(3)), rel=0.02)
    assert not field.controls(*event).any()
    assert not field.attack(*event).any()
    with pytest.raises(ValueRangeError, match="for comparison only"):
        field.to_weights()


def test_beside_each_other_vector_and_age_do_not_multiply() -> None:
    """The additive encoding's position features are the same for every vector."""
    field, event = NeuralField(3, encoding="additive"), three_events(np.arange(20) * 1e-3)
    net = field.control_net
    frequencies = net.prototype.shape[2]
    h = net.condition(event[0], event[1])
    seen = net._features(h, event[2], event[3])[..., : 2 * frequencies]
    assert torch.equal(seen[:, 0], seen[:, 1])
    rotary = NeuralField(3).control_net
    seen = rotary._features(h, event[2], event[3])[..., : 2 * frequencies]
    assert not torch.allclose(seen[:, 0], seen[:, 1])


def test_a_seed_is_a_field() -> None:
    first, again, other = (NeuralField(2, seed=s).state_dict() for s in (5, 5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["control_net.w0"], other["control_net.w0"])


@pytest.mark.parametrize(
    "option", [{"members": 3}, {"attack_s": 0.0}, {"attack_s": 0.3}, {"encoding": "other"}]
)
def test_what_no_field_can_be_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(ValueRangeError, match="legal") as caught:
        NeuralField(1, **option)
    assert caught.value.field == next(iter(option))
