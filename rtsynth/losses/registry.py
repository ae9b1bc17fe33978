"""Losses by the name an experiment gives them. Thread: worker."""

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.losses.multiscale import Floor, MultiScale

__all__ = ["LOSSES", "Floor", "Loss", "make_loss"]


class Loss(Protocol):
    """Any loss: channels are the events where it looks at them one by one, else only their sum."""

    def __call__(
        self, target: Tensor, channels: Tensor, floor: Floor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """[B, samples] and [B, E, samples] to a scalar and its named, weighted parts."""
        ...


LOSSES: dict[str, Callable[..., Loss]] = {"multiscale": MultiScale}
"""Every loss by its name; its keyword arguments are its settings."""


def make_loss(name: str, settings: dict[str, Any] | None = None) -> Loss:
    """The loss of this name.

    Args:
        name: a key of `LOSSES`.
        settings: its keyword arguments.

    Raises:
        UnknownNameError: no such loss, or no such setting of it.
        ValueRangeError: a setting is illegal.
    """
    if name not in LOSSES:
        raise UnknownNameError(f"no loss {name!r}; legal: {', '.join(LOSSES)}", field="name")
    legal = list(inspect.signature(LOSSES[name]).parameters)
    for key in settings or {}:
        if key not in legal:
            raise UnknownNameError(
                f"loss {name!r} has no setting {key!r}; legal: {', '.join(legal)}", field=key
            )
    try:
        return LOSSES[name](**(settings or {}))
    except TypeError as error:
        raise ValueRangeError(f"loss {name!r}: {error}", field=name) from None
