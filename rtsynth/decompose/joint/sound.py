"""Struck events that ring, in closed form and with gradients: no state, no ticks. Thread: worker.

Their poles are steady, so a crop anywhere costs what the crop is long. The formula is that of
`rtsynth.instrument`; what has curves or is driven is rendered by `rtsynth.nn.voice`.
"""

import math

import torch
from torch import Tensor

from rtsynth.nn.batch import BankTensors, EventBatch
from rtsynth.nn.damped import ring
from rtsynth.nn.excitation import frames_of
from rtsynth.units import LN1000

__all__ = ["ringing", "struck"]

ALIAS = 0.49  # of the sample rate; modes beyond stay silent


def ringing(
    bank: BankTensors, own: EventBatch, age: Tensor, count: int, sample_rate: int
) -> Tensor:
    """The modes for gain 1, released, in closed form.

    Args:
        bank: whose modes.
        own: the events.
        age: [events] frames since each onset at the first sample, ≥ 0.
        count: samples.
        sample_rate: Hz.

    Returns:
        [events, count].
    """
    r = own.resonance
    present = bank.freq_hz[r] > 0
    learned = torch.where(present, bank.freq_hz[r], 1e30).double()
    above = torch.where(present, learned / learned.amin(dim=1, keepdim=True), 1.0)
    inharm = own.inharm[:, None].double()
    freq = learned * torch.exp2(own.bend.double() / 12.0)[:, None] * own.detune.double()
    freq = freq * torch.sqrt((1.0 + inharm * above**2) / (1.0 + inharm))
    sounds = present & (freq < ALIAS * sample_rate)
    freq = torch.where(sounds, freq, 1.0)
    slower = own.damp.double() / own.stretch.double()
    decay = LN1000 / (bank.t60_s[r].double() * slower[:, None])
    db = own.bright[:, None] * torch.log2(above).float() + own.vector @ bank.mode_map
    level = bank.impulse[r][:, None] * torch.pow(10.0, db / 20.0) * sounds
    s = torch.complex(-decay, 2.0 * math.pi * freq)
    amplitude = (bank.gain[r] * level).to(s.dtype)
    sound = ring(s, amplitude, count, sample_rate, age.double(), torch.float32)
    after = (own.held - age).float()  # frames of the crop until the release
    let_go = (after < count).nonzero()[:, 0]
    if len(let_go) == 0:
        return sound
    frame = torch.arange(1, count + 1, device=age.device, dtype=torch.float32)
    over = (frame - after[let_go, None]).clamp_min(0.0)
    rate = own.release_rate(sample_rate)[let_go, None]
    return sound.index_copy(0, let_go, sound[let_go] * torch.exp(-over * rate))


def struck(bank: BankTensors, resonance: Tensor, noise: Tensor, age: Tensor, count: int) -> Tensor:
    """Attack and noise of the strike for gain 1.

    Args:
        bank: whose attacks and levels.
        resonance: [events].
        noise: [events, samples] of each strike, from its onset on.
        age: [events] frames since each onset at the first sample, ≥ 0.
        count: samples.

    Returns:
        [events, count].
    """
    r = resonance
    sound = torch.zeros(len(r), count, device=age.device)
    for table, level in (
        (bank.attack[r], torch.ones_like(bank.strike_dry[r])),
        (noise, bank.strike_dry[r]),
    ):
        early = min(count, table.shape[1])
        young = (age < table.shape[1]).nonzero()[:, 0]
        if early and len(young):
            heard = level[young, None] * frames_of(table[young], age[young], early)
            padded = torch.nn.functional.pad(heard, (0, count - early))
            sound = sound.index_add(0, young, padded)
    return sound
