"""Adam with a rate per kind of parameter, clipped group by group, saved as plain arrays.

Kingma & Ba (2015). Thread: worker.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from rtsynth.fit.experiment import Experiment

__all__ = ["Optimiser"]

BETAS = (0.9, 0.99)
EPSILON = 1e-12


class Optimiser:
    """Adam over the named parameters of a model.

    Args:
        parameters: by name; those of `field.` share a rate, a rate of 0 keeps one as it is.
        experiment: rates, clipping and schedule.
    """

    def __init__(self, parameters: dict[str, nn.Parameter], experiment: Experiment) -> None:
        self.experiment = experiment
        self.groups: dict[str, list[str]] = {}
        for name in parameters:
            group = name.partition(".")[0]
            if getattr(experiment.rates, group) > 0.0:
                self.groups.setdefault(group, []).append(name)
        moving = [name for names in self.groups.values() for name in names]
        self.parameters = {name: parameters[name] for name in moving}
        for name, parameter in parameters.items():
            parameter.requires_grad_(name in self.parameters)
        self.first = {n: torch.zeros_like(p) for n, p in self.parameters.items()}
        self.second = {n: torch.zeros_like(p) for n, p in self.parameters.items()}
        self.taken = 0

    def share(self, step: int) -> float:
        """What part of its rate each parameter moves by at a step: warm-up, then half a cosine."""
        recipe = self.experiment
        if step < recipe.warmup:
            return (step + 1) / (recipe.warmup + 1)
        done = (step - recipe.warmup) / max(recipe.steps - recipe.warmup, 1)
        fall = 0.5 + 0.5 * math.cos(math.pi * min(done, 1.0))
        return recipe.final_rate + (1.0 - recipe.final_rate) * fall

    @torch.no_grad()
    def step(self, step: int) -> dict[str, float]:
        """Move every parameter by its gradient; the norm of each group's, before clipping."""
        norms = {}
        for group, names in self.groups.items():
            grads = [self.parameters[n].grad for n in names]
            squares = [float(g.double().square().sum()) for g in grads if g is not None]
            norms[group] = math.sqrt(sum(squares))
        if not all(math.isfinite(norm) for norm in norms.values()):
            return norms  # the step is left out
        self.taken += 1
        for group, names in self.groups.items():
            clip = min(1.0, self.experiment.clip / (norms[group] + EPSILON))
            rate = getattr(self.experiment.rates, group) * self.share(step)
            for name in names:
                self._move(name, clip, rate)
        return norms

    def _move(self, name: str, clip: float, rate: float) -> None:
        parameter = self.parameters[name]
        if parameter.grad is None:
            return
        grad = parameter.grad * clip
        first, second = self.first[name], self.second[name]
        first.mul_(BETAS[0]).add_(grad, alpha=1.0 - BETAS[0])
        second.mul_(BETAS[1]).addcmul_(grad, grad, value=1.0 - BETAS[1])
        mean = first / (1.0 - BETAS[0] ** self.taken)
        spread = torch.sqrt(second / (1.0 - BETAS[1] ** self.taken))
        parameter.sub_(rate * mean / (spread + EPSILON))

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Both moments of every parameter by name."""
        kinds = (("adam.first.", self.first), ("adam.second.", self.second))
        return {
            f"{kind}{name}": tensor.cpu().numpy().copy()
            for kind, tensors in kinds
            for name, tensor in tensors.items()
        }

    def restore(self, first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
        """Take both moments from a checkpoint."""
        for name in self.parameters:
            self.first[name].copy_(first[name])
            self.second[name].copy_(second[name])
