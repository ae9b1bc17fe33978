"""A codebook of event vectors: k-means, so that an event may name its vector by a number.

Choices from a learned set generalise, continuous vectors describe; `rtsynth.metrics.sparsity`
counts the bits of both. First centres after Arthur & Vassilvitskii 2007. Thread: worker.
"""

import dataclasses

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError

__all__ = ["ENTRIES", "Codebook"]

ENTRIES = 256
ROUNDS = 50


@dataclasses.dataclass(frozen=True)
class Codebook:
    """Arithmetic to choose from.

    Attributes:
        entries: [entries, coordinates] float64.
    """

    entries: Tensor

    @classmethod
    def learn(cls, vectors: Tensor, entries: int = ENTRIES, seed: int = 0) -> "Codebook":
        """The centres of at most `entries` clusters; no more than there are different vectors.

        Args:
            vectors: [events, coordinates], finite.
            entries: size wanted.
            seed: of the first centres.

        Raises:
            ValueRangeError: nothing to learn from, or a size below 1.
        """
        rows = vectors.detach().double()
        if entries < 1 or rows.ndim != 2 or len(rows) == 0 or not bool(rows.isfinite().all()):
            raise ValueRangeError(
                f"a codebook of {entries} entries from vectors of shape {tuple(vectors.shape)}; "
                "legal: at least 1 entry, and [events, coordinates] of finite numbers"
            )
        different = torch.unique(rows, dim=0)
        if len(different) <= entries:
            return cls(different)
        centres = _first_centres(rows, entries, torch.Generator().manual_seed(seed))
        for _ in range(ROUNDS):
            moved = _centres(rows, centres)
            if torch.equal(moved, centres):
                break
            centres = moved
        return cls(centres)

    def snap(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest entry of each vector.

        Args:
            vectors: [events, coordinates].

        Returns:
            codes [events] int64, and the entries themselves [events, coordinates].
        """
        codes = _distance(vectors.double(), self.entries).argmin(-1)
        return codes, self.entries[codes].to(vectors.dtype)


def _distance(rows: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(rows, centres, compute_mode="donot_use_mm_for_euclid_dist")


def _first_centres(rows: Tensor, count: int, random: torch.Generator) -> Tensor:
    """Each drawn with a chance that grows as its squared distance from those before."""
    chosen = [int(torch.randint(len(rows), (1,), generator=random))]
    nearest = _distance(rows, rows[chosen])[:, 0].square()
    for _ in range(count - 1):
        chosen.append(int(torch.multinomial(nearest, 1, generator=random)))
        nearest = torch.minimum(nearest, _distance(rows, rows[chosen[-1:]])[:, 0].square())
    return rows[chosen]


def _centres(rows: Tensor, centres: Tensor) -> Tensor:
    """The mean of what is nearest to each; a centre without any moves to the farthest vector."""
    distance, codes = _distance(rows, centres).min(-1)
    counts = torch.bincount(codes, minlength=len(centres))
    sums = torch.zeros_like(centres).index_add_(0, codes, rows)
    moved = sums / counts.clamp_min(1)[:, None]
    empty = (counts == 0).nonzero()[:, 0]
    moved[empty] = rows[distance.argsort(descending=True, stable=True)[: len(empty)]]
    return moved
