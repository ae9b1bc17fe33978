"""What is learned, as deviations from where the decomposition left it.

Each parameter is in the unit that Adam's step is meant in (`Rates`), so that a mode of −60 dB
learns as calmly as the loudest. The sound of struck modes does not change when a resonance is
written as passive gain times impulse, so the passive form is taken once, when it is baked, and
during learning only where a bow, a blow or a strike's noise drives the modes. Thread: worker.
"""

import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtsynth.decompose.smooth_power import smooth_power
from rtsynth.fit.choosing import Choosing
from rtsynth.fit.experiment import Experiment, Weights
from rtsynth.fit.material import Material
from rtsynth.instrument import Instrument
from rtsynth.nn.batch import BankTensors, EventBatch, move_tensors
from rtsynth.nn.ensemble import member_overlap
from rtsynth.nn.field import NeuralField
from rtsynth.nn.passive import peak_response
from rtsynth.nn.voice import Controls, Voices
from rtsynth.units import LN1000

__all__ = ["Model"]

HZ_TOP = 0.45  # of the sample rate
T60_RANGE_S = (0.005, 60.0)
QUIET_ATTACK = 1e-3
ENVELOPE_S = 0.005
CENTS = 1_200.0


class Model(nn.Module):
    """Bank, events and field of a material.

    Attributes:
        pitch: [R, M] cents.
        decay: [R, M] nepers of T60.
        level, phase: [R, M] nepers and radians.
        attack: [R, A] in the attack's own level.
        gain: [E] nepers.
        vector: [E, 32] dB.
        field: the neural field, or None.
        choice: of the resonances, where it is learned by gumbel.
    """

    def __init__(self, material: Material, experiment: Experiment) -> None:
        super().__init__()
        instrument = material.instrument
        self.sample_rate = material.sample_rate
        self.past_stride = experiment.past_stride
        self.source = instrument
        shape = instrument.freq_hz.shape
        self.pitch, self.decay, self.level, self.phase = (
            nn.Parameter(torch.zeros(shape)) for _ in range(4)
        )
        self.attack = nn.Parameter(torch.zeros(instrument.attack.shape))
        self.gain = nn.Parameter(torch.zeros(len(material.rows)))
        vectors = material.rows["vector"].astype(np.float32)
        self.vector = nn.Parameter(torch.from_numpy(vectors.copy()))
        self.field = self._field(instrument, experiment)
        self._bank = BankTensors.of(instrument)
        self._attack_level = torch.from_numpy(_attack_level(instrument))
        self._events = EventBatch.of(material.rows, instrument.modes, material.sample_rate)
        self.choice: Choosing | None = None
        if experiment.choice == "gumbel":
            self.choice = Choosing(
                instrument, self._events.resonance, experiment.candidates, experiment.steps,
                material.sample_rate, experiment.seed,
            )  # fmt: skip

    @property
    def onset(self) -> NDArray[np.int64]:
        """[E] frames of every event's onset in its recording."""
        return self._events.onset

    @property
    def events(self) -> EventBatch:
        """Every event as it was, before learning."""
        return self._events

    def to_device(self, device: torch.device) -> "Model":
        """The model on a device, its constants too."""
        self.to(device)
        for record in (self._bank, self._events):
            move_tensors(record, device)
        self._attack_level = self._attack_level.to(device)
        return self

    def bank(self) -> BankTensors:
        """The bank as it is now."""
        old = self._bank
        present = old.freq_hz > 0
        freq = old.freq_hz * torch.exp2(self.pitch / CENTS)
        freq = torch.where(present, freq.clamp(20.0, HZ_TOP * self.sample_rate), 0.0)
        t60 = torch.where(present, (old.t60_s * torch.exp(self.decay)).clamp(*T60_RANGE_S), 1.0)
        is_struck = old.impulse > 0  # a bow drives a resonance that nothing strikes
        struck = old.gain * torch.where(is_struck, old.impulse, 1.0)[:, None]
        struck = struck * torch.polar(torch.exp(self.level), self.phase)
        gain, impulse = struck, is_struck.to(old.impulse.dtype)
        if bool((old.bow > 0).any() | (old.blow_wet > 0).any() | (old.strike_wet > 0).any()):
            s = torch.complex(-LN1000 / t60, 2.0 * math.pi * freq).to(torch.complex128)
            peak = peak_response(s, struck.to(torch.complex128) * present)
            peak = peak.to(old.impulse.dtype)
            impulse = peak * is_struck
            gain = struck / peak.clamp_min(1e-30)[:, None]
        attack = old.attack + self._attack_level * self.attack
        return dataclasses.replace(
            old, freq_hz=freq, t60_s=t60, gain=gain, impulse=impulse, attack=attack
        )

    def batch(self, index: NDArray[np.intp]) -> EventBatch:
        """The events at `index` as they are now."""
        own = self._events.take(index)
        at = torch.as_tensor(index, device=self.gain.device)
        resonance, gain = own.resonance, own.gain * torch.exp(self.gain[at])
        if self.choice is not None:
            chosen, ratio = self.choice.chosen()
            resonance, gain = chosen[at], gain * ratio[at]
        return dataclasses.replace(own, resonance=resonance, gain=gain, vector=self.vector[at])

    def undecided(self, index: NDArray[np.intp]) -> EventBatch:
        """The events at `index`, once per resonance they may choose."""
        own = self._events.take(index)
        at = torch.as_tensor(index, device=self.gain.device)
        own = dataclasses.replace(
            own, gain=own.gain * torch.exp(self.gain[at]), vector=self.vector[at]
        )
        return own if self.choice is None else self.choice.spread(own, index)

    def voices(self, batch: EventBatch, bank: BankTensors, attacking: bool = True) -> Voices:
        """The events' voices on the bank, the field drawing their controls and attacks."""
        if self.field is None:
            return Voices(bank, batch, self.sample_rate)
        drawn = self.draw_attack(batch) if attacking else None
        controls = self.controls(batch)
        return Voices(bank, batch, self.sample_rate, controls, drawn, self.past_stride)

    def controls(self, batch: EventBatch) -> Controls:
        """What the field draws over the events' ages."""
        field = self.field
        assert field is not None

        def draw(age: Tensor) -> Tensor:
            return field.draw_controls(batch.resonance, batch.vector, age, batch.duration_s).sum(0)

        return draw

    def draw_attack(self, batch: EventBatch) -> Tensor:
        """[E, A] the field's attacks."""
        field = self.field
        assert field is not None
        count = math.ceil(field.attack_s * self.sample_rate)
        age = torch.arange(count, dtype=torch.float64, device=batch.gain.device) / self.sample_rate
        age = age.expand(len(batch), -1)
        drawn = field.draw_attack(batch.resonance, batch.vector, age, batch.duration_s)
        return drawn.sum(0)

    def regularisers(self, weights: Weights, batch: EventBatch) -> dict[str, Tensor]:
        """Weighted terms by name; those that cannot be other than 0 are left out."""
        old = self._events.vector
        terms = {
            "vector": weights.vector * ((self.vector - old) / 12.0).square().mean(),
            "pitch": weights.pitch * (self.pitch / 100.0).square().mean(),
        }
        if self.field is not None and len(batch):
            age = torch.linspace(0.0, 1.0, 32, dtype=torch.float64, device=self.gain.device) ** 2
            drawn = self.field.draw_controls(
                batch.resonance, batch.vector, age.expand(len(batch), -1), batch.duration_s
            )
            terms["controls"] = weights.controls * drawn.sum(0).square().mean()
            terms["overlap"] = weights.overlap * member_overlap(drawn.mean(-1))
        return terms

    @staticmethod
    def _field(instrument: Instrument, experiment: Experiment) -> NeuralField | None:
        if instrument.field is not None:
            return NeuralField.from_weights(instrument.field)
        size = experiment.field
        if size is None:
            return None
        return NeuralField(
            instrument.resonances, frequencies=size.frequencies, hidden=size.hidden,
            attack_s=size.attack_s, sample_rate=instrument.attack_rate, seed=experiment.seed,
        )  # fmt: skip


def _attack_level(instrument: Instrument) -> NDArray[np.float32]:
    """[R, A] envelope of each attack, or a thousandth of its peak where that is more.

    A step that is small against the beginning of an attack would be a hiss over its end.
    """
    attack = instrument.attack.astype(float)
    if attack.shape[1] == 0:
        return attack.astype(np.float32)
    width = round(ENVELOPE_S * instrument.attack_rate)
    envelope = np.sqrt(smooth_power(attack, width, "nearest"))
    peak = envelope.max(axis=1, keepdims=True)
    level: NDArray[np.float32] = np.maximum(envelope, QUIET_ATTACK * peak).astype(np.float32)
    return level
