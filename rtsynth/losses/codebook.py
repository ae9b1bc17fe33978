"""How rare a patch of a spectrogram is: codes learned as it goes, per octave. Thread: worker.

Position in frequency must not be part of what is learned, or a model profits from putting one patch
everywhere. So every octave has a book of its own, and position only decides which one counts.
"""

import torch
from torch import Tensor

__all__ = ["CodeBook"]

FORGET = 0.98  # of the counts, per step
DEAD = 0.05  # a code counted less often is given to a patch of today
INFORMATION = 8.0  # nats at most
ALIKE = 1.0  # squared distance, where two patches of noise are 2 · dimensions apart
WHITE = 1e-3  # of the largest variance; directions with less are not blown up


class CodeBook:
    """K codes for patches of one octave, by k-means with forgetting, without gradient.

    Args:
        codes: K.
        dimensions: principal components, whitened, in which patches are compared.
        random: which patches become codes; on the processor.
    """

    def __init__(self, codes: int, dimensions: int, random: torch.Generator) -> None:
        self.codes, self.dimensions = codes, dimensions
        self._random = random
        self._steps = 0
        self._centre = self._count = self._mean = self._moment = torch.zeros(0)
        self._basis = torch.zeros(0)

    @torch.no_grad()
    def learn(self, patches: Tensor) -> None:
        """Take patches [P, values] in."""
        if self._steps == 0:
            self._begin(patches)
        self._steps += 1
        self._learn_basis(patches)
        code = self._nearest(patches)
        seen = torch.bincount(code, minlength=self.codes).to(patches)
        self._count = FORGET * self._count + seen
        self._move(patches, code, seen)

    @torch.no_grad()
    def information(self, patches: Tensor) -> Tensor:
        """How much each patch tells, `−log((n + 1) / (N + K))`.

        n is how often its code, N how often all were seen.

        Args:
            patches: [P, values].

        Returns:
            [P] nats, 0 … 8.
        """
        rare = (self._count + 1.0) / (self._count.sum() + self.codes)
        return (-torch.log(rare[self._nearest(patches)])).clamp(0.0, INFORMATION)

    def _begin(self, patches: Tensor) -> None:
        size = patches.shape[1]
        self._centre = patches[self._draw(len(patches), self.codes)].clone()
        self._count = patches.new_zeros(self.codes)
        self._mean = patches.mean(dim=0)
        self._moment = patches.new_zeros(size, size)
        self._basis = patches.new_zeros(size, min(self.dimensions, size))

    def _draw(self, among: int, count: int) -> Tensor:
        return torch.randint(among, (count,), generator=self._random)

    def _learn_basis(self, patches: Tensor) -> None:
        """Mean and spread of all that was seen; the axes anew after 1, 2, 4, 8 … steps."""
        share = 1.0 / self._steps if self._steps < 50 else 1.0 - FORGET
        self._mean = torch.lerp(self._mean, patches.mean(dim=0), share)
        centred = patches - self._mean
        self._moment = torch.lerp(self._moment, centred.T @ centred / len(patches), share)
        if self._steps & (self._steps - 1) == 0:
            variance, axes = torch.linalg.eigh(self._moment.double())
            kept = variance[-self._basis.shape[1] :].clamp_min(0.0)
            scale = torch.sqrt(kept + WHITE * kept.amax() + 1e-12)
            self._basis = (axes[:, -self._basis.shape[1] :] / scale).to(patches)

    def _nearest(self, patches: Tensor) -> Tensor:
        """[P] codes; of those that are as good as the nearest, the one seen most.

        Else one steady sound would share its patches out among many codes, and each look rare.
        """
        where = (patches - self._mean) @ self._basis
        book = (self._centre - self._mean) @ self._basis
        distance = book.square().sum(dim=1) - 2.0 * where @ book.T
        alike = distance <= distance.amin(dim=1, keepdim=True) + ALIKE
        return torch.where(alike, self._count, -1.0).argmax(dim=1)

    def _move(self, patches: Tensor, code: Tensor, seen: Tensor) -> None:
        """Codes to the mean of what they stand for; those that stand for nothing start anew."""
        total = torch.zeros_like(self._centre).index_add_(0, code, patches)
        share = seen / self._count.clamp_min(1e-9)
        mean = total / seen.clamp_min(1.0)[:, None]
        self._centre = torch.lerp(self._centre, mean, share[:, None] * (seen > 0)[:, None])
        dead = (self._count < DEAD).nonzero()[:, 0]
        self._centre[dead] = patches[self._draw(len(patches), len(dead)).to(dead.device)]
