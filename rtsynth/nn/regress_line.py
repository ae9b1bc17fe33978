"""A field taught the curves of many events at once, and a code by which it tells them apart.

As `rtsynth.nn.regress` for one event; each event's last vector coordinates are learned with the
field (an auto-decoder: Park et al. 2019). A step sees few points, each of any event: many small
steps learn three times as exactly as few large ones of the same cost. Thread: worker.
"""

import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.instrument import CONTROLS, FieldWeights
from rtsynth.instrument.field import VECTOR_SCALE
from rtsynth.nn.field import NeuralField
from rtsynth.nn.regress import CONTROL_STEP

__all__ = ["draw_line_curves"]

NOISE_STEP = 0.7
KNEE = 3.0
POINTS = 192
RATES = (1e-2, 1e-4)
APART = 4.0  # times as far as in an untrained field do vectors move what events draw
LEAST_WEIGHT = 0.02
FOR_EVER = 0.25  # of the lessons: the event as one that is not let go

Float = NDArray[np.float64]


def draw_line_curves(
    controls: list[Float],
    weight: list[Float],
    step_s: float,
    duration_s: Float,
    resonance: NDArray[np.intp],
    offsets: Float,
    code_size: int,
    *,
    steps: int = 1_600,
    frequencies: int = 16,
    hidden: int = 64,
    seed: int = 0,
) -> tuple[FieldWeights, Float]:
    """The field that draws every event's curves, and [events, code_size] their codes.

    Args:
        controls: per event [points, 54] in the order of `CONTROLS`, inside `CONTROL_LIMITS`.
        weight: per event [points], 0 … 1.
        step_s: seconds of age from point to point.
        duration_s: [events].
        resonance: [events] of each.
        offsets: [events, 32 − code_size] first coordinates of their vectors.
        code_size: coordinates of a code.
        steps: of the optimiser, 1 … 100 000.
        frequencies: of each member.
        hidden: units of each member.
        seed: of first weights, codes and points.

    Raises:
        ValueRangeError: curves that hold NaN or infinity.
    """
    if not all(np.isfinite(c).all() and len(c) for c in controls):
        raise ValueRangeError("controls hold NaN or infinity, or none; legal: finite numbers")
    source = torch.Generator().manual_seed(seed)
    field = NeuralField(
        int(resonance.max()) + 1, frequencies=frequencies, hidden=hidden, toned=True, seed=seed
    )
    codes = VECTOR_SCALE * torch.randn(len(controls), code_size, generator=source)
    lesson = _Lesson(
        torch.from_numpy(np.concatenate(controls) / _UNIT).float(),
        torch.from_numpy(np.concatenate(weight)).float().clamp(LEAST_WEIGHT, 1.0),
        torch.tensor([len(c) for c in controls]),
        step_s,
        torch.from_numpy(np.asarray(duration_s, np.float64)),
        torch.from_numpy(np.asarray(resonance, np.int64)),
        torch.from_numpy(offsets).float(),
        codes.requires_grad_(True),
        source,
    )
    lesson.start(field)
    with torch.no_grad():
        field.control_net.project.mul_(APART)
    _fit(field, lesson, steps)
    return field.to_weights(), codes.detach().double().numpy()


_UNIT = np.array([CONTROL_STEP.get(name, NOISE_STEP) for name in CONTROLS])


@dataclasses.dataclass
class _Lesson:
    """What is taught: the events' points one after the other, wanted in steps."""

    wanted: Tensor
    matters: Tensor
    count: Tensor
    step_s: float
    durations: Tensor
    resonance: Tensor
    offsets: Tensor
    codes: Tensor
    source: torch.Generator

    def start(self, field: NeuralField) -> None:
        """Let the field draw the curves' means."""
        mean = (self.matters[:, None] * self.wanted).sum(0) / self.matters.sum()
        with torch.no_grad():
            field.control_net.b2.add_(mean * torch.from_numpy(_UNIT).float() / field.members)

    def loss(self, field: NeuralField) -> Tensor:
        """The error at random points of all events."""
        place = torch.randint(len(self.wanted), (POINTS,), generator=self.source)
        end = torch.cumsum(self.count, 0)
        event = torch.searchsorted(end, place, right=True)
        ever = torch.rand(POINTS, generator=self.source) < FOR_EVER
        span = torch.where(ever, math.inf, self.durations[event])
        vector = torch.cat([self.offsets[event], self.codes[event]], 1)
        age = (place - (end - self.count)[event]).double() * self.step_s
        drawn = field.draw_controls(self.resonance[event], vector, age[:, None], span).sum(0)
        error = torch.nn.functional.smooth_l1_loss(
            drawn[:, 0] / torch.from_numpy(_UNIT).float(),
            self.wanted[place],
            reduction="none",
            beta=KNEE,
        )
        return (self.matters[place][:, None] * error).mean()


def _fit(field: NeuralField, lesson: _Lesson, steps: int) -> None:
    learned = [p for p in field.control_net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learned, RATES[0])
    optimiser.add_param_group({"params": [lesson.codes], "lr": RATES[0] * VECTOR_SCALE})
    decay = (RATES[1] / RATES[0]) ** (1.0 / steps)
    for _ in range(steps):
        loss = lesson.loss(field)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] *= decay
