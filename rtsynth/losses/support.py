"""Where an event is: the fewest bins that hold most of its energy. Thread: worker.

An event is asked to explain what lies in its support and to be silent elsewhere. So it has a task
that ends: an event that is right costs nothing though others are still missing.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor, Magnitudes, MultiScaleMag

__all__ = ["Support", "dilated", "support_mask", "support_masks"]

SHARE = 0.9
BISECTIONS = 14
LEAST = 2.0**-40  # of the loudest bin's energy; below lies nothing that counts


@torch.no_grad()
def support_mask(power: Tensor, share: float = SHARE) -> Tensor:
    """[..., bins, frames] bool, the loudest bins that together hold `share` of the energy.

    The level that separates them is found by bisection, to 0.01 dB: no bin is sorted.

    Args:
        power: [..., bins, frames] ≥ 0.
        share: 0 … 1.
    """
    peak = power.amax(dim=(-2, -1), keepdim=True)
    wanted = share * power.sum(dim=(-2, -1), keepdim=True)
    low = torch.full_like(peak, LEAST).log2()
    high = torch.zeros_like(peak)
    level = power / peak.clamp_min(torch.finfo(power.dtype).tiny)
    wanted = wanted / peak.clamp_min(torch.finfo(power.dtype).tiny)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        held = torch.where(level >= middle.exp2(), level, 0.0).sum(dim=(-2, -1), keepdim=True)
        low, high = (
            torch.where(held >= wanted, middle, low),
            torch.where(held >= wanted, high, middle),
        )
    return (level >= low.exp2()) & (peak > 0.0)


def dilated(mask: Tensor) -> Tensor:
    """The mask grown by one bin to every side."""
    flat = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    grown = torch.nn.functional.max_pool2d(flat, 3, stride=1, padding=1)
    return grown.reshape(mask.shape) > 0.5


def support_masks(transform: MultiScaleMag, spectra: Spectra, share: float = SHARE) -> list[Tensor]:
    """The dilated support of every channel on every grid of T, [B, E, bins, frames] each."""
    return spectra.once(
        ("support", transform, share),
        lambda: [
            dilated(support_mask(power.detach(), share))
            for power in transform.powers(spectra, "channels")
        ],
    )


class Support(TransformLoss):
    """Every event explains its own support, and nothing else. Permutation invariant.

    `Σ_e |m_e (sg(r + T(c_e)) − T(c_e))|₁ + beta |(1 − m_e) T(c_e)|₁`, relative to `|T(x)|₁`, with
    `r = T(x) − T(Σ c)` and sg stopping the gradient. The second part is the cure for noisy tails.

    Args:
        beta: weight of what lies outside.
        share: of its energy that makes an event's support.
        transform: settings of `MultiScaleMag`.
    """

    def __init__(
        self,
        beta: float = 0.1,
        share: float = SHARE,
        transform: MultiScaleMag | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(transform)
        if not 0.0 <= beta <= 100.0:
            raise ValueRangeError(f"beta = {beta}; legal: 0 … 100", field="beta")
        if not 0.0 < share < 1.0:
            raise ValueRangeError(f"share = {share}; legal: between 0 and 1", field="share")
        self.beta, self.share = beta, share

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Parts: `explained` within the supports, `outside` of them."""
        transform = self.transform
        masks = support_masks(transform, spectra, self.share)
        events = transform.of(spectra, "channels")
        made = transform.with_floor(transform.of(spectra, "mix"), floor)
        left = [x - y for x, y in zip(transform.of(spectra, "target"), made, strict=True)]
        targets = [(own + rest[:, None]).detach() for own, rest in zip(events, left, strict=True)]
        explained, outside = masked_parts(events, targets, masks)
        total = transform.total(spectra)
        parts = {"explained": explained / total, "outside": self.beta * outside / total}
        return parts["explained"] + parts["outside"], parts


def masked_parts(
    events: Magnitudes, targets: Magnitudes, masks: list[Tensor]
) -> tuple[Tensor, Tensor]:
    """Distance to the targets within the masks, and what of the events lies outside them."""
    explained, outside = events[0].new_zeros(()), events[0].new_zeros(())
    for own, target, mask in zip(events, targets, masks, strict=True):
        explained = explained + torch.where(mask, (target - own).abs(), 0.0).sum()
        outside = outside + torch.where(mask, 0.0, own).sum()
    return explained, outside
