"""Some of the quiet events are left out, so that the loud ones stand on their own. Thread: worker.

Nested dropout (Rippel, Gelbart, Adams 2014): K events remain, K drawn from a geometric
distribution. What is learned is ordered by importance, and a score may be cut short anywhere.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.losses.global_l1 import distance
from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor, MultiScaleMag

__all__ = ["NestedDropout", "by_importance", "draw_count"]


@torch.no_grad()
def by_importance(channels: Tensor) -> Tensor:
    """[B, E] the channels by `|c|₂`, falling.

    Args:
        channels: [B, E, samples].
    """
    return channels.square().sum(dim=-1).argsort(dim=1, descending=True, stable=True)


def draw_count(events: int, all_of_them: float, random: torch.Generator) -> int:
    """How many events remain: all, or K ≥ 1 geometric with a mean of half of them.

    Args:
        events: how many there are.
        all_of_them: probability that none is left out.
        random: on the processor.
    """
    first, second = torch.rand(2, generator=random, dtype=torch.float64)
    mean = max(events / 2.0, 1.0)
    if float(first) < all_of_them or mean == 1.0:
        return events
    drawn = torch.log1p(-second) / torch.log1p(torch.tensor(-1.0 / mean, dtype=torch.float64))
    return min(events, 1 + int(drawn))


class NestedDropout(TransformLoss):
    """g1 or g2 of the K loudest channels, K drawn anew each time. Permutation invariant.

    Args:
        all_of_them: probability that none is left out.
        apart: g2 rather than g1.
        seed: of the draws.
        transform: settings of `MultiScaleMag`.

    Attributes:
        kept: how many remained last.
    """

    def __init__(
        self,
        all_of_them: float = 0.5,
        apart: bool = False,
        seed: int = 0,
        transform: MultiScaleMag | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(transform)
        if not 0.0 <= all_of_them <= 1.0:
            raise ValueRangeError(f"all_of_them = {all_of_them}; legal: 0 … 1", field="all_of_them")
        self.all_of_them, self.apart, self.kept = all_of_them, apart, 0
        self._random = torch.Generator().manual_seed(seed)

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Part: `nested_dropout`."""
        channels = spectra.channels
        self.kept = draw_count(channels.shape[1], self.all_of_them, self._random)
        stays = torch.zeros(channels.shape[:2], dtype=channels.dtype, device=channels.device)
        stays.scatter_(1, by_importance(channels)[:, : self.kept], 1.0)
        transform = self.transform
        if self.apart:
            gate = stays[..., None, None]
            made = [(gate * part).sum(dim=1) for part in transform.of(spectra, "channels")]
        else:
            made = transform((stays[..., None] * channels).sum(dim=1))
        value = distance(transform, spectra, transform.with_floor(made, floor))
        return value, {"nested_dropout": value}
