"""A clamp whose gradient never pushes further out, and always leads back in. Thread: worker."""

from typing import Any

import torch
from torch import Tensor

__all__ = ["bounded"]


class _Bounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, low: float, high: float) -> Tensor:
        ctx.save_for_backward(value)
        ctx.range = (low, high)
        return value.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (value,) = ctx.saved_tensors
        low, high = ctx.range
        (gradient,) = gradients
        outward = ((value <= low) & (gradient > 0)) | ((value >= high) & (gradient < 0))
        return torch.where(outward, torch.zeros_like(gradient), gradient), None, None


def bounded(value: Tensor, low: float, high: float) -> Tensor:
    """`value` clamped to low … high; a plain clamp would leave what is outside without gradient.

    Args:
        value: any shape.
        low: least.
        high: most.
    """
    result: Tensor = _Bounded.apply(value, low, high)  # type: ignore[no-untyped-call]
    return result
