"""Gates, the controller of a rate, the schedule, and bits."""

import math

import pytest
import torch

from rtsynth.errors import ValueRangeError
from rtsynth.losses import HardConcrete, RateController, SparsitySchedule, score_bits


def test_gates_are_exactly_open_or_closed_as_often_as_they_say() -> None:
    gates = HardConcrete(20_000, open_at_first=0.9)
    drawn = gates.sample().detach()
    assert float((drawn > 0).float().mean()) == pytest.approx(0.9, abs=0.01)
    wide_open = 1.0 / (1.0 + math.exp(-math.log(9.0) + 4.0 / 3.0 * math.log(11.0)))
    assert float((drawn == 1.0).float().mean()) == pytest.approx(wide_open, abs=0.01)
    assert float(gates.expected_count().detach()) == pytest.approx(18_000.0, rel=1e-4)


def test_closed_gates_stay_silent_and_open_ones_change_nothing() -> None:
    gates = HardConcrete(2)
    with torch.no_grad():
        gates.log_odds.copy_(torch.tensor([-10.0, 10.0]))
    assert gates().tolist() == [0.0, 1.0]
    gates().sum().backward()
    assert gates.log_odds.grad is not None
    assert bool(torch.isfinite(gates.log_odds.grad).all())


def test_the_same_seed_draws_the_same_gates() -> None:
    assert torch.equal(HardConcrete(9, seed=1).sample(), HardConcrete(9, seed=1).sample())


def test_no_pressure_before_two_fifths_and_four_times_as_much_at_the_end() -> None:
    schedule = SparsitySchedule(1_000)
    assert [schedule.share(step) for step in (0, 400, 425, 450, 700, 725, 750, 999)] == (
        pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0, 2.5, 4.0, 4.0])
    )
    assert SparsitySchedule.calibrate(3.0, 0.5) == pytest.approx(0.6)


def test_the_coefficient_starts_at_nothing_and_never_leaves_its_range() -> None:
    controller = RateController(8.0, every=1)
    assert controller.update(0, 4.0) == 0.0
    first = controller.update(1, 16.0)
    assert first == pytest.approx(1e-3 * math.exp(0.05))
    for step in range(2, 5_000):
        controller.update(step, 1e6)
    assert controller.weight == 10.0
    for step in range(5_000, 10_000):
        controller.update(step, 0.0)
    assert controller.weight == 0.0


def test_between_updates_nothing_changes() -> None:
    controller = RateController(1.0, every=100)
    assert [controller.update(step, 5.0) for step in range(99)] == [0.0] * 99
    assert controller.update(99, 5.0) > 0.0


def train(always: bool, steps: int = 1_200) -> tuple[float, float]:
    """Error at 40 % of the run, and the rate at its end, of 4 s with 8 events/s worth having."""
    random = torch.Generator().manual_seed(0)
    worth = torch.cat([1.0 + torch.rand(32, generator=random), 0.05 * torch.ones(128)])
    gates = HardConcrete(len(worth))
    optimiser = torch.optim.Adam(gates.parameters(), lr=0.1)
    controller = RateController(8.0, gain=0.3, every=10, weight=0.1 if always else 0.0)
    schedule = SparsitySchedule(steps)
    at_two_fifths = 0.0
    for step in range(steps):
        error = (worth * (1.0 - gates.sample())).square().sum() / worth.square().sum()
        pressed = always or schedule.share(step) > 0.0
        weight = controller.update(step, float((gates() > 0).sum()) / 4.0) if pressed else 0.0
        loss = error + weight * gates.expected_count() / len(worth)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        if step == int(0.4 * steps):
            at_two_fifths = float((worth * (1.0 - gates())).square().sum().detach())
    return at_two_fifths, float((gates() > 0).sum()) / 4.0


def test_the_rate_ends_at_its_target_and_reconstruction_comes_first() -> None:
    late, rate = train(always=False)
    early, _ = train(always=True)
    assert rate == pytest.approx(8.0, rel=0.1)  # events per second
    assert late < early


def test_bits_of_a_score() -> None:
    assert score_bits(1, 1_024, 4, 6.0) == pytest.approx(10.0 + 2.0 + 6.0)
    assert score_bits(0, 100, 4, 6.0) == 0.0
    assert score_bits(2, 4, 1, 0.0) == pytest.approx(math.log2(6.0))


def test_what_is_illegal_is_named() -> None:
    with pytest.raises(ValueRangeError, match="target"):
        RateController(0.0)
    with pytest.raises(ValueRangeError, match="open_at_first"):
        HardConcrete(3, open_at_first=1.0)
    with pytest.raises(ValueRangeError, match="begin"):
        SparsitySchedule(10, begin=0.9, again=0.5)
    with pytest.raises(ValueRangeError, match="events"):
        score_bits(5, 4, 1, 0.0)
