"""A field taught one event's measured curves. Thread: worker.

The members' sum is fitted to the curves point by point, by Adam (Kingma & Ba 2015) on random
points. The errors count in what an ear or a meter would call one step of each control, so that a
cent and a decibel weigh what they should.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument import CONTROLS, FieldWeights
from rtsynth.nn.field import NeuralField

__all__ = ["CONTROL_STEP", "draw_curves"]

CONTROL_STEP = {"bend": 0.03, "bow": 0.25, "bright": 0.5, "damp": 0.1, "wet": 0.5, "dry": 0.25}
"""What counts as one step of a control: 3 cents, 1.5 dB, half a dB/octave, a T60 of 7 %."""

NOISE_STEP = 0.7  # 4 dB: bands of noise fluctuate as much by themselves
LEAST_WEIGHT = 0.02
BATCH = 256
RATES = (6e-3, 1e-4)
KNEE = 3.0  # steps from which an error counts linearly only


def draw_curves(
    controls: NDArray[np.float64],
    step_s: float,
    duration_s: float,
    *,
    weight: NDArray[np.float64] | None = None,
    steps: int = 2_000,
    frequencies: int = 16,
    hidden: int = 64,
    seed: int = 0,
) -> FieldWeights:
    """The field of one resonance that draws these curves at the vector 0.

    Args:
        controls: [points, 22] in the order of `CONTROLS`; inside `CONTROL_LIMITS`.
        step_s: seconds of age from point to point.
        duration_s: the event's; may be infinite.
        weight: [points] how much each matters, 0 … 1; None for all the same.
        steps: of the optimiser, 1 … 100 000.
        frequencies: of each member.
        hidden: units of each member.
        seed: of first weights and points.

    Raises:
        ValueRangeError: wrong shape, or NaN or infinity in the curves, or steps out of range.
    """
    if controls.ndim != 2 or controls.shape[1] != len(CONTROLS) or not len(controls):
        raise ValueRangeError(
            f"controls of shape {controls.shape}; legal: [points, {len(CONTROLS)}]"
        )
    if not np.isfinite(controls).all():
        raise ValueRangeError("controls hold NaN or infinity; legal: finite numbers")
    if not 1 <= steps <= 100_000:
        raise ValueRangeError(f"steps = {steps}; legal: 1 … 100000", field="steps")
    field = NeuralField(1, frequencies=frequencies, hidden=hidden, seed=seed)
    wanted = torch.from_numpy(controls / _control_steps()).float()
    matters = torch.ones(len(controls)) if weight is None else torch.from_numpy(weight).float()
    matters = matters.clamp(LEAST_WEIGHT, 1.0)
    _start(field, wanted, matters)
    _fit(field, wanted, matters, step_s, duration_s, steps, seed)
    return field.to_weights()


def _control_steps() -> NDArray[np.float64]:
    return np.array([CONTROL_STEP.get(name, NOISE_STEP) for name in CONTROLS])


def _start(field: NeuralField, wanted: Tensor, matters: Tensor) -> None:
    """Let the field draw the curves' means."""
    mean = (matters[:, None] * wanted).sum(0) / matters.sum()
    scale = torch.from_numpy(_control_steps()).float()
    with torch.no_grad():
        field.control_net.b2.add_(mean * scale / field.members)


def _fit(
    field: NeuralField,
    wanted: Tensor,
    matters: Tensor,
    step_s: float,
    duration_s: float,
    steps: int,
    seed: int,
) -> None:
    source = torch.Generator().manual_seed(seed)
    inverse = 1.0 / torch.from_numpy(_control_steps()).float()
    event = (torch.zeros(1, dtype=torch.long), torch.zeros(1, VECTOR_DIM))
    duration = torch.tensor([duration_s], dtype=torch.float64)
    learned = list(field.control_net.parameters())
    optimiser = torch.optim.Adam([p for p in learned if p.requires_grad], RATES[0])
    decay = (RATES[1] / RATES[0]) ** (1.0 / steps)
    for _ in range(steps):
        index = torch.randint(len(wanted), (BATCH,), generator=source)
        age = (index.double() * step_s)[None]
        drawn = field.draw_controls(*event, age, duration).sum(0)[0] * inverse
        error = torch.nn.functional.smooth_l1_loss(
            drawn, wanted[index], reduction="none", beta=KNEE
        )
        loss = (matters[index, None] * error).mean()
        if not math.isfinite(float(loss.detach())):
            raise ValueRangeError("the fit ran away; legal: smoother curves")
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] *= decay
