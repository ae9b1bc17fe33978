"""The one loss that minds phases: how much of the target is left when the mix is taken away.

Magnitudes do not care where in its period a mode starts, so fitting them alone lets phases drift,
and soloing or subtracting an event then leaves more behind. Thread: worker.
"""

from torch import Tensor

from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor

__all__ = ["Phased"]


class Phased(TransformLoss):
    """`|T(x − Σ c)|₁ / |T(x)|₁`. Permutation invariant.

    A spectrum is linear, so the difference costs no further transform.
    """

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Part: `phased`."""
        left = self.transform.of(spectra, "left")
        total = spectra.channels.new_zeros(())
        for part in left:
            total = total + part.sum()
        value = total / self.transform.total(spectra)
        return value, {"phased": value}
