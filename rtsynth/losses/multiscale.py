"""The multi-scale spectral loss of DDSP (Engel et al. 2020), smooth at silence. Thread: worker.

Magnitudes are `sqrt(|S|² + e²)` with e 80 dB below the bin of a full-scale sine, so that value and
gradient are finite everywhere, and noise nobody hears weighs nothing.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.losses.loss import Parts, SharedLoss
from rtsynth.losses.loudness import Loudness
from rtsynth.losses.spectra import Spectra, What, short_time
from rtsynth.losses.transform import OVERLAP, Floor, check_windows

__all__ = ["MultiScale", "smooth_magnitude"]

FLOOR = 1e-4


def smooth_magnitude(sound: Tensor, size: int, hop: int, floor: Floor | None = None) -> Tensor:
    """[B, size/2 + 1, frames] magnitudes under a Hann window, over √size, frames within the sound.

    Args:
        sound: [B, samples]; padded with zeros to one frame if shorter.
        size: of the window, samples.
        hop: samples.
        floor: power to add, as of noise that is not in the sound.
    """
    return _smooth(short_time(sound, size, hop), size, hop, floor)


def _smooth(spectrum: Tensor, size: int, hop: int, floor: Floor | None) -> Tensor:
    power = spectrum.real**2 + spectrum.imag**2 + (FLOOR * size / 4) ** 2
    if floor is not None:
        power = power + floor(size, hop, spectrum.shape[-1]).to(power)
    magnitude: Tensor = torch.sqrt(power) / math.sqrt(size)
    return magnitude


class MultiScale(SharedLoss):
    """`mean over windows of |S − S'| relative to |S|, plus alpha · |log S − log S'|` in nepers.

    It looks at the sum of the channels only. The options are those of DDSP, all relative to |S|.

    Args:
        windows: samples, each at 75 % overlap.
        alpha: weight of the logarithms.
        linear: weight of the magnitudes.
        delta_time: weight of their differences from frame to frame: onsets.
        delta_freq: weight of their differences from bin to bin: lines and their width.
        cumulative: weight of `|Σ_{≤f} S − Σ_{≤f} S'|` over the number of bins: how far energy must
            move in frequency, as a Wasserstein distance.
        loudness: weight of the difference of A-weighted loudness, nepers.
        sample_rate: Hz, which loudness needs.
    """

    def __init__(
        self,
        windows: Sequence[int] = (2048, 1024, 512, 256, 128, 64),
        alpha: float = 1.0,
        linear: float = 1.0,
        delta_time: float = 0.0,
        delta_freq: float = 0.0,
        cumulative: float = 0.0,
        loudness: float = 0.0,
        sample_rate: int = 44_100,
    ) -> None:
        weights = {
            "linear": linear, "log": alpha, "delta_time": delta_time, "delta_freq": delta_freq,
            "cumulative": cumulative, "loudness": loudness,
        }  # fmt: skip
        for name, value in weights.items():
            if not 0.0 <= value <= 100.0:
                name = "alpha" if name == "log" else name
                raise ValueRangeError(f"{name} = {value}; legal: 0 … 100", field=name)
        self.windows, self.alpha, self.linear = check_windows(windows), alpha, linear
        self._weights = weights
        self._loudness = Loudness(sample_rate)

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """How far the sum of the channels is from the target.

        Returns:
            The scalar and its parts `linear` and `log`, and those options whose weight is not 0;
            they sum to it.
        """
        sums: Parts = {}
        for size in self.windows:
            wanted = self._magnitude(spectra, "target", size, None)
            found = self._magnitude(spectra, "mix", size, floor)
            for name, value in self._compare(wanted, found).items():
                sums[name] = sums[name] + value if name in sums else value
        scale = 1.0 / len(self.windows)
        parts = {name: self._weights[name] * scale * value for name, value in sums.items()}
        if self._weights["loudness"] > 0.0:
            parts["loudness"] = self._weights["loudness"] * self._loudness.distance(spectra)
        return sum(parts.values(), start=spectra.channels.new_zeros(())), parts

    def _magnitude(self, spectra: Spectra, what: What, size: int, floor: Floor | None) -> Tensor:
        hop = size // OVERLAP
        return spectra.once(
            ("smooth", what, size, floor),
            lambda: _smooth(spectra.stft(what, size, hop), size, hop, floor),
        )

    def _compare(self, wanted: Tensor, found: Tensor) -> Parts:
        """The unweighted terms of one window that are asked for."""
        total, off = wanted.sum(), found - wanted
        terms = {
            "linear": off.abs().sum() / total,
            "log": (torch.log(found) - torch.log(wanted)).abs().mean(),
        }
        if self._weights["delta_time"] > 0.0:
            terms["delta_time"] = off.diff(dim=-1).abs().sum() / total
        if self._weights["delta_freq"] > 0.0:
            terms["delta_freq"] = off.diff(dim=-2).abs().sum() / total
        if self._weights["cumulative"] > 0.0:
            terms["cumulative"] = off.cumsum(dim=-2).abs().sum() / (total * off.shape[-2])
        return terms
