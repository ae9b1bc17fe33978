"""Rare patches of the target weigh more than common ones, by a smooth map. Thread: worker.

Comparing patch by patch beats with the patches' grid. Here the weight of a patch is spread over its
bins by a raised cosine, patches overlap by half, the grid moves every step, and the spectra are
compared bin by bin under the map: there is no border that could be heard.
"""

import math

import torch
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.losses.codebook import CodeBook
from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor, MultiScaleMag

__all__ = ["PatchInfo"]

WINDOW = 1024
SIDE, STEP = 16, 8
MOST_PATCHES = 4096
DIMENSIONS = 24
QUIET = 1e-4  # of full scale, 80 dB down; what is below is one silence


class PatchInfo(TransformLoss):
    """`Σ W |S(x) − S(Σ c)| / Σ S(x)`, S magnitudes of a 1024/256 transform, W of mean 1 over bins.

    W is the self-information of the target's patches of 16 × 16 bins, by the codes that `CodeBook`
    learns of them as training goes. The gradient reaches the channels only. Permutation invariant.

    Args:
        codes: per octave.
        seed: of the codes and of the grid's place.

    Attributes:
        weights: [B, bins, frames] W of the last step.
    """

    def __init__(self, codes: int = 64, seed: int = 0) -> None:
        super().__init__(MultiScaleMag(windows=(WINDOW,)))
        if not 2 <= codes <= 1024:
            raise ValueRangeError(f"codes = {codes}; legal: 2 … 1024", field="codes")
        self.codes, self.weights = codes, torch.zeros(0)
        self._random = torch.Generator().manual_seed(seed)
        self._books: dict[int, CodeBook] = {}

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Part: `patch_info`."""
        transform = self.transform
        wanted = transform.of(spectra, "target")[0]
        made = transform.with_floor(transform.of(spectra, "mix"), floor)[0]
        self.weights = self._map(wanted.detach())
        value = (self.weights * (wanted - made).abs()).sum() / transform.total(spectra)
        return value, {"patch_info": value}

    @torch.no_grad()
    def _map(self, magnitude: Tensor) -> Tensor:
        """[B, bins, frames] weights of mean 1, from a grid put down anywhere."""
        bins, frames = magnitude.shape[-2:]
        low, left = torch.randint(STEP, (2,), generator=self._random).tolist()
        level = torch.log(magnitude + QUIET * math.sqrt(WINDOW) / 4)
        (top, bottom), (before, after) = _borders(bins, low), _borders(frames, left)
        wide = torch.nn.functional.pad(level[:, None], (before, after, top, bottom), "replicate")
        patches = torch.nn.functional.unfold(wide, SIDE, stride=STEP)
        rows = (bins + top + bottom - SIDE) // STEP + 1
        patches = patches.transpose(1, 2).reshape(len(level), rows, -1, SIDE * SIDE)
        centre = torch.arange(rows) * STEP + SIDE // 2 - top
        octave = torch.log2(centre.clamp_min(SIDE // 2) / (SIDE // 2)).floor().int()
        weight = patches.new_zeros(patches.shape[:3])
        for number in range(int(octave.max()) + 1):
            weight[:, octave == number] = self._weigh(number, patches[:, octave == number])
        spread = _spread(weight)
        return spread[:, top : top + bins, before : before + frames]

    def _weigh(self, octave: int, patches: Tensor) -> Tensor:
        """[B, rows, columns] information of an octave's patches over its mean."""
        if octave not in self._books:
            self._books[octave] = CodeBook(self.codes, DIMENSIONS, self._random)
        flat = patches.reshape(-1, patches.shape[-1])
        taken = flat
        if len(flat) > MOST_PATCHES:
            drawn = torch.randint(len(flat), (MOST_PATCHES,), generator=self._random)
            taken = flat[drawn.to(flat.device)]
        self._books[octave].learn(taken)
        weight = self._books[octave].information(flat).reshape(patches.shape[:3])
        mean = weight.mean()
        return weight / mean if float(mean) > 0.0 else torch.ones_like(weight)


def _borders(length: int, shift: int) -> tuple[int, int]:
    """Bins to add before and after, so that every bin lies under two patches to each side."""
    before = SIDE - STEP + shift
    patches = -(-(length + before) // STEP)
    return before, SIDE + STEP * (patches - 1) - length - before


def _spread(weight: Tensor) -> Tensor:
    """[B, bins, frames] the patches' weights under raised cosines, which add up to 1."""
    rise = torch.sin(math.pi * (torch.arange(SIDE).to(weight) + 0.5) / SIDE).square()
    cosine = (rise[:, None] * rise)[None, None]
    spread = torch.nn.functional.conv_transpose2d(weight[:, None], cosine, stride=STEP)
    return spread[:, 0]
