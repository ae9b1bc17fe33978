"""Adam that leaves alone what a step did not hear. Thread: worker.

A crop hears a few events. Plain Adam would go on moving the others by their old momentum; here a
row without a gradient rests, with its moments. Kingma & Ba (2015).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["RowAdam"]

BETAS = (0.9, 0.99)
EPSILON = 1e-12


class RowAdam:
    """Adam per row of the parameters' first axis.

    Args:
        parameters: by name.
        rates: step of each, in its own unit; those without a rate, or with 0, stay.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], rates: Mapping[str, float]) -> None:
        self.rates = rates
        self.parameters = {n: p for n, p in parameters.items() if rates.get(n, 0.0) > 0.0}
        for name, parameter in parameters.items():
            parameter.requires_grad_(name in self.parameters)
        self._first = {n: torch.zeros_like(p) for n, p in self.parameters.items()}
        self._second = {n: torch.zeros_like(p) for n, p in self.parameters.items()}
        self._taken = {n: p.new_zeros(len(p)) for n, p in self.parameters.items()}

    def forget(self) -> None:
        """Drop all gradients."""
        for parameter in self.parameters.values():
            parameter.grad = None

    @torch.no_grad()
    def step(self, share: float) -> bool:
        """Move every row that has a gradient by `share` of its rate; False if one is not finite."""
        grads = {n: p.grad for n, p in self.parameters.items() if p.grad is not None}
        if not all(bool(torch.isfinite(g).all()) for g in grads.values()):
            return False
        for name, grad in grads.items():
            self._move(name, grad, share * self.rates[name])
        return True

    def _move(self, name: str, grad: Tensor, rate: float) -> None:
        heard = grad.flatten(1).any(dim=1) if grad.dim() > 1 else grad != 0.0
        rows = heard.nonzero()[:, 0]
        if len(rows) == 0:
            return
        grad = grad[rows]
        wide = (-1, *([1] * (grad.dim() - 1)))
        first = torch.lerp(grad, self._first[name][rows], BETAS[0])
        second = torch.lerp(grad.square(), self._second[name][rows], BETAS[1])
        taken = self._taken[name][rows] + 1.0
        self._first[name][rows], self._second[name][rows] = first, second
        self._taken[name][rows] = taken
        mean = first / (1.0 - BETAS[0] ** taken).reshape(wide)
        spread = torch.sqrt(second / (1.0 - BETAS[1] ** taken).reshape(wide))
        self.parameters[name][rows] -= rate * mean / (spread + EPSILON)
