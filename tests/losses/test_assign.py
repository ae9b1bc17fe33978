"""Targets from a pursuit: every atom goes to the event it is most like."""

import pytest
import torch

from rtsynth.errors import RtsynthError
from rtsynth.losses import MpAssign, make_loss, mp_assign
from rtsynth.losses.assign import choose_event
from tests.losses.sounds import noise, notes

TRANSFORM = {"windows": [1024, 256]}


def atoms_of(events: torch.Tensor) -> torch.Tensor:
    """Two atoms per event: what of it lies before, and what after, a moment."""
    early = events.clone()
    early[..., 8_000:] = 0.0
    return torch.stack([early, events - early], dim=2).flatten(1, 2)


def test_every_atom_goes_to_the_event_it_was_cut_from_whatever_its_phase() -> None:
    events = notes()
    atoms = atoms_of(events)
    kept = atoms.abs().sum(dim=-1)[0] > 0
    owner = choose_event(-events, atoms)[0]
    expected = torch.arange(4).repeat_interleave(2)
    assert torch.equal(owner[kept], expected[kept])
    assert owner[~kept].tolist() == [-1] * int((~kept).sum())


def test_events_that_are_their_atoms_cost_nothing_and_the_rest_is_everybodys() -> None:
    events = notes()
    target = events.sum(dim=1)
    value, parts = mp_assign(target, events, atoms_of(events), transform=TRANSFORM)
    assert float(value) == pytest.approx(0.0, abs=1e-9)
    hiss = 0.01 * noise(16_384)[None]
    value, parts = mp_assign(target + hiss, events, atoms_of(events), transform=TRANSFORM)
    assert float(parts["mp_assign"]) == pytest.approx(0.0, abs=1e-9)
    assert float(parts["left"]) == pytest.approx(0.0, abs=1e-9)  # both leave the hiss


def test_an_event_without_atoms_is_asked_to_be_silent() -> None:
    events = notes()
    spare = torch.cat([events, 0.1 * noise(16_384)[None, None]], dim=1).requires_grad_()
    atoms = atoms_of(events)
    value, _ = mp_assign(events.sum(dim=1), spare, atoms, transform=TRANSFORM)
    (gradient,) = torch.autograd.grad(value, spare)
    downhill = -(gradient[0, 4] * spare.detach()[0, 4]).sum()
    assert float(downhill) < 0.0


def test_a_pursuit_may_be_given_and_must_be() -> None:
    events = notes()
    loss = MpAssign(lambda target: atoms_of(events), transform=TRANSFORM)
    assert float(loss(events.sum(dim=1), events)[0]) == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(RtsynthError, match="pursuit"):
        make_loss("mp_assign")(events.sum(dim=1), events)
