"""One field against four, rotary against additive, and no field: the same bank and steps beside it.

Every variant has as many weights. The instrument's own field is left out and a new one is learned,
together with bank, attacks, events' gains and vectors, by the multi-scale loss. A sustained note's
field is first taught the curves that were measured.

    four       an ensemble of four members, rotary encoding: the instrument's
    one        one member with all frequencies
    additive   four members, the encoding beside the condition instead of turning it
    off        no field
"""

import dataclasses
from typing import Any

import numpy as np
import torch
from ablate_material import SUSTAINED, Pair
from numpy.typing import NDArray
from torch import Tensor

from rtsynth.decompose.panning import mid_signal
from rtsynth.decompose.sustained.measure import Sustained, measure_sustained
from rtsynth.decompose.sustained.one_event import after, held_on
from rtsynth.decompose.synthesis import event_signal
from rtsynth.dsp.modal import TICK
from rtsynth.events import Kind
from rtsynth.fit.crop import draw_crop, render_crop
from rtsynth.fit.experiment import Experiment, Rates
from rtsynth.fit.material import Material, prepare
from rtsynth.fit.measure import held_out, mel_distance_db
from rtsynth.fit.model import Model
from rtsynth.fit.optimiser import Optimiser
from rtsynth.instrument import CONTROLS
from rtsynth.losses import MultiScale
from rtsynth.nn.batch import EventBatch
from rtsynth.nn.field import NeuralField
from rtsynth.nn.regress import teach_curves
from rtsynth.nn.voice import Controls

__all__ = ["VARIANTS", "learn_field"]

VARIANTS: dict[str, dict[str, Any] | None] = {
    "four": {},
    "one": {"members": 1},
    "additive": {"encoding": "additive"},
    "off": None,
}
RATES = Rates(attack=0.005, gain=0.005, field=0.0001)


class HalfModel(Model):
    """A model whose field draws for some events only.

    Attributes:
        heard: [E] 1 where the field is on, of the batch that is rendered next.
    """

    heard: Tensor

    def controls(self, batch: EventBatch) -> Controls:
        """What the field draws, 0 for events it is off for."""
        draw, heard = super().controls(batch), self.heard[:, None, None]
        return lambda age: draw(age) * heard

    def draw_attack(self, batch: EventBatch) -> Tensor:
        """[E, A] the field's attacks, 0 for events it is off for."""
        return super().draw_attack(batch) * self.heard[:, None]


def learn_field(
    pair: Pair, variant: str, steps: int, seed: int, *, curve_steps: int = 1_000, half: bool = False
) -> dict[str, Any]:
    """Train a variant on a pair; everything that the table reports.

    Args:
        pair: recording, score, instrument.
        variant: of VARIANTS.
        steps: of Adam.
        seed: of weights and crops.
        curve_steps: of the regression onto measured curves, where the clip is a sustained note.
        half: learn the field from every other event only, and measure it on all.
    """
    torch.manual_seed(seed)
    instrument = dataclasses.replace(pair.instrument, field=None)
    score = dataclasses.replace(pair.score, instrument="")
    material = prepare([(pair.recording, score)], instrument)
    experiment = Experiment(seed=seed, steps=steps, rates=RATES)
    model = HalfModel(material, experiment)
    facts: dict[str, Any] = {}
    settings = VARIANTS[variant]
    if settings is not None:
        model.field = NeuralField(
            instrument.resonances, sample_rate=instrument.attack_rate, seed=seed, **settings
        )
        facts["weights"] = _weights(model.field)
        if pair.name in SUSTAINED:
            facts |= _taught(model.field, _measured(pair), curve_steps, seed)
    on = torch.ones(len(material.rows))
    if half:
        on[_every_other(material.rows["resonance"], seed)] = 0.0
    _train(model, material, experiment, on)
    if half:
        facts["seen_only"] = _measure(pair, model, material, on)[0]
    facts["held_out"], facts["mel_db"] = _measure(pair, model, material, torch.ones_like(on))
    return facts


def _weights(field: NeuralField) -> int:
    """Numbers that are learned apart from the condition's tables."""
    nets = (field.control_net, field.attack_net)
    return sum(p.numel() for net in nets for n, p in net.named_parameters() if n[0] in "wb")


