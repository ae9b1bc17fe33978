"""By how many events each bin is explained. Thread: worker."""

import torch
from torch import Tensor

from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor

__all__ = ["Attribution", "shares"]

SILENT = 1e-6  # a sum of magnitudes below this is explained by nobody
LEAST = 1e-6  # share whose logarithm is still taken


def shares(magnitude: Tensor) -> Tensor:
    """Each channel's part of the sum, 0 where all are silent.

    Args:
        magnitude: [B, E, bins, frames] ≥ 0.
    """
    return magnitude / (magnitude.sum(dim=1, keepdim=True) + SILENT)


class Attribution(TransformLoss):
    """The mean number of events that explain a bin, less one. Permutation invariant.

    `Σ T(x) (n − 1) / Σ T(x)`, `n = exp(−Σ_e a_e log a_e)` with `a` the `shares`. Disjoint events
    cost 0, K equal copies K − 1. Being silent gains nothing: the shares have no scale.
    """

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Part: `attribution`."""
        wanted = self.transform.of(spectra, "target")
        total = spectra.channels.new_zeros(())
        for weight, own in zip(wanted, self.transform.of(spectra, "channels"), strict=True):
            share = shares(own)
            entropy = -(share * torch.log(share + LEAST)).sum(dim=1)
            total = total + (weight * torch.expm1(entropy)).sum()
        value = total / self.transform.total(spectra)
        return value, {"attribution": value}
