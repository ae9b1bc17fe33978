"""The magnitude transform T that the losses compare, rich in resolutions of time. Thread: worker.

`T(x)` is the set of magnitudes under Hann windows of several lengths, hop a quarter, over √window.
Magnitudes are smooth, `√(|S|² + e²) − e` with e 100 dB below the bin of a full-scale sine: silence
is exactly 0 however many channels are silent, and the gradient there is 0 and not undefined.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.losses.spectra import Spectra, What

__all__ = ["OVERLAP", "Floor", "Magnitudes", "MultiScaleMag", "check_windows", "transform_of"]

Floor = Callable[[int, int, int], Tensor]
"""`floor(size, hop, frames) -> [size/2 + 1, frames]` power that noise is expected to add."""

Magnitudes = list[Tensor]
"""One [B, bins, frames] (of channels [B, E, bins, frames]) per window and octave."""

WINDOWS = (2048, 1024, 512, 256, 128, 64)
OCTAVE_WINDOWS = (256, 128, 64, 16)
COMPRESSIONS = ("lin", "log1p", "power")
OVERLAP = 4
SMOOTH = 1e-5
AUDIBLE = 1e-4  # of full scale: what a quieter target is measured against


def check_windows(windows: Sequence[int]) -> tuple[int, ...]:
    """The windows, if each is a multiple of 4 in 16 … 65536.

    Raises:
        ValueRangeError: it is not.
    """
    legal = all(isinstance(w, int) and 16 <= w <= 65_536 and w % OVERLAP == 0 for w in windows)
    if not windows or not legal:
        raise ValueRangeError(
            f"windows = {list(windows)}; legal: multiples of 4 in 16 … 65536", field="windows"
        )
    return tuple(windows)


@dataclasses.dataclass(frozen=True)
class MultiScaleMag:
    """The transform T and its settings.

    Attributes:
        windows: samples; None for 2048 … 64, by octaves 256, 128, 64, 16.
        octave: split into octaves first, each at its own rate: short windows everywhere.
        compress: `lin`, `log1p` for `log(1 + gamma·T)/gamma`, or `power` for the square root.
        gamma: of log1p.
    """

    windows: tuple[int, ...] | None = None
    octave: bool = False
    compress: str = "lin"
    gamma: float = 10.0

    def __post_init__(self) -> None:
        default = OCTAVE_WINDOWS if self.octave else WINDOWS
        object.__setattr__(self, "windows", check_windows(self.windows or default))
        if self.compress not in COMPRESSIONS:
            raise ValueRangeError(
                f"compress = {self.compress!r}; legal: {', '.join(COMPRESSIONS)}", field="compress"
            )
        if not 0.0 < self.gamma <= 1e6:
            raise ValueRangeError(f"gamma = {self.gamma}; legal: 0 … 1e6", field="gamma")

    def __call__(self, sound: Tensor) -> Magnitudes:
        """T of sounds [B, samples]."""
        return self.of(Spectra(sound, sound[:, None]), "target")

    def of(self, spectra: Spectra, what: What) -> Magnitudes:
        """T of what a step looks at, computed once."""
        return spectra.once((self, what), lambda: self._of(spectra, what))

    def grids(self, spectra: Spectra) -> list[tuple[int, int | None]]:
        """Window and octave of each of the magnitudes, in their order."""
        octaves: list[int | None] = [None]
        if self.octave:
            octaves = list(range(len(spectra.bands("target"))))
        return [(size, octave) for octave in octaves for size in self.windows or ()]

    def powers(self, spectra: Spectra, what: What) -> list[Tensor]:
        """`|S|²` on the grid of each of the magnitudes, before smoothing and compression."""
        return [
            _power(spectra.stft(what, size, size // OVERLAP, octave))
            for size, octave in self.grids(spectra)
        ]

    def with_floor(self, made: Magnitudes, floor: Floor | None) -> Magnitudes:
        """Magnitudes to which noise of an expected power is added, as independent sounds add."""
        if floor is None or self.octave or self.compress != "lin":
            return made
        found = []
        for size, magnitude in zip(self.windows or (), made, strict=True):
            power = floor(size, size // OVERLAP, magnitude.shape[-1]).to(magnitude) / size
            smooth = SMOOTH * math.sqrt(size) / 4
            found.append(torch.sqrt(magnitude**2 + power + smooth**2) - smooth)
        return found

    def total(self, spectra: Spectra) -> Tensor:
        """`|T(x)|₁` of the target, at least that of a sound at −80 dB in every bin."""
        return spectra.once((self, "total"), lambda: self._total(spectra))

    def _total(self, spectra: Spectra) -> Tensor:
        least = 0.0
        total = spectra.target.new_zeros(())
        for (size, _), part in zip(self.grids(spectra), self.of(spectra, "target"), strict=True):
            least += part.numel() * AUDIBLE * math.sqrt(size) / 4
            total = total + part.sum()
        return total.detach().clamp_min(least)

    def _of(self, spectra: Spectra, what: What) -> Magnitudes:
        return [
            self._magnitude(power, size)
            for power, (size, _) in zip(
                self.powers(spectra, what), self.grids(spectra), strict=True
            )
        ]

    def _magnitude(self, power: Tensor, size: int) -> Tensor:
        smooth = SMOOTH * math.sqrt(size) / 4
        magnitude = torch.sqrt(power / size + smooth**2)
        if self.compress == "power":
            return torch.sqrt(magnitude) - math.sqrt(smooth)
        magnitude = magnitude - smooth
        return (
            torch.log1p(self.gamma * magnitude) / self.gamma
            if self.compress == "log1p"
            else (magnitude)
        )


def _power(spectrum: Tensor) -> Tensor:
    pair = torch.view_as_real(spectrum)
    return pair[..., 0].square() + pair[..., 1].square()


def transform_of(settings: MultiScaleMag | Mapping[str, Any] | None) -> MultiScaleMag:
    """The transform meant by a recipe's settings; None for the default one.

    Raises:
        UnknownNameError: no such setting.
        ValueRangeError: a setting is illegal.
    """
    if isinstance(settings, MultiScaleMag):
        return settings
    legal = [field.name for field in dataclasses.fields(MultiScaleMag)]
    given = dict(settings or {})
    for key in given:
        if key not in legal:
            raise UnknownNameError(
                f"the transform has no setting {key!r}; legal: {', '.join(legal)}", field=key
            )
    if given.get("windows") is not None:
        given["windows"] = tuple(given["windows"])
    return MultiScaleMag(**given)