def _every_other(resonance: NDArray[Any], seed: int) -> NDArray[Any]:
    """Half of each resonance's events, drawn at random; an only event is always learned from."""
    random = np.random.Generator(np.random.PCG64(seed))
    found = [random.permutation(np.flatnonzero(resonance == r)) for r in np.unique(resonance)]
    left: NDArray[Any] = np.concatenate([at[: len(at) // 2] for at in found])
    return left


_notes: dict[str, Sustained] = {}


def _measured(pair: Pair) -> Sustained:
    if pair.name not in _notes:
        sound = mid_signal(pair.recording.frames)
        _notes[pair.name] = measure_sustained(sound, pair.recording.sample_rate)
    return _notes[pair.name]


def _taught(field: NeuralField, note: Sustained, steps: int, seed: int) -> dict[str, float]:
    """Teach the measured curves; how far the drawn ones are from them."""
    teach_curves(
        field, *held_on(note), note.step_s, note.duration_s,
        after=after(note), steps=steps, seed=seed,
    )  # fmt: skip
    age = torch.arange(len(note.controls)).double()[None] * note.step_s
    event = (torch.zeros(1, dtype=torch.int64), torch.zeros(1, 32))
    duration = torch.tensor([note.duration_s], dtype=torch.float64)
    with torch.no_grad():
        drawn = field.draw_controls(*event, age, duration).sum(0)[0].double().numpy()
    weight = note.weight**2 / np.sum(note.weight**2)
    held = np.arange(len(weight)) < note.duration_s / note.step_s
    off = np.sqrt((weight * held) @ (drawn - note.controls) ** 2)
    return {
        "bend_cents": 100.0 * float(off[CONTROLS.index("bend")]),
        "bow_db": 6.02 * float(off[CONTROLS.index("bow")]),
    }


def _train(model: HalfModel, material: Material, experiment: Experiment, on: Tensor) -> None:
    optimiser = Optimiser(dict(model.named_parameters()), experiment)
    random = np.random.Generator(np.random.PCG64(experiment.seed))
    loss = MultiScale()
    for step in range(experiment.steps):
        crop = draw_crop(material, experiment.crop_s, random)
        active = material.active(crop.piece, crop.first, crop.count)
        batch, model.heard = model.batch(active), on[active]
        target = torch.from_numpy(crop.piece.target[:, crop.first : crop.first + crop.count])
        made = render_crop(model, batch, crop.first, crop.count, len(target))
        floor = material.floor(crop.piece, crop.first)
        total, _ = loss(target, made[:, None], floor)
        total = total + sum(model.regularisers(experiment.weights, batch).values())
        for parameter in optimiser.parameters.values():
            parameter.grad = None
        if total.requires_grad:
            total.backward()  # type: ignore[no-untyped-call]
            optimiser.step(step)


@torch.no_grad()
def _measure(pair: Pair, model: HalfModel, material: Material, on: Tensor) -> tuple[float, float]:
    """Held-out distance, and mel distance in dB, of all events and the textures."""
    rate = material.sample_rate
    target = pair.recording.frames.mean(axis=1)
    out = np.zeros(len(target))
    for event in pair.score.table:
        if event.kind == Kind.TEXTURE and not event.muted:
            first = round(event.onset_s * rate)
            sound = event_signal(event, material.instrument, rate, len(out) - first)
            out[first : first + len(sound)] += sound[: len(out) - first]
    bank = model.bank()
    for index in range(len(material.rows)):
        batch = model.batch(np.array([index]))
        first = int(batch.onset[0])
        if first >= len(out):
            continue
        model.heard = on[index : index + 1]
        voices = model.voices(batch, bank)
        ticks = min(len(out) - first, _frames_heard(material, index)) // TICK + 1
        sound = voices.whole(torch.zeros(1, dtype=torch.int64), ticks)[0].double().numpy()
        end = min(len(out), first + len(sound))
        out[first:end] += sound[: end - first]
    return held_out(target, out), mel_distance_db(target, out, rate)


def _frames_heard(material: Material, index: int) -> int:
    """Until an event has fallen by 60 dB and a bit, the attack included."""
    row = material.rows[index]
    tail = float(material.instrument.tail_s()[row["resonance"]])
    held = float(row["duration_s"])
    seconds = min(tail, held + float(row["release_s"])) if np.isfinite(held) else tail
    if np.isfinite(held) and material.instrument.bow[row["resonance"]] > 0:
        seconds = held + min(tail, float(row["release_s"]))
    return int(1.3 * max(seconds, 0.25) * material.sample_rate)
