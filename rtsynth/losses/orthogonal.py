"""Events that sound in the same places of the spectrum are charged for it. Thread: worker.

Events compared bin by bin would rather become slices of time, each over the full band: slices do
not overlap. So spectra are blurred in time first, and a short blur does not help: two halves of one
noise look alike only once it is as long as they are. The whole mean over time is the default.
"""

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.losses.loss import Parts, SharedLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor

__all__ = ["Orthogonal", "blurred"]

SIZE, HOP = 512, 128
HEARD = 0.01  # of its loudest frame: a frame where an event sounds


def blurred(magnitude: Tensor, width: int | None) -> Tensor:
    """Running mean over `width` analysis frames; over all of them, [..., bins, 1], if None.

    Args:
        magnitude: [..., bins, frames].
        width: odd, as beyond the ends there is silence.
    """
    if width is None:
        return magnitude.mean(dim=-1, keepdim=True)
    flat = magnitude.reshape(-1, 1, magnitude.shape[-1])
    found = torch.nn.functional.avg_pool1d(flat, width, stride=1, padding=width // 2)
    return found.reshape(magnitude.shape)


class Orthogonal(SharedLoss):
    """Mean cosine of pairs of blurred spectra, `1/(E(E−1)) Σ_{e≠f} g_e g_f <u_e,u_f>`.

    The gains of the events do not matter, so silence gains nothing; g is 0 for a channel below the
    floor. Permutation invariant.

    Args:
        width: analysis frames of the blur (hop 128 samples), odd; None for the whole mean.
        floor_rms: RMS amplitude below which a channel is silent.
        near_only: leave out pairs whose onsets are farther apart than half of the longer one's
            support: the same note struck again is no fault.
    """

    def __init__(
        self, width: int | None = None, floor_rms: float = 1e-5, near_only: bool = False
    ) -> None:
        if width is not None and not (1 <= width <= 65_535 and width % 2):
            raise ValueRangeError(f"width = {width}; legal: odd, 1 … 65535, or None", field="width")
        if not 0.0 < floor_rms < 1.0:
            raise ValueRangeError(f"floor_rms = {floor_rms}; legal: 0 … 1", field="floor_rms")
        self.width, self.floor_rms, self.near_only = width, floor_rms, near_only

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Part: `orthogonal`."""
        spectrum = spectra.stft("channels", SIZE, HOP)
        smooth = (self.floor_rms * SIZE / 8) ** 2
        magnitude = torch.sqrt(spectrum.real**2 + spectrum.imag**2 + smooth) - smooth**0.5
        flat = blurred(magnitude, self.width).flatten(2)
        unit = flat / torch.sqrt(flat.square().sum(-1, keepdim=True) + smooth)
        heard = spectra.channels.detach().square().mean(-1).sqrt() > self.floor_rms
        pairs = (heard[:, :, None] & heard[:, None, :]).to(unit)
        if self.near_only:
            pairs = pairs * _near(magnitude.detach())
        pairs = pairs - torch.diag_embed(torch.diagonal(pairs, dim1=1, dim2=2))
        events = unit.shape[1]
        count = max(1, len(unit) * events * (events - 1))
        value = (pairs * (unit @ unit.transpose(1, 2))).sum() / count
        return value, {"orthogonal": value}


def _near(magnitude: Tensor) -> Tensor:
    """[B, E, E] 1 where two onsets lie within half of the longer support."""
    loud = magnitude.square().sum(dim=-2)
    heard = loud > HEARD * loud.amax(dim=-1, keepdim=True)
    first = heard.to(loud).argmax(dim=-1)
    support = heard.sum(dim=-1)
    apart = (first[:, :, None] - first[:, None, :]).abs()
    longer = torch.maximum(support[:, :, None], support[:, None, :])
    return (apart <= 0.5 * longer).to(loud)
