"""An experiment: everything a training run depends on besides its recordings. Thread: any."""

import dataclasses
import hashlib
import json
from typing import Any

from rtsynth.errors import ValueRangeError

__all__ = ["CHOICES", "DEVICES", "Experiment", "FieldSize", "LossTerm", "Rates", "Weights"]

CHOICES = ("fixed", "em", "gumbel")
DEVICES = ("cpu", "cuda", "auto")


def _check(record: Any, ranges: dict[str, tuple[float, float]]) -> None:
    for name, (low, high) in ranges.items():
        value = getattr(record, name)
        if not low <= value <= high:
            raise ValueRangeError(f"{name} = {value!r}; legal: {low:g} … {high:g}", field=name)


@dataclasses.dataclass(frozen=True)
class Rates:
    """Learning rates of Adam, each in the unit of what it moves per step; 0 keeps it as it is.

    Attributes:
        pitch: cents, of every mode's frequency.
        decay: nepers, of every mode's T60.
        level: nepers, of every mode's amplitude.
        phase: radians, of every mode.
        attack: share of the attack's own level, of every sample of it.
        gain: nepers, of every event.
        vector: dB, of every coordinate of every event.
        field: of the neural field's weights, prototypes included.
        choice: of the logits, where the choice is learned by gumbel.
    """

    pitch: float = 0.1
    decay: float = 0.01
    level: float = 0.01
    phase: float = 0.01
    attack: float = 0.01
    gain: float = 0.003
    vector: float = 0.05
    field: float = 0.0002
    choice: float = 0.05

    def __post_init__(self) -> None:
        _check(self, {f.name: (0.0, 10.0) for f in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class Weights:
    """What regularisers weigh against the loss.

    Attributes:
        vector: mean square of how far vectors moved, in units of 12 dB.
        pitch: mean square of how far frequencies moved, in semitones.
        controls: mean square of the controls that the field draws.
        overlap: how alike the members of the field are.
        balance: how unevenly a learned choice uses the resonances.
    """

    vector: float = 0.01
    pitch: float = 0.01
    controls: float = 0.001
    overlap: float = 0.001
    balance: float = 0.01

    def __post_init__(self) -> None:
        _check(self, {f.name: (0.0, 1e6) for f in dataclasses.fields(self)})


@dataclasses.dataclass(frozen=True)
class FieldSize:
    """Size of a neural field made anew; one that the instrument has already keeps its own.

    Attributes:
        frequencies: of each member.
        hidden: units of each layer.
        attack_s: length of the drawn attack, seconds.
    """

    frequencies: int = 16
    hidden: int = 64
    attack_s: float = 0.1

    def __post_init__(self) -> None:
        _check(self, {"frequencies": (1, 64), "hidden": (1, 256), "attack_s": (0.001, 0.2)})


@dataclasses.dataclass(frozen=True)
class LossTerm:
    """One loss by its name in `rtsynth.losses.LOSSES`, its weight and its settings."""

    name: str = "multiscale"
    weight: float = 1.0
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self, {"weight": (0.0, 1e6)})


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A recipe for training.

    Attributes:
        name: for people.
        seed: of everything drawn at random.
        device: "cpu", "cuda", or "auto" for whichever is there.
        steps: of Adam.
        crop_s: length of a crop, seconds.
        crops: crops per step.
        clip: largest norm of a group's gradient.
        warmup: steps until the rates are reached.
        final_rate: share of the rates at the last step; cosine in between.
        validate_every: steps between validations.
        checkpoint_every: steps between checkpoints.
        past_stride: ticks before a crop that share one reading of the field; 1 is exact.
        choice: how events choose resonances: "fixed", "em" or "gumbel".
        choice_every: steps between two rounds of em.
        candidates: resonances an event may choose from under gumbel, its own included.
        rates: learning rates.
        weights: of the regularisers.
        field: size of the neural field; None to do without.
        losses: what is made small.
    """

    name: str = "experiment"
    seed: int = 0
    device: str = "cpu"
    steps: int = 200
    crop_s: float = 0.75
    crops: int = 1
    clip: float = 1.0
    warmup: int = 10
    final_rate: float = 0.05
    validate_every: int = 40
    checkpoint_every: int = 40
    past_stride: int = 32
    choice: str = "fixed"
    choice_every: int = 100
    candidates: int = 4
    rates: Rates = Rates()
    weights: Weights = Weights()
    field: FieldSize | None = None
    losses: tuple[LossTerm, ...] = (LossTerm(),)

    def __post_init__(self) -> None:
        _check(self, {
            "seed": (0, 2**31 - 1), "steps": (1, 10_000_000), "crop_s": (0.1, 30.0),
            "crops": (1, 256), "clip": (1e-6, 1e6), "warmup": (0, 1_000_000),
            "final_rate": (0.0, 1.0), "validate_every": (1, 10_000_000),
            "checkpoint_every": (1, 10_000_000), "past_stride": (1, 64),
            "choice_every": (1, 10_000_000), "candidates": (1, 64),
        })  # fmt: skip
        for name, legal in (("choice", CHOICES), ("device", DEVICES)):
            if getattr(self, name) not in legal:
                raise ValueRangeError(
                    f"{name} = {getattr(self, name)!r}; legal: {', '.join(legal)}", field=name
                )
        if not self.losses:
            raise ValueRangeError("losses is empty; legal: one or more", field="losses")

    def fingerprint(self) -> str:
        """SHA-256 over what decides the result; names and checkpoint intervals do not."""
        facts = dataclasses.asdict(self)
        for name in ("name", "checkpoint_every", "device"):
            del facts[name]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
