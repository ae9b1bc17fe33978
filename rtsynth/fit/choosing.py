"""Learning which resonance an event plays, by straight-through Gumbel-softmax. Thread: worker.

An event may choose among its own resonance and those nearest to it in spectrum; every candidate is
rendered, exactly one is heard, and the logits learn from all. The noise of a step depends on the
seed and the step alone, so that a run goes on from a checkpoint as if it had not stopped.
"""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rtsynth.events import EventTable
from rtsynth.events.event import Event
from rtsynth.instrument import Instrument
from rtsynth.metrics import stft_magnitude
from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.choice import GumbelChoice, gumbel_noise, straight_through
from rtsynth.nn.voice import Voices

__all__ = ["Choosing", "resonance_magnitudes", "resonance_sounds"]

HEARD_S = 0.5
SIZE, HOP = 1_024, 256
HEAD_START = 2.0  # logit by which an event's own resonance is ahead at first
SEED_STEP = 1_000_003


@torch.no_grad()
def resonance_sounds(bank: BankTensors, sample_rate: int, seconds: float) -> NDArray[np.float64]:
    """[R, samples] every resonance as struck with gain 1 and a vector of zeros."""
    count, modes = bank.freq_hz.shape
    table = EventTable([Event(r, resonance=r) for r in range(count)])
    batch = EventBatch.of(table.rows, modes, sample_rate, bank.dtype)
    cpu = dataclasses.replace(
        bank,
        **{
            f.name: getattr(bank, f.name).cpu()
            for f in dataclasses.fields(bank)
            if isinstance(getattr(bank, f.name), Tensor)
        },
    )
    voices = Voices(cpu, batch, sample_rate)
    ticks = int(seconds * sample_rate) // 32
    sound: NDArray[np.float64] = voices.whole(torch.zeros(count).long(), ticks).double().numpy()
    return sound


def resonance_magnitudes(sounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """[R, bins, analysis frames] magnitudes of sounds [R, samples]."""
    return np.stack([stft_magnitude(sound, SIZE, HOP).T for sound in sounds])


class Choosing(nn.Module):
    """The choices of E events among C candidates each.

    Args:
        instrument: the bank.
        resonance: [E] what each event plays now.
        candidates: C, its own included.
        steps: of the training.
        sample_rate: Hz.
        seed: of the noise.

    Attributes:
        logits: of `rtsynth.nn.choice.GumbelChoice`, [E, C].
        candidates: [E, C] resonances, each event's own first.
        ratio: [E, C] factor on an event's gain for each candidate to be as strong as its own.
    """

    candidates: Tensor
    ratio: Tensor

    def __init__(
        self,
        instrument: Instrument,
        resonance: Tensor,
        candidates: int,
        steps: int,
        sample_rate: int,
        seed: int,
    ) -> None:
        super().__init__()
        near, ratio = _nearest(instrument, sample_rate, candidates)
        self.register_buffer("candidates", torch.from_numpy(near)[resonance])
        self.register_buffer("ratio", torch.from_numpy(ratio).float()[resonance])
        self.seed = seed
        self.choice = GumbelChoice(len(resonance), near.shape[1], steps)
        with torch.no_grad():
            self.choice.logits[:, 0] = HEAD_START

    def weights(self, index: NDArray[np.intp], step: int) -> Tensor:
        """[events, C] exactly one-hot, for the events at `index` in a step."""
        at = torch.as_tensor(index, device=self.candidates.device)
        if self.choice.is_frozen:
            chosen = torch.nn.functional.one_hot(self.choice.frozen, self.candidates.shape[1])
            return chosen[at].to(self.choice.logits.dtype)
        source = torch.Generator().manual_seed(self.seed * SEED_STEP + step)
        noise = gumbel_noise(tuple(self.candidates.shape), source).to(self.candidates.device)
        soft = ((self.choice.logits + noise) / self.choice.tau).softmax(-1)
        return straight_through(soft)[at]

    def spread(self, batch: EventBatch, index: NDArray[np.intp]) -> EventBatch:
        """Every event once per candidate: [events · C]."""
        count = self.candidates.shape[1]
        own = batch.take(np.repeat(np.arange(len(batch)), count))
        at = torch.as_tensor(index, device=self.candidates.device)
        return dataclasses.replace(
            own,
            resonance=self.candidates[at].reshape(-1),
            gain=own.gain * self.ratio[at].reshape(-1),
        )

    def chosen(self) -> tuple[Tensor, Tensor]:
        """[E] resonance and factor on the gain, as chosen so far."""
        at = self.choice.index[:, None]
        return self.candidates.gather(1, at)[:, 0], self.ratio.gather(1, at)[:, 0]


def _nearest(
    instrument: Instrument, sample_rate: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """[R, C] the resonances nearest in spectrum, itself first, and how much weaker they are."""
    sounds = resonance_sounds(BankTensors.of(instrument), sample_rate, HEARD_S)
    shape = resonance_magnitudes(sounds).reshape(len(sounds), -1)
    size = np.linalg.norm(shape, axis=1)
    alike = (shape @ shape.T) / (np.outer(size, size) + 1e-30)
    alike[:, size == 0.0] = -1.0
    np.fill_diagonal(alike, 2.0)
    usable = max(1, int(np.sum(size > 0.0)))
    near = np.argsort(-alike, axis=1, kind="stable")[:, : min(count, usable)]
    ratio = size[:, None] / np.maximum(size[near], 1e-30)
    return near, np.where(size[:, None] > 0.0, np.minimum(ratio, 1e3), 1.0)
