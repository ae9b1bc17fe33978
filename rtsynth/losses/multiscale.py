"""The multi-scale spectral loss of DDSP (Engel et al. 2020), smooth at silence. Thread: worker.

Magnitudes are `sqrt(|S|² + e²)` with e 80 dB below the bin of a full-scale sine, so that value and
gradient are finite everywhere, and noise nobody hears weighs nothing.
"""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError

__all__ = ["Floor", "MultiScale", "smooth_magnitude"]

Floor = Callable[[int, int, int], Tensor]
"""`floor(size, hop, frames) -> [size/2 + 1, frames]` power that noise is expected to add."""

FLOOR = 1e-4
OVERLAP = 4


def smooth_magnitude(sound: Tensor, size: int, hop: int, floor: Floor | None = None) -> Tensor:
    """[B, size/2 + 1, frames] magnitudes under a Hann window, over √size, frames within the sound.

    Args:
        sound: [B, samples]; padded with zeros to one frame if shorter.
        size: of the window, samples.
        hop: samples.
        floor: power to add, as of noise that is not in the sound.
    """
    if sound.shape[-1] < size:
        sound = torch.nn.functional.pad(sound, (0, size - sound.shape[-1]))
    window = torch.hann_window(size, dtype=sound.dtype, device=sound.device)
    spectrum = torch.stft(sound, size, hop, window=window, center=False, return_complex=True)
    power = spectrum.real**2 + spectrum.imag**2 + (FLOOR * size / 4) ** 2
    if floor is not None:
        power = power + floor(size, hop, spectrum.shape[-1]).to(power)
    magnitude: Tensor = torch.sqrt(power) / math.sqrt(size)
    return magnitude


class MultiScale:
    """`mean over windows of |S − S'| relative to |S|, plus alpha · |log S − log S'|` in nepers.

    Args:
        windows: samples, each at 75 % overlap.
        alpha: weight of the logarithms.
        linear: weight of the magnitudes.
    """

    def __init__(
        self,
        windows: Sequence[int] = (2048, 1024, 512, 256, 128, 64),
        alpha: float = 1.0,
        linear: float = 1.0,
    ) -> None:
        legal = all(isinstance(w, int) and 16 <= w <= 65_536 and w % 4 == 0 for w in windows)
        if not windows or not legal:
            raise ValueRangeError(
                f"windows = {list(windows)}; legal: multiples of 4 in 16 … 65536", field="windows"
            )
        for name, value in (("alpha", alpha), ("linear", linear)):
            if not 0.0 <= value <= 100.0:
                raise ValueRangeError(f"{name} = {value}; legal: 0 … 100", field=name)
        self.windows, self.alpha, self.linear = tuple(windows), alpha, linear

    def __call__(
        self, target: Tensor, channels: Tensor, floor: Floor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """How far the sum of the channels is from the target.

        Args:
            target: [B, samples].
            channels: [B, E, samples].
            floor: power of noise that the channels leave out on purpose.

        Returns:
            The scalar and its parts `linear` and `log`, which sum to it.
        """
        made = channels.sum(dim=1)
        linear, log = made.new_zeros(()), made.new_zeros(())
        for size in self.windows:
            wanted = smooth_magnitude(target, size, size // OVERLAP)
            found = smooth_magnitude(made, size, size // OVERLAP, floor)
            linear = linear + (found - wanted).abs().sum() / wanted.sum()
            log = log + (torch.log(found) - torch.log(wanted)).abs().mean()
        scale = 1.0 / len(self.windows)
        parts = {"linear": self.linear * scale * linear, "log": self.alpha * scale * log}
        return parts["linear"] + parts["log"], parts
