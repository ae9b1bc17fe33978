"""What a loss is, and several of them as one. Thread: worker."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from torch import Tensor

from rtsynth.losses.spectra import Spectra
from rtsynth.losses.transform import Floor, MultiScaleMag, transform_of

__all__ = ["Loss", "Parts", "SharedLoss", "TransformLoss", "WeightedSum"]

Parts = dict[str, Tensor]
"""Scalars by name that sum to the loss they belong to."""


class Loss(Protocol):
    """Any loss: channels are the events where it looks at them one by one, else only their sum."""

    def __call__(
        self, target: Tensor, channels: Tensor, floor: Floor | None = None
    ) -> tuple[Tensor, Parts]:
        """[B, samples] and [B, E, samples] to a scalar and its named, weighted parts."""
        ...


class SharedLoss(ABC):
    """A loss that can share its step's spectra with others."""

    def __call__(
        self, target: Tensor, channels: Tensor, floor: Floor | None = None
    ) -> tuple[Tensor, Parts]:
        """The loss of a step it has for itself.

        Args:
            target: [B, samples].
            channels: [B, E, samples].
            floor: power of noise that the channels leave out on purpose; those that do not compare
                with the target take no notice.
        """
        return self.measure(Spectra(target, channels), floor)

    @abstractmethod
    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """The scalar and its named parts, of a step shared with other losses."""


class TransformLoss(SharedLoss):
    """A loss on the transform T, relative to `|T(x)|₁`.

    Args:
        transform: settings of `MultiScaleMag`.
    """

    def __init__(self, transform: MultiScaleMag | Mapping[str, Any] | None = None) -> None:
        self.transform = transform_of(transform)


class WeightedSum(SharedLoss):
    """Several losses on one step's spectra.

    Args:
        terms: losses with their weights. One that looks at the channels apart is best put first:
            the spectrum of their sum is then an addition.
    """

    def __init__(self, terms: Sequence[tuple[SharedLoss, float]]) -> None:
        self.terms = list(terms)

    def measure(self, spectra: Spectra, floor: Floor | None = None) -> tuple[Tensor, Parts]:
        """The weighted sum, and every weighted part."""
        total, parts = spectra.channels.new_zeros(()), {}
        for loss, weight in self.terms:
            if weight == 0.0:
                continue
            value, own = loss.measure(spectra, floor)
            total = total + weight * value
            for name, part in own.items():
                key = name if name not in parts else f"{type(loss).__name__.lower()}.{name}"
                parts[key] = weight * part
        return total, parts
