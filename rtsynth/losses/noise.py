"""Is what is left noise, in a form that has a gradient. Thread: worker.

The power of locally stationary Gaussian noise over its local mean is distributed as Exp(1). The
loss is the Wasserstein-1 distance from that: 0.01 for noise of any gain, 0.26 for decaying tones,
0.7 for clicks. It knows no scale, so it cannot say that the sounds are equal: use it beside g2.
"""

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.losses.loss import Parts, SharedLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor

__all__ = ["NoiseW1", "exponential_w1"]

SIZE, HOP = 1024, 256
NEIGHBOURS = 17
PRESENT = 1e-12  # of the largest power
FORMS = ("magnitude", "waveform", "power")


def exponential_w1(power: Tensor, random: torch.Generator | None = None, every: int = 1) -> Tensor:
    """Distance of power over its mean within 17 × 17 bins from Exp(1); 0 of silence.

    Args:
        power: [B, bins, frames] ≥ 0.
        random: of the subsample, on the processor.
        every: one in so many bins, drawn at random, is looked at.
    """
    local = _local_mean(power)
    present = (local > PRESENT * power.amax()).reshape(-1).nonzero()[:, 0]
    if len(present) == 0 or not bool(power.amax() > 0):
        return power.sum() * 0.0
    if every > 1:
        count = max(1, len(present) // every)
        chosen = torch.randint(len(present), (count,), generator=random)
        present = present[chosen.to(present.device)]
    ratio = power.reshape(-1)[present] / local.reshape(-1)[present]
    values = ratio.sort().values
    place = (torch.arange(len(values), device=values.device, dtype=values.dtype) + 0.5) / len(
        values
    )
    return (values + torch.log1p(-place)).abs().mean()


def _local_mean(power: Tensor) -> Tensor:
    half = NEIGHBOURS // 2
    wide = torch.nn.functional.pad(power[:, None], (half, half, half, half), mode="replicate")
    rows = torch.nn.functional.avg_pool2d(wide, (NEIGHBOURS, 1), stride=1)
    return torch.nn.functional.avg_pool2d(rows, (1, NEIGHBOURS), stride=1)[:, 0]


class NoiseW1(SharedLoss):
    """`exponential_w1` of what the channels leave of the target. Permutation invariant.

    Args:
        form: `magnitude`, relu(T(x) − Σ T(c))², blind to phase and graded with how much is
            explained; `waveform`, |x − Σ c|² for models that are exact in phase; `power`.
        every: one in so many bins is looked at.
        seed: of which.
    """

    def __init__(self, form: str = "magnitude", every: int = 8, seed: int = 0) -> None:
        if form not in FORMS:
            raise ValueRangeError(f"form = {form!r}; legal: {', '.join(FORMS)}", field="form")
        if not 1 <= every <= 1024:
            raise ValueRangeError(f"every = {every}; legal: 1 … 1024", field="every")
        self.form, self.every = form, every
        self._random = torch.Generator().manual_seed(seed)

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Part: `noise_w1`."""
        value = exponential_w1(self._left(spectra), self._random, self.every)
        return value, {"noise_w1": value}

    def _left(self, spectra: Spectra) -> Tensor:
        target = spectra.stft("target", SIZE, HOP)
        if self.form == "waveform":
            return _power(target - spectra.stft("mix", SIZE, HOP))
        if self.form == "power":
            return (_power(target) - _power(spectra.stft("mix", SIZE, HOP))).relu()
        made = _magnitude(spectra.stft("channels", SIZE, HOP)).sum(dim=1)
        return (_magnitude(target) - made).relu().square()


def _power(spectrum: Tensor) -> Tensor:
    return spectrum.real.square() + spectrum.imag.square()


def _magnitude(spectrum: Tensor) -> Tensor:
    smooth = 1e-7 * SIZE / 4
    return torch.sqrt(_power(spectrum) + smooth**2) - smooth
