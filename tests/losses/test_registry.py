"""What every loss of the registry promises."""

from typing import Any

import pytest
import torch

from rtsynth.losses import LOSSES, Loss, WeightedSum, make_loss
from rtsynth.losses.loss import SharedLoss
from tests.losses.sounds import noise, notes, tone

INVARIANT = sorted(set(LOSSES) - {"rand_channel"})
ALONE: dict[str, dict[str, Any]] = {"nested_dropout": {"all_of_them": 0.0}}


def made(name: str) -> Loss:
    settings = dict(ALONE.get(name, {}))
    if name == "mp_assign":
        settings["pursuit"] = lambda target: 0.5 * target[:, None]
    return make_loss(name, settings)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.parametrize("sounding", [False, True])
def test_silence_has_finite_value_and_gradient(name: str, sounding: bool) -> None:
    target = tone(440.0, 8_192)[None] if sounding else torch.zeros(1, 8_192, dtype=torch.float64)
    events = torch.zeros(1, 3, 8_192, dtype=torch.float64, requires_grad=True)
    value, parts = made(name)(target, events)
    value.backward()  # type: ignore[no-untyped-call]
    assert bool(torch.isfinite(value.detach()))
    assert all(bool(torch.isfinite(part.detach())) for part in parts.values())
    assert events.grad is None or bool(torch.isfinite(events.grad).all())


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_gradients_are_finite_where_one_event_is_silent(name: str) -> None:
    gain = torch.tensor([0.8, 0.0, 0.5, 1.0], dtype=torch.float64, requires_grad=True)
    target = notes().sum(dim=1)
    value, parts = made(name)(target, gain[:, None] * notes())
    value.backward()  # type: ignore[no-untyped-call]
    assert gain.grad is not None
    assert bool(torch.isfinite(gain.grad).all())
    assert float(value.detach()) == pytest.approx(
        sum(float(part.detach()) for part in parts.values()), rel=1e-9
    )


@pytest.mark.parametrize("name", INVARIANT)
def test_the_order_of_the_events_does_not_matter(name: str) -> None:
    events = notes() + 0.01 * torch.stack([noise(16_384, seed) for seed in range(4)])[None]
    target = notes().sum(dim=1) + 0.02 * noise(16_384, 9)[None]
    found = [
        float(made(name)(target, events[:, order])[0]) for order in ([0, 1, 2, 3], [2, 0, 3, 1])
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", ["g1", "g2", "support", "rand_channel", "greedy_steps"])
def test_a_loss_is_a_share_of_the_target(name: str) -> None:
    events = notes()
    target = 1.2 * events.sum(dim=1)
    loud, quiet = (float(made(name)(g * target, g * events)[0]) for g in (1.0, 0.05))
    assert quiet == pytest.approx(loud, rel=0.03)


def test_a_weighted_sum_is_the_sum_of_its_terms() -> None:
    events = 0.9 * notes()
    target = notes().sum(dim=1)
    terms = [("g2", 1.0), ("g1", 0.1), ("attribution", 0.05), ("patch_info", 0.05)]
    shared: list[tuple[SharedLoss, float]] = []
    for name, weight in terms:
        loss = make_loss(name)
        assert isinstance(loss, SharedLoss)
        shared.append((loss, weight))
    total, parts = WeightedSum(shared)(target, events)
    alone = sum(weight * float(make_loss(name)(target, events)[0]) for name, weight in terms)
    assert set(parts) == {name for name, _ in terms}
    assert float(total) == pytest.approx(alone, rel=1e-9)
    assert float(total) == pytest.approx(sum(float(p) for p in parts.values()), rel=1e-9)
