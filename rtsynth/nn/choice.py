"""Exactly one resonance per event: a straight-through Gumbel-softmax choice, and its upkeep.

Forward, every sample of every batch is exactly one-hot: the hard choice is handed on as it is, and
only the gradient is that of the soft one (the usual `hard − soft + soft` is one-hot but for
rounding). Gumbel-softmax: Jang, Gu, Poole 2017; Maddison, Mnih, Teh 2017.

The loss matters more than the schedule. On recordings of a known bank the sum of the events'
magnitudes (losses.G2), squared, leads every logit to its resonance; the magnitude of their sum
(G1), compressed, does not, for its gradient depends on how the phases of wrong choices fall.
Thread: worker.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsynth.errors import ValueRangeError

__all__ = ["GumbelChoice", "ReluMixture", "balance_loss", "gumbel_noise", "straight_through"]

TAU = (2.0, 0.3)
ANNEALED = 0.6  # share of the training after which the choice is frozen
BALANCED = 0.5  # share of the training during which use is balanced
BALANCE_WEIGHT = 0.01
PATIENCE = 2000


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, soft: Tensor) -> Tensor:
        return functional.one_hot(soft.argmax(-1), soft.shape[-1]).to(soft.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        return gradient


def straight_through(soft: Tensor) -> Tensor:
    """One-hot at the largest entry, with the gradient of `soft` itself.

    Args:
        soft: [..., resonances].
    """
    hard: Tensor = _StraightThrough.apply(soft)  # type: ignore[no-untyped-call]
    return hard


def gumbel_noise(shape: torch.Size | tuple[int, ...], random: torch.Generator) -> Tensor:
    """Gumbel(0, 1) noise: argmax(logits + noise) is a sample of softmax(logits).

    Args:
        shape: of the noise.
        random: source, seeded.
    """
    uniform = torch.rand(shape, generator=random, dtype=torch.float64)
    tiny = torch.finfo(torch.float64).tiny
    return -(-uniform.clamp_min(tiny).log()).clamp_min(tiny).log()


def balance_loss(logits: Tensor) -> Tensor:
    """`KL(mean p ‖ uniform)` of the probabilities, mean over events: 0 for equal use, ≤ ln R.

    Args:
        logits: [..., resonances].
    """
    mean = logits.softmax(-1).flatten(0, -2).mean(0)
    divergence: Tensor = torch.special.xlogy(mean, mean * len(mean)).sum()
    return divergence


class GumbelChoice(nn.Module):
    """Logits of events over resonances, chosen from ever more firmly, then frozen.

    Args:
        events: E.
        resonances: R.
        steps: of the whole training; tau falls geometrically from 2.0 to 0.3 over 60 % of them.
        patience: steps without use after which an entry is reported as neglected.
        seed: of the Gumbel noise.

    Attributes:
        logits: [E, R] float64.
        frozen: [E] int64, the choice since tau has arrived; −1 before.
        unused: [R] int64, steps since each entry was last chosen.
        taken: [] int64, steps so far.

    Raises:
        ValueRangeError: a size or number of steps below 1.
    """

    frozen: Tensor
    unused: Tensor
    taken: Tensor

    def __init__(
        self, events: int, resonances: int, steps: int, patience: int = PATIENCE, seed: int = 0
    ) -> None:
        super().__init__()
        if min(events, resonances, steps, patience) < 1:
            raise ValueRangeError(
                f"{events} events, {resonances} resonances, {steps} steps, patience {patience}; "
                "legal: at least 1 of each"
            )
        self.steps, self.patience = steps, patience
        self.logits = nn.Parameter(torch.zeros(events, resonances, dtype=torch.float64))
        self.register_buffer("frozen", torch.full((events,), -1))
        self.register_buffer("unused", torch.zeros(resonances, dtype=torch.int64))
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))
        self._random = torch.Generator().manual_seed(seed)

    @property
    def progress(self) -> float:
        """Share of the training done, 0 … 1."""
        return min(1.0, int(self.taken) / self.steps)

    @property
    def tau(self) -> float:
        """Temperature of the choice now."""
        start, end = TAU
        return start * float((end / start) ** min(1.0, self.progress / ANNEALED))

    @property
    def is_frozen(self) -> bool:
        """Whether tau has arrived and the choice is final."""
        return self.progress >= ANNEALED

    @property
    def index(self) -> Tensor:
        """[E] the resonance each event plays: the frozen choice, or the likeliest so far."""
        return self.frozen if self.is_frozen else self.logits.detach().argmax(-1)

    def forward(self, batch: int | None = None) -> Tensor:
        """Exactly one-hot weights [E, R], or [batch, E, R] of independent samples."""
        shape = self.logits.shape if batch is None else (batch, *self.logits.shape)
        if self.is_frozen:
            chosen = functional.one_hot(self.frozen, self.logits.shape[1])
            return chosen.to(self.logits.dtype).expand(shape)
        noise = gumbel_noise(shape, self._random).to(self.logits.device)
        return straight_through(((self.logits + noise) / self.tau).softmax(-1))

    @torch.no_grad()
    def advance(self, weights: Tensor) -> None:
        """After the optimiser's step: count it, and what was used; freeze when tau arrives.

        Args:
            weights: [..., R] as `forward` gave them.
        """
        used = weights.detach().flatten(0, -2).any(0)
        self.unused.add_(1).masked_fill_(used, 0)
        final = self.logits.argmax(-1)
        was_frozen = self.is_frozen
        self.taken.add_(1)
        if self.is_frozen and not was_frozen:
            self.frozen.copy_(final)

    def balance_loss(self) -> Tensor:
        """What uneven use costs: 0.01 · KL in the first half of the training, then 0."""
        weight = BALANCE_WEIGHT if self.progress < BALANCED else 0.0
        return weight * balance_loss(self.logits)

    def neglected(self) -> Tensor:
        """[entries] int64: resonances nobody chose for `patience` steps, longest first."""
        if self.is_frozen:
            return self.unused[:0]
        waiting = self.unused.argsort(descending=True, stable=True)
        return waiting[self.unused[waiting] >= self.patience]

    @torch.no_grad()
    def offer(self, entry: int, events: Tensor) -> None:
        """Put a revived entry level with the favourite of the events it was made for.

        Args:
            entry: the resonance.
            events: [any] int64, those whose sound it was learned from.
        """
        self.logits[:, entry] = self.logits.mean(-1)
        self.logits[events, entry] = self.logits[events].amax(-1)
        self.unused[entry] = 0


class ReluMixture(nn.Module):
    """The rival for the ablation: any sparse non-negative mixture instead of exactly one.

    At equal modes per event, `active` resonances of M/active modes each face one of M modes.
    Weights are learned without limit for 60 % of the training, under `sparsity_loss`; then only
    the `active` largest of each event remain.

    Args:
        events: E.
        resonances: R.
        steps: of the whole training.
        active: resonances per event in the end.
        seed: of the first weights.

    Attributes:
        raw: [E, R] float64; weights are its positive part.
        taken: [] int64, steps so far.

    Raises:
        ValueRangeError: `active` outside 1 … R.
    """

    taken: Tensor

    def __init__(
        self, events: int, resonances: int, steps: int, active: int = 4, seed: int = 0
    ) -> None:
        super().__init__()
        if not 1 <= active <= resonances:
            raise ValueRangeError(f"active = {active}; legal: 1 … {resonances} resonances")
        self.steps, self.active = steps, active
        random = torch.Generator().manual_seed(seed)
        first = torch.rand(events, resonances, generator=random, dtype=torch.float64)
        self.raw = nn.Parameter((0.5 + first) / resonances)
        self.register_buffer("taken", torch.zeros((), dtype=torch.int64))

    def forward(self) -> Tensor:
        """[E, R] weights, ≥ 0."""
        weights = torch.relu(self.raw)
        if int(self.taken) < ANNEALED * self.steps:
            return weights
        largest = weights.detach().topk(self.active, dim=-1).indices
        return weights * torch.zeros_like(weights).scatter_(-1, largest, 1.0)

    @torch.no_grad()
    def advance(self) -> None:
        """After the optimiser's step."""
        self.taken.add_(1)

    def sparsity_loss(self) -> Tensor:
        """Mean over events of `(Σ w)² / Σ w²` − 1: how many share an event, whatever its level."""
        weights = torch.relu(self.raw)
        power = weights.square().sum(-1).clamp_min(torch.finfo(weights.dtype).tiny)
        return torch.relu(weights.sum(-1).square() / power - 1.0).mean()
