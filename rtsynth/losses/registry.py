"""Losses by the name an experiment gives them. Thread: worker."""

import inspect
from collections.abc import Callable
from typing import Any

from rtsynth.errors import UnknownNameError, ValueRangeError
from rtsynth.losses.assign import MpAssign
from rtsynth.losses.attribution import Attribution
from rtsynth.losses.channel import GreedySteps, RandChannel
from rtsynth.losses.global_l1 import MagnitudeOfSum, SumOfMagnitudes
from rtsynth.losses.loss import Loss
from rtsynth.losses.multiscale import MultiScale
from rtsynth.losses.nested import NestedDropout
from rtsynth.losses.noise import NoiseW1
from rtsynth.losses.orthogonal import Orthogonal
from rtsynth.losses.patch_info import PatchInfo
from rtsynth.losses.phased import Phased
from rtsynth.losses.support import Support

__all__ = ["LOSSES", "make_loss"]


LOSSES: dict[str, Callable[..., Loss]] = {
    "multiscale": MultiScale,
    "g1": MagnitudeOfSum,
    "g2": SumOfMagnitudes,
    "phased": Phased,
    "rand_channel": RandChannel,
    "greedy_steps": GreedySteps,
    "support": Support,
    "attribution": Attribution,
    "orthogonal": Orthogonal,
    "patch_info": PatchInfo,
    "mp_assign": MpAssign,
    "noise_w1": NoiseW1,
    "nested_dropout": NestedDropout,
}
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
