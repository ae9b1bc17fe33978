"""Losses that look at one channel at a time. Thread: worker.

The residual is `r = T(x) − T(Σ c)`, sg stops the gradient. Adding a channel to the residual and
taking it away again without sg is `|r|₁`, the global loss: the choice of the channel cancels. Only
the detached target moves one channel alone, through its own phase rather than the mixture's.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.support import masked_parts, support_masks
from rtsynth.losses.transform import Floor, Magnitudes, MultiScaleMag

__all__ = ["GreedySteps", "RandChannel"]

WORTH = 1e-4  # of the largest residual: smaller ones are masked out


class RandChannel(TransformLoss):
    """One channel, drawn at random, is asked for its share plus the residual.

    `|sg(r + T(c_i)) − T(c_i)|₁ / |T(x)|₁`: the value is that of g1, the gradient reaches c_i alone.
    Permutation invariant in distribution only.

    Args:
        affinity: draw i in proportion to `<T(c_i), relu(r)> / |T(c_i)|₂` rather than uniformly:
            otherwise every channel is pulled to every residual, and all become fuzzy.
        mask: only bins whose residual is above 1e-4 of the largest.
        seed: of the draws.
        transform: settings of `MultiScaleMag`.

    Attributes:
        drawn: [B] the channels drawn last.
    """

    def __init__(
        self,
        affinity: bool = False,
        mask: bool = False,
        seed: int = 0,
        transform: MultiScaleMag | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(transform)
        self.affinity, self.mask = affinity, mask
        self.drawn = torch.zeros(0, dtype=torch.int64)
        self._random = torch.Generator().manual_seed(seed)

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Part: `rand_channel`."""
        transform = self.transform
        made = transform.with_floor(transform.of(spectra, "mix"), floor)
        left = [
            (x - y).detach() for x, y in zip(transform.of(spectra, "target"), made, strict=True)
        ]
        events = transform.of(spectra, "channels")
        self.drawn = torch.multinomial(self._odds(events, left), 1, generator=self._random)[:, 0]
        at = self.drawn.to(events[0].device)
        row = torch.arange(len(at), device=at.device)
        most = max(float(part.abs().max()) for part in left)
        total = events[0].new_zeros(())
        for event, rest in zip(events, left, strict=True):
            own = event[row, at]
            miss = ((rest + own.detach()) - own).abs()
            total = total + (miss * (rest.abs() > WORTH * most) if self.mask else miss).sum()
        value = total / transform.total(spectra)
        return value, {"rand_channel": value}

    @torch.no_grad()
    def _odds(self, events: Magnitudes, left: Magnitudes) -> Tensor:
        """[B, E] on the processor, not all 0."""
        if not self.affinity:
            return torch.ones(events[0].shape[:2])
        fits, energy = (events[0].new_zeros(events[0].shape[:2]) for _ in range(2))
        for event, rest in zip(events, left, strict=True):
            fits = fits + (event * rest[:, None].relu()).sum(dim=(-2, -1))
            energy = energy + event.square().sum(dim=(-2, -1))
        odds = fits / energy.clamp_min(1e-30).sqrt()
        lost = odds.sum(dim=1, keepdim=True) <= 0.0
        return torch.where(lost, 1.0, odds).cpu()


class GreedySteps(TransformLoss):
    """From the loudest to the quietest, each explains all that is left when its turn comes.

    `Σ_k |m_k (sg(r_{k−1}) − T(c_k))|₁ + beta |(1 − m_k) T(c_k)|₁`, `r_k = sg(r_{k−1} − T(c_k))`,
    `r_0 = T(x)`, relative to `|T(x)|₁`. With m the event's support an event that is right is done;
    with m = 1 (`stop=False`) it is charged for all that others have yet to explain.
    Permutation invariant.

    Args:
        stop: the stop rule, by supports.
        beta: weight of what lies outside an event's support.
        transform: settings of `MultiScaleMag`.
    """

    def __init__(
        self,
        stop: bool = True,
        beta: float = 0.1,
        transform: MultiScaleMag | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(transform)
        self.stop, self.beta = stop, beta

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Parts: `greedy_steps`, and `outside` with the stop rule."""
        transform = self.transform
        events = transform.of(spectra, "channels")
        order = _loudest_first(events)
        targets = [
            _left_before(wanted, event, order)
            for wanted, event in zip(transform.of(spectra, "target"), events, strict=True)
        ]
        masks = [torch.ones_like(event, dtype=torch.bool) for event in events]
        if self.stop:
            masks = support_masks(transform, spectra)
        explained, outside = masked_parts(events, targets, masks)
        total = transform.total(spectra)
        parts = {"greedy_steps": explained / total}
        if self.stop:
            parts["outside"] = self.beta * outside / total
        return sum(parts.values(), start=total.new_zeros(())), parts


@torch.no_grad()
def _loudest_first(events: Magnitudes) -> Tensor:
    """[B, E] channels by `|T(c)|₁`, falling."""
    loud = events[0].new_zeros(events[0].shape[:2])
    for event in events:
        loud = loud + event.sum(dim=(-2, -1))
    return loud.argsort(dim=1, descending=True, stable=True)


@torch.no_grad()
def _left_before(wanted: Tensor, event: Tensor, order: Tensor) -> Tensor:
    """[B, E, bins, frames] what is left when each channel's turn comes, in the channels' order."""
    at = order[..., None, None].expand_as(event)
    taken = event.gather(1, at).cumsum(dim=1)
    left = wanted[:, None] - torch.cat([torch.zeros_like(taken[:, :1]), taken[:, :-1]], dim=1)
    return torch.empty_like(left).scatter_(1, at, left)
