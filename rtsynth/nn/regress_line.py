"""A field taught the curves of many events at once, and a code by which it tells them apart.

As `rtsynth.nn.regress` for one event; each event's last vector coordinates are learned with the
field (an auto-decoder: Park et al. 2019). Thread: worker.
"""

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
EVENTS, POINTS = 12, 48
RATES = (6e-3, 1e-4)
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
    steps: int = 1_200,
    frequencies: int = 16,
    hidden: int = 64,
    seed: int = 0,
) -> tuple[FieldWeights, Float]:
    """The field that draws every event's curves, and [events, code_size] their codes.

    Args:
        controls: per event [points, 22] in the order of `CONTROLS`, inside `CONTROL_LIMITS`.
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
        int(resonance.max()) + 1, frequencies=frequencies, hidden=hidden, seed=seed
    )
    unit = np.array([CONTROL_STEP.get(name, NOISE_STEP) for name in CONTROLS])
    wanted = torch.from_numpy(np.concatenate(controls) / unit).float()
    matters = torch.from_numpy(np.concatenate(weight)).float().clamp(LEAST_WEIGHT, 1.0)
    count = torch.tensor([len(c) for c in controls])
    first = torch.cumsum(count, 0) - count
    codes = VECTOR_SCALE * torch.randn(len(controls), code_size, generator=source)
    codes.requires_grad_(True)
    known = torch.from_numpy(offsets).float()
    kept = torch.from_numpy(np.asarray(resonance, np.int64))
    lengths = torch.from_numpy(np.asarray(duration_s, np.float64))
    scale = torch.from_numpy(unit).float()
    with torch.no_grad():
        mean = (matters[:, None] * wanted).sum(0) / matters.sum()
        field.control_net.b2.add_(mean * scale / field.members)
    learned = [p for p in field.control_net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(
        [{"params": learned}, {"params": [codes], "lr": RATES[0] * VECTOR_SCALE}], RATES[0]
    )
    decay = (RATES[1] / RATES[0]) ** (1.0 / steps)
    for _ in range(steps):
        chosen = torch.randperm(len(controls), generator=source)[:EVENTS]
        share = torch.rand(len(chosen), POINTS, generator=source)
        index = (share * count[chosen][:, None]).long()
        ever = torch.rand(len(chosen), generator=source) < FOR_EVER
        span = torch.where(ever, math.inf, lengths[chosen])
        vector = torch.cat([known[chosen], codes[chosen]], 1)
        drawn = field.draw_controls(kept[chosen], vector, index.double() * step_s, span).sum(0)
        place = first[chosen][:, None] + index
        error = torch.nn.functional.smooth_l1_loss(
            drawn / scale, wanted[place], reduction="none", beta=KNEE
        )
        loss: Tensor = (matters[place][..., None] * error).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] *= decay
    return field.to_weights(), codes.detach().double().numpy()
