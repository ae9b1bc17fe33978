"""How hard events are pressed to be few: not at first, then as a rate asks. Thread: worker.

The idea of raising the coefficient twice during training is that of Spiking Music (Lisboa & Bellec
2024, arXiv 2402.01571); the figures are ours.
"""

import dataclasses
import math

from rtsynth.errors import ValueRangeError

__all__ = ["RateController", "SparsitySchedule", "score_bits"]

HIGHEST = 10.0
FIRST = 1e-3  # a logarithm cannot begin at 0


@dataclasses.dataclass
class RateController:
    """A coefficient that follows a rate: `log λ += gain · (rate − target) / target`.

    λ starts at 0 and leaves it, to 1e-3, when the rate first exceeds its target; falling below that
    it is 0 again.

    Attributes:
        target: events per second.
        gain: nepers per update and unit of relative excess.
        every: steps between updates.
        weight: λ, 0 … 10.
    """

    target: float
    gain: float = 0.05
    every: int = 100
    weight: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (("target", 1e-3, 1e5), ("gain", 1e-4, 10.0), ("every", 1, 10**6)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueRangeError(f"{name} = {value}; legal: {low:g} … {high:g}", field=name)

    def update(self, step: int, rate: float) -> float:
        """λ after a step.

        Args:
            step: counted from 0; between updates nothing changes.
            rate: active events per second now.
        """
        if (step + 1) % self.every == 0:
            excess = (rate - self.target) / self.target
            start = self.weight if self.weight >= FIRST else FIRST * (excess > 0.0)
            grown = start * math.exp(min(self.gain * excess, 50.0))
            self.weight = min(grown, HIGHEST) if grown >= FIRST else 0.0
        return self.weight


@dataclasses.dataclass(frozen=True)
class SparsitySchedule:
    """The coefficient's share over a run: 0, then 1, then 4, ramps between.

    Attributes:
        steps: of the run.
        begin: share of the run without any pressure.
        again: share of the run after which it is pressed harder.
        ramp: share of the run that each rise takes.
        harder: factor of the second rise.
    """

    steps: int
    begin: float = 0.4
    again: float = 0.7
    ramp: float = 0.05
    harder: float = 4.0

    def __post_init__(self) -> None:
        order = 0.0 <= self.begin <= self.again <= 1.0 and self.ramp > 0.0 and self.steps > 0
        if not order:
            raise ValueRangeError(f"{self}; legal: steps > 0, 0 ≤ begin ≤ again ≤ 1, ramp > 0")

    def share(self, step: int) -> float:
        """What λ1 is multiplied with at a step."""
        done = step / self.steps
        first = min(max((done - self.begin) / self.ramp, 0.0), 1.0)
        second = min(max((done - self.again) / self.ramp, 0.0), 1.0)
        return first * (1.0 + (self.harder - 1.0) * second)

    @staticmethod
    def calibrate(reconstruction: float, penalty: float, part: float = 0.1) -> float:
        """λ1 for which the penalty's gradient is a part of the reconstruction's.

        Args:
            reconstruction: norm of its gradient on the gates.
            penalty: norm of the penalty's gradient there, at λ = 1.
            part: how much of it.
        """
        return part * reconstruction / max(penalty, 1e-30)


def score_bits(events: int, places: int, resonances: int, parameter_bits: float) -> float:
    """Bits of a score, `log2 C(T, k) + k (log2 R + parameter bits)`.

    Args:
        events: k.
        places: T onsets that can be told apart, ≥ k.
        resonances: R.
        parameter_bits: per event.
    """
    if not 0 <= events <= places:
        raise ValueRangeError(f"events = {events}; legal: 0 … {places}", field="events")
    ways = math.lgamma(places + 1) - math.lgamma(events + 1) - math.lgamma(places - events + 1)
    return ways / math.log(2.0) + events * (math.log2(max(resonances, 1)) + parameter_bits)
