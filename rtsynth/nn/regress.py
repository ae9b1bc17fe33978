"""A field taught one event's measured curves. Thread: worker.

The members' sum is fitted to the curves point by point, by Adam (Kingma & Ba 2015) on random
points. The errors count in what an ear or a meter would call one step of each control, so that a
cent and a decibel weigh what they should. Half of the points are those of the event as it was, half
of events held for longer, shorter and for ever: a player will.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.errors import ValueRangeError
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument import CONTROLS, PLAIN_CONTROLS, FieldWeights
from rtsynth.nn.field import NeuralField

__all__ = ["CONTROL_STEP", "draw_curves", "teach_curves"]

CONTROL_STEP = {
    "bend": 0.03, "bow": 0.25, "bright": 0.5, "damp": 0.1, "wet": 0.5, "dry": 0.25,
    **dict.fromkeys(CONTROLS[PLAIN_CONTROLS:], 0.25),
}  # fmt: skip
"""What counts as one step of a control: 3 cents, 1.5 dB, half a dB/octave, a T60 of 7 %."""

NOISE_STEP = 0.7  # 4 dB: bands of noise fluctuate as much by themselves
LEAST_WEIGHT = 0.02
EVENTS, BATCH = 4, 96
LENGTHS = (0.3, 2.0)  # of the event as it was
RINGING_S = 0.6
RATES = (6e-3, 1e-4)
KNEE = 3.0  # steps from which an error counts linearly only


def draw_curves(
    controls: NDArray[np.float64],
    weight: NDArray[np.float64],
    step_s: float,
    duration_s: float,
    *,
    after: Mapping[str, float] | None = None,
    steps: int = 2_000,
    frequencies: int = 16,
    hidden: int = 64,
    seed: int = 0,
) -> FieldWeights:
    """The field of one resonance that draws these curves at the vector 0.

    Args:
        controls: [points, 38 or 54] while it is held, in the order of `CONTROLS`; inside
            `CONTROL_LIMITS`. Beyond the last point nothing is learned.
        weight: [points] how much each matters, 0 … 1.
        step_s: seconds of age from point to point.
        duration_s: the event's; may be infinite.
        after: controls that take another value once the event is let go.
        steps: of the optimiser, 1 … 100 000.
        frequencies: of each member.
        hidden: units of each member.
        seed: of first weights and points.

    Raises:
        ValueRangeError: wrong shape, or NaN or infinity in the curves, or steps out of range.
    """
    toned = controls.shape[-1] > PLAIN_CONTROLS
    field = NeuralField(1, frequencies=frequencies, hidden=hidden, toned=toned, seed=seed)
    teach_curves(
        field, controls, weight, step_s, duration_s, after=after, steps=steps, seed=seed
    )  # fmt: skip
    return field.to_weights()


def teach_curves(
    field: NeuralField,
    controls: NDArray[np.float64],
    weight: NDArray[np.float64],
    step_s: float,
    duration_s: float,
    *,
    after: Mapping[str, float] | None = None,
    steps: int = 2_000,
    seed: int = 0,
) -> None:
    """Teach a field, variants for ablations included, the curves of its resonance 0.

    Args:
        field: changed in place; the rest as `draw_curves` takes it.
        controls: [points, C], as many as the field draws.
        weight: [points].
        step_s: seconds from point to point.
        duration_s: the event's.
        after: controls that take another value once the event is let go.
        steps: of the optimiser.
        seed: of the points.

    Raises:
        ValueRangeError: as `draw_curves` does.
    """
    _check(controls, weight, steps, len(field.limits))
    unit = _control_steps(len(field.limits))
    released = {CONTROLS.index(k): v / unit[CONTROLS.index(k)] for k, v in (after or {}).items()}
    lesson = _Lesson(
        torch.from_numpy(controls / unit).float(),
        torch.from_numpy(weight).float().clamp(LEAST_WEIGHT, 1.0),
        step_s,
        duration_s,
        released,
        torch.Generator().manual_seed(seed),
    )
    _start(field, lesson)
    _fit(field, lesson, steps)


def _check(
    controls: NDArray[np.float64], weight: NDArray[np.float64], steps: int, drawn: int
) -> None:
    shape = (len(controls), drawn)
    if controls.shape != shape or weight.shape != shape[:1] or not len(controls):
        raise ValueRangeError(
            f"controls of shape {controls.shape} with weights of shape {weight.shape}; legal: "
            f"[points, {drawn}] with [points]"
        )
    if not (np.isfinite(controls).all() and np.isfinite(weight).all()):
        raise ValueRangeError("controls hold NaN or infinity; legal: finite numbers")
    if not 1 <= steps <= 100_000:
        raise ValueRangeError(f"steps = {steps}; legal: 1 … 100000", field="steps")


@dataclasses.dataclass
class _Lesson:
    """What is taught: [points, C] wanted in steps, [points] weights."""

    wanted: Tensor
    matters: Tensor
    step_s: float
    duration_s: float
    released: dict[int, float]
    source: torch.Generator

    def durations(self) -> Tensor:
        """[EVENTS] as it was, twice; for ever; and of a random length."""
        own = self.duration_s
        share = LENGTHS[0] * (LENGTHS[1] / LENGTHS[0]) ** float(
            torch.rand((), generator=self.source)
        )
        return torch.tensor([own, own, math.inf, own * share], dtype=torch.float64)

    def points(self, durations: Tensor) -> Tensor:
        """[EVENTS, BATCH] random points, of each event those until it has rung out."""
        share = torch.rand(EVENTS, BATCH, generator=self.source)
        last = ((durations + RINGING_S) / self.step_s).clamp(1.0, len(self.wanted))
        return (share * last[:, None]).long().clamp(max=len(self.wanted) - 1)

    def targets(self, index: Tensor, durations: Tensor) -> Tensor:
        """[EVENTS, BATCH, C] what is to be drawn there."""
        wanted = self.wanted[index]
        let_go = index * self.step_s >= durations[:, None]
        for control, value in self.released.items():
            wanted[..., control] = torch.where(let_go, value, wanted[..., control])
        return wanted


def _control_steps(drawn: int) -> NDArray[np.float64]:
    return np.array([CONTROL_STEP.get(name, NOISE_STEP) for name in CONTROLS[:drawn]])


def _start(field: NeuralField, lesson: _Lesson) -> None:
    """Let the field draw the curves' means."""
    mean = (lesson.matters[:, None] * lesson.wanted).sum(0) / lesson.matters.sum()
    scale = torch.from_numpy(_control_steps(len(field.limits))).float()
    with torch.no_grad():
        field.control_net.b2.add_(mean * scale / field.members)


def _fit(field: NeuralField, lesson: _Lesson, steps: int) -> None:
    inverse = 1.0 / torch.from_numpy(_control_steps(len(field.limits))).float()
    event = (torch.zeros(EVENTS, dtype=torch.long), torch.zeros(EVENTS, VECTOR_DIM))
    learned = [p for p in field.control_net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learned, RATES[0])
    decay = (RATES[1] / RATES[0]) ** (1.0 / steps)
    for _ in range(steps):
        durations = lesson.durations()
        index = lesson.points(durations)
        drawn = field.draw_controls(*event, index.double() * lesson.step_s, durations).sum(0)
        error = torch.nn.functional.smooth_l1_loss(
            drawn * inverse, lesson.targets(index, durations), reduction="none", beta=KNEE
        )
        loss = (lesson.matters[index][..., None] * error).mean()
        if not math.isfinite(float(loss.detach())):
            raise ValueRangeError("the fit ran away; legal: smoother curves")
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] *= decay
