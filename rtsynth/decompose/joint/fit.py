"""The joint fit: event table and bank together, by gradient, against the whole recording.

Least squares fits waveforms one resonance at a time. This fit compares magnitudes of everything at
once, on random crops, so that a step costs the same however long the recording is; long windows
first, short ones later. What it finds is kept only where the whole score, rendered by the
reference, measures better than before. Thread: worker.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rtsynth.decompose.damped import Float
from rtsynth.decompose.joint.adam import RowAdam
from rtsynth.decompose.joint.model import JointModel
from rtsynth.decompose.joint.start import learnable
from rtsynth.decompose.recording import Recording
from rtsynth.decompose.synthesis import render_score
from rtsynth.decompose.texture.power import expected_floor
from rtsynth.errors import ValueRangeError
from rtsynth.events import EventTable, Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.losses import (
    Attribution,
    Floor,
    MagnitudeOfSum,
    MultiScale,
    MultiScaleMag,
    NestedDropout,
    PatchInfo,
    Phased,
    RateController,
    SharedLoss,
    SparsitySchedule,
    Spectra,
    SumOfMagnitudes,
)
from rtsynth.metrics.spectral import multi_resolution

__all__ = ["RATES", "WEIGHTS", "refine"]

WINDOWS = (2048, 1024, 512, 256, 128, 64)
AT_ONCE = 2  # windows per step, drawn anew each time
CROP_S = 0.75
EXCESS = 0.1  # error that twice as many events as asked for are worth
MEASURED = 6  # times during a fit that the whole is rendered and measured

RATES = {
    "pitch": 0.2, "decay": 0.01, "level": 0.01, "phase": 0.01, "attack": 0.01, "noise": 0.02,
    "gain": 0.01, "transpose": 0.1, "damp": 0.005, "bright": 0.02, "held": 1.0, "release": 0.02,
    "vector": 0.0, "gates.log_odds": 0.05,
}  # fmt: skip
"""Step of every parameter, in its own unit (`JointModel`)."""

WEIGHTS = {"multiscale": 1.0, "phased": 0.5}
"""Of the losses by name; g1, g2, attribution, patch_info and nested_dropout are known too."""

History = list[dict[str, float]]


def refine(
    score: Score,
    instrument: Instrument,
    recording: Recording,
    *,
    steps: int = 300,
    seed: int = 0,
    device: str = "cpu",
    advance: Callable[[int], object] = lambda count: None,
    events_per_s: float | None = None,
    weights: dict[str, float] | None = None,
    rates: dict[str, float] | None = None,
) -> tuple[Score, Instrument, History]:
    """Fit a score and its instrument to their recording.

    Args:
        score: what was found so far.
        instrument: its bank, at the recording's rate.
        recording: what it shall sound like.
        steps: of descent, 0 … 1 000 000.
        seed: of crops, windows, gates.
        device: of torch.
        advance: called with 1 after every step.
        events_per_s: press the events to be so few; None leaves their number as it is.
        weights: of the losses, instead of `WEIGHTS`.
        rates: instead of those in `RATES`.

    Returns:
        The better score and instrument, or those given if none is better; and what was measured,
        by step: `error` (spectral convergence plus log-magnitude in nepers, and what events beyond
        `events_per_s` cost) and mean `loss`.

    Raises:
        ValueRangeError: steps, or the instrument's rate, are illegal.
    """
    if not 0 <= steps <= 1_000_000:
        raise ValueRangeError(f"steps = {steps}; legal: 0 … 1000000", field="steps")
    if instrument.attack_rate != recording.sample_rate:
        raise ValueRangeError(
            f"the instrument is at {instrument.attack_rate} Hz, the recording at "
            f"{recording.sample_rate} Hz; convert one of them", field="attack_rate",
        )  # fmt: skip
    if steps == 0 or len(learnable(score, instrument)) == 0:
        return score, instrument, []
    run = _Run(score, instrument, recording, steps, seed, torch.device(device), events_per_s,
               WEIGHTS if weights is None else weights, {**RATES, **(rates or {})})  # fmt: skip
    run.descend(advance)
    return run.best[1], run.best[2], run.history


class _Run:
    """One fit on its way."""

    def __init__(
        self,
        score: Score,
        instrument: Instrument,
        recording: Recording,
        steps: int,
        seed: int,
        device: torch.device,
        events_per_s: float | None,
        weights: dict[str, float],
        rates: dict[str, float],
    ) -> None:
        self.recording, self.steps, self.device = recording, steps, device
        self.rate = recording.sample_rate
        self.model = JointModel(score, instrument, self.rate, events_per_s is not None, seed)
        self.model.to_device(device)
        self.optimiser = RowAdam(dict(self.model.named_parameters()), rates)
        self.random = np.random.Generator(np.random.PCG64(seed))
        self.target = recording.frames.mean(axis=1)
        self.fixed = _fixed(score, instrument, self.model.index, recording)
        self.controller = RateController(events_per_s, 0.3, 10) if events_per_s else None
        self.schedule = SparsitySchedule(steps)
        self.weights, self.patches = weights, PatchInfo(seed=seed)
        self.nested = NestedDropout(seed=seed)
        self.events_per_s = events_per_s
        error = self._measure(score, instrument)
        self.best = (error, score, instrument)
        self.history: History = [{"step": 0.0, "error": error}]

    def descend(self, advance: Callable[[int], object]) -> None:
        """All steps; the best state that was measured stays in `best`."""
        every = max(1, math.ceil(self.steps / MEASURED))
        losses: list[float] = []
        for step in range(self.steps):
            losses.append(self._step(step))
            advance(1)
            if (step + 1) % every == 0 or step + 1 == self.steps:
                found = self.model.bake()
                error = self._measure(*found)
                mean = float(np.mean(losses))
                self.history.append({"step": step + 1.0, "error": error, "loss": mean})
                losses.clear()
                if error < self.best[0]:
                    self.best = (error, *found)

    def _step(self, step: int) -> float:
        count = min(round(CROP_S * self.rate), len(self.target))
        first = int(self.random.integers(-count // 2, len(self.target) - count // 2 + 1))
        first = min(max(first, 0), len(self.target) - count)
        active = self.model.active(first, count)
        if len(active) == 0:
            return 0.0
        self.optimiser.forget()
        gates = self.model.gates
        gate = None if gates is None else gates.sample()
        events = self.model.channels(active, first, count, gate)
        if self.fixed is not None:
            events = torch.cat([events, self._crop(self.fixed, first, count)])
        spectra = Spectra(self._crop(self.target, first, count), events[None])
        rows = self.model.score.table.rows
        floor = expected_floor(rows, self.model.source, self.rate, first)
        loss = self._loss(spectra, step, floor)
        loss = loss + self._pressure(step)
        loss.backward()  # type: ignore[no-untyped-call]
        share = 0.05 + 0.95 * (0.5 + 0.5 * math.cos(math.pi * step / self.steps))
        self.optimiser.step(share * min(1.0, (step + 1) / 10.0))
        return float(loss.detach())

    def _loss(self, spectra: Spectra, step: int, floor: Floor | None) -> Tensor:
        """Long windows only at first; all of them from the middle of the fit on."""
        fine = 2 + round((len(WINDOWS) - 2) * min(1.0, 2.0 * step / self.steps))
        drawn = self.random.choice(fine, AT_ONCE, replace=False)
        windows = tuple(WINDOWS[k] for k in sorted(drawn.tolist()))
        transform = MultiScaleMag(windows)
        made: dict[str, Callable[[], SharedLoss]] = {
            "g2": lambda: SumOfMagnitudes(transform),
            "g1": lambda: MagnitudeOfSum(transform),
            "multiscale": lambda: MultiScale(windows),
            "phased": lambda: Phased(transform),
            "attribution": lambda: Attribution(transform),
            "patch_info": lambda: self.patches,
            "nested_dropout": lambda: self.nested,
        }
        self.nested.transform = transform
        total = spectra.target.new_zeros(())
        for name, make in made.items():
            weight = self.weights.get(name, 0.0)
            if weight > 0.0:
                total = total + weight * make().measure(spectra, floor)[0]
        return total

    def _pressure(self, step: int) -> Tensor | float:
        """The penalty on the number of events, once its time has come."""
        gates, controller = self.model.gates, self.controller
        if gates is None or controller is None or self.schedule.share(step) == 0.0:
            return 0.0
        seconds = len(self.target) / self.rate
        weight = controller.update(step, float((gates() > 0.0).sum()) / seconds)
        return weight * gates.expected_count() / len(gates.log_odds)

    def _crop(self, sound: Float, first: int, count: int) -> Tensor:
        """[1, count]."""
        part = torch.from_numpy(np.ascontiguousarray(sound[first : first + count], np.float32))
        return part.to(self.device)[None]

    def _measure(self, score: Score, instrument: Instrument) -> float:
        made = render_score(score, instrument, self.rate).mean(axis=1)
        sound = np.zeros(len(self.target))
        sound[: len(made)] = made[: len(sound)]
        convergence, distance = multi_resolution(self.target, sound)
        return (convergence or 0.0) + distance + self._excess(score)

    def _excess(self, score: Score) -> float:
        """What events beyond the rate asked for cost."""
        if self.events_per_s is None:
            return 0.0
        rate = len(score.table) * self.rate / len(self.target)
        return EXCESS * max(0.0, rate / self.events_per_s - 1.0)


def _fixed(
    score: Score, instrument: Instrument, learned: Any, recording: Recording
) -> Float | None:
    """[frames] what is neither learned nor a texture, rendered; None if there is no such event."""
    rows = score.table.rows
    others = np.ones(len(rows), bool)
    others[learned] = False
    others &= (rows["kind"] != Kind.TEXTURE) & (rows["muted"] == 0)
    if not others.any():
        return None
    table = EventTable.from_rows(rows[others].copy(), list(score.table.group_names), {}, {})
    part = dataclasses.replace(score, table=table)
    made = render_score(part, instrument, recording.sample_rate).mean(axis=1)
    sound = np.zeros(len(recording.frames))
    count = min(len(made), len(sound))
    sound[:count] = made[:count]
    return sound
