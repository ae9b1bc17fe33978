"""The two global losses that all others are compared with. Thread: worker.

`g1 = |T(x) − T(Σ c)|₁` looks at the sum only. `g2 = |T(x) − Σ T(c)|₁` charges channels that overlap
or cancel, since `Σ T(c) ≥ T(Σ c)`: it keeps events apart and playable on their own. Subtracting the
channels one after the other and summing how the residual falls is g2 again, in any order.
"""

from torch import Tensor

from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor, Magnitudes, MultiScaleMag

__all__ = ["MagnitudeOfSum", "SumOfMagnitudes", "distance"]


class MagnitudeOfSum(TransformLoss):
    """`g1`: the magnitude of the sum, whatever the channels are. Permutation invariant."""

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """`|T(x) − T(Σ c)|₁ / |T(x)|₁`."""
        made = self.transform.with_floor(self.transform.of(spectra, "mix"), floor)
        value = distance(self.transform, spectra, made)
        return value, {"g1": value}


class SumOfMagnitudes(TransformLoss):
    """`g2`: the sum of the channels' magnitudes. Permutation invariant."""

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """`|T(x) − Σ T(c)|₁ / |T(x)|₁`."""
        made = [part.sum(dim=1) for part in self.transform.of(spectra, "channels")]
        value = distance(self.transform, spectra, self.transform.with_floor(made, floor))
        return value, {"g2": value}


def distance(transform: MultiScaleMag, spectra: Spectra, made: Magnitudes) -> Tensor:
    """`|T(x) − made|₁ / |T(x)|₁`, over all windows."""
    total = spectra.channels.new_zeros(())
    for wanted, found in zip(transform.of(spectra, "target"), made, strict=True):
        total = total + (wanted - found).abs().sum()
    return total / transform.total(spectra)
