"""What the joint fit learns: how a score and its bank deviate from where they were. Thread: worker.

Every parameter is 0 at first, in the unit that a step of `RATES` is meant in. Only events that are
struck and ring are learned. What is bowed, blown, driven by noise, reversed or muted stays as it
is, and so do the resonances it needs; textures are known by the power they add.
"""

import copy
import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtsynth.decompose.joint.sound import ringing, struck
from rtsynth.decompose.joint.start import attack_level, learnable, own_resonances, spans
from rtsynth.decompose.synthesis import pan_gains
from rtsynth.events import EventTable, Score
from rtsynth.events.event import FIELDS, VECTOR_FIELD
from rtsynth.instrument import Instrument
from rtsynth.losses import HardConcrete
from rtsynth.nn.batch import BankTensors, EventBatch, move_tensors
from rtsynth.nn.excitation import frames_of, strike_table

__all__ = ["JointModel"]

HZ_TOP = 0.45  # of the sample rate
T60_RANGE_S = (0.005, 60.0)
FIELD_NAMES = ("transpose", "damp", "bright", "duration_s", "release_s")
WORTH = {"transpose": 0.005, "damp": 0.01, "bright": 0.05}
"""Semitones, share and dB per octave: what moved by less is left at its default."""


class JointModel(nn.Module):
    """Deviations of a bank and of the events that strike it.

    Args:
        score: whose events.
        instrument: whose bank; its attacks at the sample rate.
        sample_rate: Hz.
        gated: learn which events are there, too.
        seed: of the gates' noise.

    Attributes:
        pitch: [R, M] cents.
        decay: [R, M] nepers of T60.
        level, phase: [R, M] nepers and radians.
        attack: [R, A] shares of the attack's own level.
        noise: [R] nepers of the strike's noise.
        gain: [E] nepers.
        vector: [E, 32] dB.
        transpose: [E] cents; damp: [E] nepers; bright: [E] dB per octave.
        held: [E] milliseconds; release: [E] nepers.
        index: rows of the table that are learned.
    """

    def __init__(
        self,
        score: Score,
        instrument: Instrument,
        sample_rate: int,
        gated: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.score, self.source, self.sample_rate = score, instrument, sample_rate
        self.index = learnable(score, instrument)
        rows = score.table.rows[self.index]
        count, shape = len(rows), instrument.freq_hz.shape
        self.pitch, self.decay, self.level, self.phase = (
            nn.Parameter(torch.zeros(shape)) for _ in range(4)
        )
        self.attack = nn.Parameter(torch.zeros(instrument.attack.shape))
        self.noise = nn.Parameter(torch.zeros(shape[0]))
        self.vector = nn.Parameter(torch.zeros(count, rows["vector"].shape[1]))
        self.gain, self.transpose, self.damp, self.bright, self.held, self.release = (
            nn.Parameter(torch.zeros(count)) for _ in range(6)
        )
        self.gates = HardConcrete(count, seed=seed) if gated else None
        self._bank = BankTensors.of(instrument)
        self._events = EventBatch.of(rows, instrument.modes, sample_rate)
        events = self._events
        noise = strike_table(instrument, events.resonance.numpy(), events.seed, sample_rate)
        self._constants = {
            "noise": torch.from_numpy(noise).float(),
            "moving": torch.from_numpy(own_resonances(score, instrument, self.index)),
            "attack_level": torch.from_numpy(attack_level(instrument)),
            "pan": torch.tensor([float(pan_gains(float(p)).mean()) for p in rows["pan"]]),
        }
        self.begin, self.end = spans(rows, instrument, sample_rate)
        if score.channels == 1:
            self._constants["pan"] = torch.ones(count)

    def to_device(self, device: torch.device) -> "JointModel":
        """The model on a device, its constants too."""
        self.to(device)
        for record in (self._bank, self._events):
            move_tensors(record, device)
        self._constants = {name: value.to(device) for name, value in self._constants.items()}
        return self

    def active(self, first: int, count: int) -> NDArray[np.intp]:
        """[≤ E] events that may be heard in `count` frames from `first` on."""
        return np.flatnonzero((self.begin < first + count) & (self.end > first))

    def bank(self) -> BankTensors:
        """The bank as it is now."""
        old, moving = self._bank, self._constants["moving"]
        rows = moving[:, None]
        present = old.freq_hz > 0
        freq = old.freq_hz * torch.exp2(rows * self.pitch / 1_200.0)
        freq = torch.where(present, freq.clamp(20.0, HZ_TOP * self.sample_rate), 0.0)
        t60 = old.t60_s * torch.exp(rows * self.decay)
        t60 = torch.where(present, t60.clamp(*T60_RANGE_S), 1.0)
        gain = old.gain * torch.polar(torch.exp(rows * self.level), rows * self.phase)
        attack = old.attack + rows * self._constants["attack_level"] * self.attack
        dry = old.strike_dry * torch.exp(moving * self.noise)
        return dataclasses.replace(
            old, freq_hz=freq, t60_s=t60, gain=gain, attack=attack, strike_dry=dry
        )

    def batch(self, index: NDArray[np.intp], gate: Tensor | None = None) -> EventBatch:
        """The events at `index` as they are now.

        Args:
            index: of `index`.
            gate: [E] factor on every event.
        """
        own = self._events.take(index)
        at = torch.as_tensor(index, device=self.gain.device)
        gain = own.gain * torch.exp(self.gain[at])
        held = own.held + self.held[at].double() * (1e-3 * self.sample_rate)
        return dataclasses.replace(
            own,
            gain=gain if gate is None else gain * gate[at],
            vector=own.vector + self.vector[at],
            bend=own.bend + self.transpose[at] / 100.0,
            damp=(own.damp * torch.exp(self.damp[at])).clamp(0.25, 4.0),
            bright=own.bright + self.bright[at],
            held=held.clamp_min(1.0),
            release_s=(own.release_s * torch.exp(self.release[at])).clamp(0.005, 60.0),
        )

    def channels(
        self, index: NDArray[np.intp], first: int, count: int, gate: Tensor | None = None
    ) -> Tensor:
        """[events, count] what each event sounds like in a crop, both channels' mean.

        Args:
            index: events from `active`.
            first: frame of the recording.
            count: frames.
            gate: [E] factor on every event.
        """
        batch, bank, device = self.batch(index, gate), self.bank(), self.gain.device
        late = torch.as_tensor(first - batch.onset, device=device)
        age = late.clamp_min(0)
        at = torch.as_tensor(index, device=device)
        sound = ringing(bank, batch, age, count, self.sample_rate)
        sound = sound + struck(bank, batch.resonance, self._constants["noise"][at], age, count)
        level = batch.gain * self._constants["pan"][at]
        return level[:, None] * frames_of(sound, late - age, count)

    @torch.no_grad()
    def bake(self) -> tuple[Score, Instrument]:
        """Score and instrument as learned so far; an event whose gate is closed is gone."""
        instrument = self._baked_instrument()
        rows = self.score.table.rows.copy()
        gate = None if self.gates is None else self.gates()
        events = self.batch(np.arange(len(self.index)), gate)
        rows["gain"][self.index] = events.gain.cpu().clamp(0.0, FIELDS["gain"].maximum)
        low, high = VECTOR_FIELD.minimum, VECTOR_FIELD.maximum
        rows["vector"][self.index] = events.vector.cpu().clamp(low, high)
        fields = (events.bend, events.damp, events.bright, events.held, events.release_s)
        for name, value in zip(FIELD_NAMES, fields, strict=True):
            found = value.double().cpu().numpy()
            found = found / self.sample_rate if name == "duration_s" else found
            spec = FIELDS[name]
            found = np.clip(found, spec.minimum, spec.maximum)
            if name in WORTH:
                found = np.where(abs(found - spec.default) < WORTH[name], spec.default, found)
            rows[name][self.index] = found
        kept = np.ones(len(rows), bool)
        if gate is not None:
            kept[self.index[gate.cpu().numpy() <= 0.0]] = False
        names, meta = self.score.table.labels()
        ids = set(rows["id"][kept].tolist())
        table = EventTable.from_rows(
            rows[kept],
            list(self.score.table.group_names),
            {key: name for key, name in names.items() if key in ids},
            {key: facts for key, facts in meta.items() if key in ids},
        )
        score = dataclasses.replace(self.score, table=table, instrument=instrument.fingerprint())
        return score, instrument

    def _baked_instrument(self) -> Instrument:
        bank = self.bank()
        made = copy.deepcopy(self.source)
        freq, t60 = bank.freq_hz.cpu().numpy(), bank.t60_s.cpu().numpy()
        struck = (bank.gain * bank.impulse[:, None]).cpu().numpy()
        for row in np.flatnonzero(self._constants["moving"].cpu().numpy() > 0):
            at = np.flatnonzero(freq[row] > 0)
            if len(at) == 0:
                continue
            frequency, time = freq[row, at].astype(float), t60[row, at].astype(float)
            alone = Instrument.blank(1, len(at))
            alone.set_modes(0, frequency, time, struck[row, at].astype(complex))
            made.freq_hz[row, at], made.t60_s[row, at] = alone.freq_hz[0], alone.t60_s[0]
            made.mode_gain[row, at] = alone.mode_gain[0]
            made.impulse[row] = alone.impulse[0]
        made.strike_dry = bank.strike_dry.cpu().numpy().astype(np.float32)
        made.attack = bank.attack.cpu().numpy().astype(np.float32)
        return made
