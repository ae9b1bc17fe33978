"""Gates that are open or closed, and may be learned. Thread: worker.

Hard-concrete gates (Louizos, Welling, Kingma 2018): a stretched, clipped sigmoid of logistic noise
is exactly 0 or 1 with a probability that has a gradient, so that the number of open gates can be
penalised. A bare straight-through step does not do this: it knows no gate that is nearly open.
"""

import math

import torch
from torch import Tensor, nn

from rtsynth.errors import ValueRangeError

__all__ = ["HardConcrete"]

TEMPERATURE = 2.0 / 3.0
LOW, HIGH = -0.1, 1.1


class HardConcrete(nn.Module):
    """E gates.

    Args:
        count: E.
        open_at_first: probability that a gate is not closed, before learning.
        seed: of the noise.

    Attributes:
        log_odds: [E] what is learned.
    """

    def __init__(self, count: int, open_at_first: float = 0.95, seed: int = 0) -> None:
        super().__init__()
        if not 0.0 < open_at_first < 1.0:
            raise ValueRangeError(
                f"open_at_first = {open_at_first}; legal: between 0 and 1", field="open_at_first"
            )
        start = math.log(open_at_first / (1.0 - open_at_first)) + _closing()
        self.log_odds = nn.Parameter(torch.full((count,), start))
        self._random = torch.Generator().manual_seed(seed)

    def sample(self) -> Tensor:
        """[E] 0 … 1, drawn anew."""
        u = torch.rand(len(self.log_odds), generator=self._random).clamp(1e-6, 1.0 - 1e-6)
        noise = torch.logit(u).to(self.log_odds)
        return _stretched(torch.sigmoid((noise + self.log_odds) / TEMPERATURE))

    def forward(self) -> Tensor:
        """[E] as they are played: without noise."""
        return _stretched(torch.sigmoid(self.log_odds))

    def open_odds(self) -> Tensor:
        """[E] probability that each is not closed."""
        return torch.sigmoid(self.log_odds - _closing())

    def expected_count(self) -> Tensor:
        """How many gates are open on average: the l0 penalty."""
        return self.open_odds().sum()


def _closing() -> float:
    return TEMPERATURE * math.log(-LOW / HIGH)


def _stretched(share: Tensor) -> Tensor:
    return (LOW + (HIGH - LOW) * share).clamp(0.0, 1.0)
