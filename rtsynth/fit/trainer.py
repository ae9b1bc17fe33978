"""One training run: crops, losses, steps, validations, checkpoints. Thread: worker."""

import dataclasses
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from rtsynth.errors import FileFormatError, RtsynthError
from rtsynth.events import Score
from rtsynth.fit.bake import bake
from rtsynth.fit.checkpoint import Checkpoint, material_digest, pack_files
from rtsynth.fit.crop import draw_crop, render_crop
from rtsynth.fit.experiment import Experiment
from rtsynth.fit.material import Material
from rtsynth.fit.measure import validation
from rtsynth.fit.model import Model
from rtsynth.fit.optimiser import Optimiser
from rtsynth.fit.reassign import reassign
from rtsynth.fit.sound import sound_of
from rtsynth.instrument import Instrument
from rtsynth.losses import make_loss

__all__ = ["Trainer", "pick_device", "validate"]

MOST_BAD_STEPS = 20  # steps in a row without a finite gradient
EPSILON = 1e-12


def pick_device(name: str) -> torch.device:
    """The device an experiment asks for.

    Raises:
        RtsynthError: cuda is asked for and not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise RtsynthError("device: cuda, but torch finds none here; choose cpu or auto")
    return torch.device(name)


def validate(material: Material, scores: list[Score], instrument: Instrument) -> float:
    """Mean over pieces of `validation`, of what the engine plays, weighed by length."""
    total = weight = 0.0
    for piece, score in zip(material.pieces, scores, strict=True):
        frames = piece.recording.frames
        sound = sound_of(score, instrument, material.sample_rate, len(frames))
        total += len(frames) * validation(frames.mean(axis=1), sound.mean(axis=1))
        weight += len(frames)
    return total / weight


class Trainer:
    """A run over a material.

    Args:
        material: recordings, scores, instrument.
        experiment: the recipe.

    Attributes:
        step: steps taken.
        best: validation of the best state so far, and its parameters.
    """

    def __init__(self, material: Material, experiment: Experiment) -> None:
        self.material, self.experiment = material, experiment
        self.device = pick_device(experiment.device)
        torch.manual_seed(experiment.seed)
        self.model = Model(material, experiment).to_device(self.device)
        self.optimiser = Optimiser(dict(self.model.named_parameters()), experiment)
        self.losses = [(make_loss(t.name, t.settings), t) for t in experiment.losses]
        self.random = np.random.Generator(np.random.PCG64(experiment.seed))
        self.step = 0
        self.bad_steps = 0
        self.digest = material_digest(material)
        self.start = self.validate()
        self.best = self.start
        self.best_state = self._state()

    def run(
        self,
        *,
        until: int | None = None,
        checkpoint: Path | None = None,
        log: Path | None = None,
        progress: bool = False,
    ) -> None:
        """Train on to step `until`, or to the end of the recipe."""
        recipe = self.experiment
        last = min(until or recipe.steps, recipe.steps)
        bar = tqdm(
            desc=self.experiment.name, total=last, initial=self.step, disable=not progress,
            unit="step",
        )  # fmt: skip
        with bar:
            while self.step < last:
                began = time.perf_counter()
                facts = self.take_step()
                facts["seconds"] = time.perf_counter() - began
                if self.step % recipe.validate_every == 0 or self.step == recipe.steps:
                    facts["validation"] = self.consider()
                if checkpoint and (self.step % recipe.checkpoint_every == 0):
                    self.checkpoint().save(checkpoint)
                _write(log, facts)
                shown = {k: f"{v:.3f}" for k, v in facts.items() if k in ("loss", "linear", "log")}
                bar.set_postfix(shown, best=f"{self.best:.4f}", refresh=False)
                bar.update()
        if checkpoint:
            self.checkpoint().save(checkpoint)

    def take_step(self) -> dict[str, Any]:
        """One step of Adam; what it saw, by name."""
        for parameter in self.optimiser.parameters.values():
            parameter.grad = None
        terms: dict[str, float] = {}
        loss = torch.zeros(())
        for _ in range(self.experiment.crops):
            parts = self._crop_terms()
            loss = sum(parts.values(), start=torch.zeros((), device=self.device))
            (loss / self.experiment.crops).backward()  # type: ignore[no-untyped-call]
            for name, value in parts.items():
                terms[name] = terms.get(name, 0.0) + float(value.detach()) / self.experiment.crops
        norms = self.optimiser.step(self.step)
        finite = all(math.isfinite(n) for n in norms.values())
        self.bad_steps = 0 if finite else self.bad_steps + 1
        if self.bad_steps > MOST_BAD_STEPS:
            raise RtsynthError(
                f"{self.bad_steps} steps in a row had no finite gradient; lower the rates"
            )
        self.step += 1
        settled = self._settle()
        norms = {f"gradient.{k}": v if math.isfinite(v) else -1.0 for k, v in norms.items()}
        return {"step": self.step, "loss": sum(terms.values()), **terms, **norms, **settled}

    def _crop_terms(self) -> dict[str, Tensor]:
        """The named, weighted terms of a random crop."""
        crop = draw_crop(self.material, self.experiment.crop_s, self.random)
        active = self.material.active(crop.piece, crop.first, crop.count)
        batch, weights = self.model.batch(active), None
        choice = self.model.choice
        if choice is not None and not choice.choice.is_frozen:
            weights = choice.weights(active, self.step).reshape(-1)
            batch = self.model.undecided(active)
        target = torch.from_numpy(crop.piece.target[:, crop.first : crop.first + crop.count])
        target = target.to(self.device)
        made = render_crop(self.model, batch, crop.first, crop.count, len(target), weights)
        floor = self.material.floor(crop.piece, crop.first)
        parts: dict[str, Tensor] = {}
        for loss, term in self.losses:
            _, own = loss(target, made[:, None], floor)
            for name, value in own.items():
                key = name if name not in parts else f"{term.name}.{name}"
                parts[key] = term.weight * value
        return parts | self.model.regularisers(self.experiment.weights, batch)

    def _settle(self) -> dict[str, int]:
        """What belongs to the choice of resonances between two steps; facts for the log."""
        recipe, choice = self.experiment, self.model.choice
        if choice is not None:
            everyone = np.arange(len(self.material.rows))
            choice.choice.advance(choice.weights(everyone, self.step))
        if recipe.choice == "em" and self.step % recipe.choice_every == 0:
            return {"reassigned": reassign(self.model, self.material, self.validate)}
        return {}

    def validate(self) -> float:
        """How far what would be baked now is from the recordings."""
        scores, instrument = bake(self.model, self.material)
        return validate(self.material, scores, instrument)

    def consider(self) -> float:
        """Validate, and keep the state if it is the best so far."""
        found = self.validate()
        if found < self.best:
            self.best, self.best_state = found, self._state()
        return found

    def take_best(self) -> None:
        """Put the best state's parameters into the model."""
        self._load(self.best_state)

    def _state(self) -> dict[str, Tensor]:
        state = {n: p.detach().cpu().clone() for n, p in self.model.state_dict().items()}
        state["resonance"] = self.model.events.resonance.cpu().clone()
        return state

    @torch.no_grad()
    def _load(self, state: dict[str, Tensor]) -> None:
        own = {name: value for name, value in state.items() if name != "resonance"}
        self.model.load_state_dict(own)
        self.model.events.resonance.copy_(state["resonance"])

    def checkpoint(self) -> Checkpoint:
        """The run as it stands."""
        arrays = {f"now.{n}": t.numpy() for n, t in self._state().items()}
        arrays |= {f"best.{n}": t.numpy() for n, t in self.best_state.items()}
        arrays |= self.optimiser.arrays() | pack_files(self.material)
        size = self.experiment.field
        facts = {
            "step": self.step,
            "taken": self.optimiser.taken,
            "start": self.start,
            "best": self.best,
            "experiment": self.experiment.fingerprint(),
            "name": self.experiment.name,
            "material": self.digest,
            "random": self.random.bit_generator.state,
            "sample_rate": self.material.sample_rate,
            "field": None if size is None else dataclasses.asdict(size),
            "choice": self.experiment.choice,
            "candidates": self.experiment.candidates,
        }
        return Checkpoint(arrays, facts)

    def resume(self, found: Checkpoint) -> None:
        """Go on from a checkpoint of the same experiment on the same material.

        Raises:
            FileFormatError: it belongs to another experiment or material, or lacks something.
        """
        for key, own in (("experiment", self.experiment.fingerprint()), ("material", self.digest)):
            if found.facts.get(key) != own:
                raise FileFormatError(
                    f"the checkpoint is of another {key}; give the one it was made with, or start "
                    "without --resume"
                )
        try:
            self._load(found.tensors("now."))
            self.best_state = found.tensors("best.")
            self.optimiser.restore(found.tensors("adam.first."), found.tensors("adam.second."))
            self.optimiser.taken = int(found.facts["taken"])
            self.step, self.best = int(found.facts["step"]), float(found.facts["best"])
            self.start = float(found.facts["start"])
            self.random.bit_generator.state = found.facts["random"]
        except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            raise FileFormatError(f"the checkpoint is damaged ({error}); start again") from None


def _write(log: Path | None, facts: dict[str, Any]) -> None:
    if log is not None:
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(facts, allow_nan=False) + "\n")
