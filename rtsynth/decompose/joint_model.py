"""What the joint fit learns: how a score and its bank deviate from where they were. Thread: worker.

Every parameter is 0 at first, in the unit that a step of `RATES` is meant in. Only events that are
struck and ring are learned. What is bowed, blown, driven by noise, reversed or muted stays as it
is, and so do the resonances it needs; textures are known by the power they add.
"""

import copy
import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtsynth.decompose.attack import attack_fade
from rtsynth.decompose.synthesis import pan_gains
from rtsynth.events import EventTable, Kind, Score
from rtsynth.events.event import FIELDS, VECTOR_FIELD
from rtsynth.instrument import Instrument
from rtsynth.losses import HardConcrete
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.damped import ring
from rtsynth.nn.excitation import frames_of, strike_table
from rtsynth.units import LN1000

__all__ = ["JointModel", "learnable"]

HZ_TOP = 0.45  # of the sample rate
T60_RANGE_S = (0.005, 60.0)
EXCITED_S = 0.25  # attack and strike are over by then
QUIET = 1e-4  # an event this far below full scale is no longer heard
ALIAS = 0.49  # of the sample rate; modes beyond stay silent
FIELD_NAMES = ("transpose", "damp", "bright", "duration_s", "release_s")
WORTH = {"transpose": 0.005, "damp": 0.01, "bright": 0.05}
"""Semitones, share and dB per octave: what moved by less is left at its default."""


def learnable(score: Score, instrument: Instrument) -> NDArray[np.intp]:
    """Rows of the score's table that the joint fit moves."""
    rows = score.table.rows
    if len(rows) == 0 or instrument.field is not None:
        return np.zeros(0, np.intp)
    r = rows["resonance"]
    plain = (rows["kind"] == Kind.MODAL) & (rows["muted"] == 0) & (rows["stretch"] > 0.0)
    plain &= rows["vibrato_depth"] == 0.0
    plain &= ~instrument.sustained[r] & (instrument.strike_wet[r] == 0.0)
    return np.flatnonzero(plain)


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
            "moving": torch.from_numpy(_own_resonances(score, instrument, self.index)),
            "attack_level": torch.from_numpy(_attack_level(instrument)),
            "pan": torch.tensor([float(pan_gains(float(p)).mean()) for p in rows["pan"]]),
        }
        self.begin, self.end = _spans(rows, instrument, sample_rate)
        if score.channels == 1:
            self._constants["pan"] = torch.ones(count)

    def to_device(self, device: torch.device) -> "JointModel":
        """The model on a device, its constants too."""
        self.to(device)
        for record in (self._bank, self._events):
            for spec in dataclasses.fields(record):
                value = getattr(record, spec.name)
                if isinstance(value, Tensor):
                    setattr(record, spec.name, value.to(device))
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
        sound = self._ringing(bank, batch, age, count) + self._struck(bank, index, age, count)
        at = torch.as_tensor(index, device=device)
        level = batch.gain * self._constants["pan"][at]
        return level[:, None] * frames_of(sound, late - age, count)

    def _ringing(self, bank: BankTensors, own: EventBatch, age: Tensor, count: int) -> Tensor:
        """[events, count] the modes for gain 1, from an age in frames on, released."""
        r = own.resonance
        present = bank.freq_hz[r] > 0
        learned = torch.where(present, bank.freq_hz[r], 1e30).double()
        above = torch.where(present, learned / learned.amin(dim=1, keepdim=True), 1.0)
        inharm = own.inharm[:, None].double()
        freq = learned * torch.exp2(own.bend.double() / 12.0)[:, None] * own.detune.double()
        freq = freq * torch.sqrt((1.0 + inharm * above**2) / (1.0 + inharm))
        sounds = present & (freq < ALIAS * self.sample_rate)
        freq = torch.where(sounds, freq, 1.0)
        slower = own.damp.double() / own.stretch.double()
        decay = LN1000 / (bank.t60_s[r].double() * slower[:, None])
        db = own.bright[:, None] * torch.log2(above).float() + own.vector @ bank.mode_map
        level = bank.impulse[r][:, None] * torch.pow(10.0, db / 20.0) * sounds
        s = torch.complex(-decay, 2.0 * math.pi * freq)
        amplitude = (bank.gain[r] * level).to(s.dtype)
        sound = ring(s, amplitude, count, self.sample_rate, age.double(), torch.float32)
        after = (own.held - age).float()  # frames of the crop until the release
        let_go = (after < count).nonzero()[:, 0]
        if len(let_go) == 0:
            return sound
        frame = torch.arange(1, count + 1, device=age.device, dtype=torch.float32)
        over = (frame - after[let_go, None]).clamp_min(0.0)
        rate = own.release_rate(self.sample_rate)[let_go, None]
        return sound.index_copy(0, let_go, sound[let_go] * torch.exp(-over * rate))

    def _struck(
        self, bank: BankTensors, index: NDArray[np.intp], age: Tensor, count: int
    ) -> Tensor:
        """[events, count] attack and noise of the strike for gain 1, from an age in frames on."""
        at = torch.as_tensor(index, device=age.device)
        r = self._events.resonance[at]
        sound = torch.zeros(len(index), count, device=age.device)
        for table, level in (
            (bank.attack[r], torch.ones_like(bank.strike_dry[r])),
            (self._constants["noise"][at], bank.strike_dry[r]),
        ):
            early = min(count, table.shape[1])
            young = (age < table.shape[1]).nonzero()[:, 0]
            if early and len(young):
                heard = level[young, None] * frames_of(table[young], age[young], early)
                padded = torch.nn.functional.pad(heard, (0, count - early))
                sound = sound.index_add(0, young, padded)
        return sound

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


