"""A score rendered from a known bank, so that the right choice is known too."""

import dataclasses
import math

import torch
from torch import Tensor

from rtsynth.nn.assign import placed
from rtsynth.nn.bank import ResonanceBank

RATE, SIZE, HOP = 8000, 512, 128


@dataclasses.dataclass(frozen=True)
class Scene:
    """A recording, the resonances it was made from, and which event played which."""

    sound: Tensor
    sounds: Tensor
    truth: Tensor
    gain: Tensor
    onset: Tensor

    @property
    def onset_frame(self) -> Tensor:
        return torch.div(self.onset, HOP, rounding_mode="floor")


def semitones(resonances: int, seed: int) -> ResonanceBank:
    """A bank of six harmonics each, a semitone apart, of random levels and phases."""
    random = torch.Generator().manual_seed(seed)
    bank = ResonanceBank(resonances, 6)
    harmonic = torch.arange(1, 7).double()
    for index in range(resonances):
        level, turn = torch.rand(2, 6, generator=random, dtype=torch.float64)
        pitch = 220.0 * 2.0 ** (index / 12.0)
        wave = torch.exp(2j * math.pi * turn)
        bank.set_modes(index, pitch * harmonic, 0.8 / harmonic.sqrt(), level / harmonic * wave)
    return bank


def scene(seed: int, resonances: int = 12, events: int = 40) -> Scene:
    """Events 0.15 s apart on average that ring for 0.5 s, so that three or four overlap."""
    random = torch.Generator().manual_seed(100 + seed)
    with torch.no_grad():
        sounds = semitones(resonances, seed).modes().whole(RATE // 2, RATE)
    sounds = sounds / sounds.norm(dim=-1, keepdim=True)
    truth = torch.randint(resonances, (events,), generator=random)
    gain = 0.3 + 0.7 * torch.rand(events, generator=random, dtype=torch.float64)
    onset = 1200 * torch.arange(events) + torch.randint(400, (events,), generator=random)
    sound = placed(gain[:, None] * sounds[truth], onset, int(onset[-1]) + RATE // 2)
    return Scene(sound, sounds, truth, gain, onset)


def magnitude(sound: Tensor) -> Tensor:
    """[..., bins, analysis frames]."""
    window = torch.hann_window(SIZE, dtype=sound.dtype)
    spectrum = torch.stft(sound, SIZE, HOP, window=window, return_complex=True, pad_mode="constant")
    return (spectrum.abs().square() + 1e-12).sqrt()
