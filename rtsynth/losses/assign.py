"""Targets for every event from a matching pursuit of the recording. Thread: worker.

Each atom that a pursuit found goes to the event it is most like; the atoms of an event are its
target, and what the pursuit left is everybody's. An event without atoms is asked to be silent: a
pressure to be few that needs no constant.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from rtsynth.errors import RtsynthError, ValueRangeError
from rtsynth.losses.global_l1 import distance
from rtsynth.losses.loss import Parts, TransformLoss
from rtsynth.losses.spectra import Spectra, short_time
from rtsynth.losses.transform import Floor, MultiScaleMag

__all__ = ["MpAssign", "Pursuit", "choose_event", "mp_assign"]

Pursuit = Callable[[Tensor], Tensor]
"""`pursuit(target [B, samples]) -> [B, K, samples]`, atoms in their places, to be summed."""

SIZE, HOP = 1024, 256
LEAST_LIKE = 0.05  # cosine below which an atom is no event's


@torch.no_grad()
def choose_event(channels: Tensor, atoms: Tensor) -> Tensor:
    """[B, K] the event each atom is most like, −1 for none.

    Likeness is the cosine of magnitude spectrograms, so that phases do not matter.

    Args:
        channels: [B, E, samples].
        atoms: [B, K, samples].
    """
    unit = []
    for sound in (channels, atoms):
        flat = short_time(sound, SIZE, HOP).abs().flatten(2)
        unit.append(flat / flat.norm(dim=-1, keepdim=True).clamp_min(1e-12))
    like = unit[1] @ unit[0].transpose(1, 2)
    best = like.max(dim=-1)
    return torch.where(best.values > LEAST_LIKE, best.indices, -1)


def mp_assign(
    target: Tensor,
    channels: Tensor,
    atoms: Tensor,
    weight: float = 0.2,
    transform: MultiScaleMag | Mapping[str, Any] | None = None,
) -> tuple[Tensor, Parts]:
    """`MpAssign` for atoms at hand.

    Args:
        target: [B, samples].
        channels: [B, E, samples].
        atoms: [B, K, samples] in their places.
        weight: of what the atoms leave.
        transform: settings of `MultiScaleMag`.
    """
    return MpAssign(lambda _: atoms, weight, transform)(target, channels)


class MpAssign(TransformLoss):
    """`Σ_e |T(c_e) − sg(T(Σ_{j ∈ A_e} a_j))|₁ + weight |T(q) − T(x − Σ c)|₁` over `|T(x)|₁`.

    A_e are the atoms most like event e, q what no event was given. Permutation invariant.

    Args:
        pursuit: finds the atoms of a target.
        weight: of what is left, 0 … 100.
        transform: settings of `MultiScaleMag`.
    """

    def __init__(
        self,
        pursuit: Pursuit | None = None,
        weight: float = 0.2,
        transform: MultiScaleMag | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(transform)
        if not 0.0 <= weight <= 100.0:
            raise ValueRangeError(f"weight = {weight}; legal: 0 … 100", field="weight")
        self.pursuit, self.weight = pursuit, weight

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """Parts: `mp_assign` and `left`.

        Raises:
            RtsynthError: no pursuit was given.
        """
        if self.pursuit is None:
            raise RtsynthError("mp_assign needs atoms; set `pursuit` to what finds them")
        target, channels = spectra.target, spectra.channels
        with torch.no_grad():
            atoms = self.pursuit(target)
            owner = choose_event(channels, atoms)
            slot = torch.where(owner < 0, channels.shape[1], owner)[..., None].expand_as(atoms)
            given = channels.new_zeros(len(target), channels.shape[1] + 1, target.shape[1])
            given.scatter_add_(1, slot, atoms)
            left = target - given[:, :-1].sum(dim=1)
        rest = Spectra(left, (target - spectra.mix)[:, None])
        wanted = Spectra(target, given[:, :-1])
        total = self.transform.total(spectra)
        own = channels.new_zeros(())
        for made, share in zip(
            self.transform.of(spectra, "channels"), self.transform.of(wanted, "channels"),
            strict=True,
        ):  # fmt: skip
            own = own + (made - share).abs().sum()
        miss = distance(self.transform, rest, self.transform.of(rest, "mix"))
        parts = {
            "mp_assign": own / total,
            "left": self.weight * miss * self.transform.total(rest) / total,
        }
        return parts["mp_assign"] + parts["left"], parts