def _own_resonances(
    score: Score, instrument: Instrument, index: NDArray[np.intp]
) -> NDArray[np.float32]:
    """[R] 1 for those that learned events alone use."""
    used = score.table.rows["resonance"]
    others = np.delete(used, index)
    moving = np.isin(np.arange(instrument.resonances), used[index])
    moving &= ~np.isin(np.arange(instrument.resonances), others)
    return moving.astype(np.float32)


def _attack_level(instrument: Instrument) -> NDArray[np.float32]:
    """[R, A] how far a step of 1 moves each sample: the attack's RMS, faded as attacks are.

    A resonance without an attack gets none: its level is 0.
    """
    attack = instrument.attack.astype(float)
    if attack.shape[1] == 0:
        return attack.astype(np.float32)
    early = attack[:, : max(1, attack.shape[1] // 4)]
    level = np.sqrt(np.mean(early**2, axis=1, keepdims=True))
    faded: NDArray[np.float32] = (level * attack_fade(attack.shape[1])).astype(np.float32)
    return faded


def _spans(
    rows: NDArray[np.void], instrument: Instrument, sample_rate: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[E] frames between which each event may be heard."""
    r = rows["resonance"]
    size = np.linalg.norm(instrument.mode_gain[r].astype(float), axis=2)
    db = rows["vector"].astype(float) @ instrument.mode_map.astype(float)
    size *= (rows["gain"] * instrument.impulse[r])[:, None] * 10.0 ** (db / 20.0)
    t60 = np.where(instrument.freq_hz[r] > 0, instrument.t60_s[r].astype(float), 1e-3)
    t60 *= rows["damp"][:, None].astype(float) / rows["stretch"][:, None].astype(float)
    lasts = t60 / LN1000 * np.log(np.maximum(size * size.shape[1] / QUIET, 1.0))
    released = rows["duration_s"] + 4.0 / 3.0 * rows["release_s"]
    heard = np.minimum(np.maximum(lasts.max(axis=1, initial=0.0), EXCITED_S), 600.0)
    heard = np.minimum(heard, np.maximum(released, EXCITED_S))
    begin = rows["onset_s"].astype(float) * sample_rate
    return (
        np.floor(begin).astype(np.int64),
        np.ceil(begin + heard * sample_rate).astype(np.int64) + math.ceil(0.05 * sample_rate),
    )
