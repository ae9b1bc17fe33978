"""A bank of damped modes from which events take any weights: one-hot, or a mixture.

Every event is rendered from all modes, each times its own weight, as one matrix product over blocks
of 256 frames; so that exactly one and a mixture cost the same and differ in the weights alone.
"""

import math
from typing import Any

import numpy as np
import torch
from ablate_material import Clip
from numpy.typing import NDArray
from torch import Tensor, nn

from rtsynth.nn.project import powers, solve_amplitude
from rtsynth.units import LN1000

__all__ = ["Bank", "dealt", "from_patches", "present_only"]

BLOCK = 256
QUIET = 1e-4
LONGEST_TAIL_S = 4.0
PATCH = 8_192
FINE = 4
T60_RANGE_S = (0.005, 20.0)

Modes = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""Frequency in Hz, T60 in seconds, complex amplitude, [R, M] each; frequency 0 where absent."""


def present_only(clip: Clip) -> Modes:
    """The decomposition's bank without the resonances that have no modes, at unit energy each."""
    has = (clip.freq_hz > 0).any(axis=1)
    return unit_energy(clip.freq_hz[has], clip.t60_s[has], clip.amplitude[has])


def unit_energy(freq_hz: NDArray[Any], t60_s: NDArray[Any], amplitude: NDArray[Any]) -> Modes:
    """The same modes, each resonance's amplitudes over the root of its energy in seconds."""
    t60_s = np.where(freq_hz > 0, np.clip(t60_s, *T60_RANGE_S), 1.0)
    amplitude = np.where(freq_hz > 0, amplitude, 0.0)
    energy = np.sum(np.abs(amplitude) ** 2 * t60_s / (4.0 * LN1000), axis=1, keepdims=True)
    return freq_hz, t60_s, amplitude / np.sqrt(np.maximum(energy, 1e-30))


def from_patches(clip: Clip, resonances: int, modes: int, seed: int) -> Modes:
    """A bank from as many events drawn at random: the highest peaks of what follows each onset."""
    random = np.random.Generator(np.random.PCG64(seed))
    left = np.concatenate([clip.target - clip.rest, np.zeros(PATCH)])
    drawn = random.choice(len(clip.onset), resonances, replace=len(clip.onset) < resonances)
    found = [_peaks(left[clip.onset[e] : clip.onset[e] + PATCH], clip.rate, modes) for e in drawn]
    freq, t60, amplitude = (np.stack(kind) for kind in zip(*found, strict=True))
    return unit_energy(freq, t60, amplitude)


def _peaks(patch: NDArray[Any], rate: int, count: int) -> Modes:
    size, half = FINE * PATCH, PATCH // 2
    fade = np.cos(np.linspace(0.0, np.pi / 2, PATCH)) ** 2
    spectrum = np.abs(np.fft.rfft(patch * fade, size))
    spectrum[: int(30.0 * size / rate)] = 0.0
    local = np.flatnonzero((spectrum[1:-1] > spectrum[:-2]) & (spectrum[1:-1] >= spectrum[2:])) + 1
    bins = local[np.argsort(spectrum[local])[::-1][:count]]
    freq, t60 = np.zeros(count), np.ones(count)
    amplitude = np.zeros(count, complex)
    window = np.hanning(half)
    early, late = (
        np.abs(np.fft.rfft(part * window, size))[bins] for part in (patch[:half], patch[half:])
    )
    fall = np.log((early + 1e-12) / (late + 1e-12)) * rate / half
    n = len(bins)
    freq[:n] = bins * rate / size
    t60[:n] = np.clip(LN1000 / np.maximum(fall, 1e-3), 0.02, 5.0)
    omega = torch.from_numpy(2.0 * np.pi * freq[None, :n] / rate)
    waves = powers(omega, torch.from_numpy(LN1000 / (t60[None, :n] * rate)), PATCH)
    amplitude[:n] = solve_amplitude(waves, torch.from_numpy(patch[None]))[0].numpy()
    return freq, t60, amplitude


def dealt(modes: Modes, parts: int, *, banded: bool) -> Modes:
    """Each resonance's modes dealt into `parts` smaller ones: band by band, or mode by mode."""
    order = np.argsort(np.where(modes[0] > 0, modes[0], np.inf), axis=1)
    smaller = []
    for array in modes:
        ordered = np.take_along_axis(array, order, axis=1)
        ordered = np.pad(ordered, ((0, 0), (0, -ordered.shape[1] % parts)))
        groups = [ordered[:, part::parts] for part in range(parts)]
        if banded:
            groups = np.split(ordered, parts, axis=1)
        smaller.append(np.stack(groups, axis=1).reshape(-1, groups[0].shape[1]))
    smaller[1] = np.where(smaller[0] > 0, smaller[1], 1.0)
    return smaller[0], smaller[1], smaller[2]


class Bank(nn.Module):
    """Learnable modes, and the events that play them.

    Args:
        clip: events.
        modes: where the bank begins.

    Attributes:
        pitch: [R, M] cents; decay: nepers of T60; level: nepers; phase: radians.
    """

    def __init__(self, clip: Clip, modes: Modes) -> None:
        super().__init__()
        self.rate = clip.rate
        freq, t60, amplitude = modes
        self.first_hz, self.first_t60_s = torch.from_numpy(freq), torch.from_numpy(t60)
        self.first_amplitude = torch.from_numpy(amplitude)
        self.pitch, self.decay, self.level, self.phase = (
            nn.Parameter(torch.zeros(freq.shape, dtype=torch.float64)) for _ in range(4)
        )
        self.onset = torch.from_numpy(clip.onset)
        self.held, self.release = torch.from_numpy(clip.held), torch.from_numpy(clip.release)

    @property
    def shape(self) -> tuple[int, int]:
        """Resonances, modes of each."""
        return self.pitch.shape[0], self.pitch.shape[1]

    def octaves(self) -> Tensor:
        """[R, M] position of each mode between 60 Hz and 16 kHz, 0 … 1, where it began."""
        return (torch.log2(self.first_hz.clamp_min(60.0) / 60.0) / math.log2(16_000 / 60)).clamp(
            0, 1
        )

    def active(self, first: int, count: int) -> Tensor:
        """[any] events that may be heard in `count` frames from `first` on."""
        age = first - self.onset
        late = (age - self.held).clamp_min(0.0)
        heard = (age < LONGEST_TAIL_S * self.rate) & (late * self.release < -math.log(QUIET))
        return torch.nonzero((self.onset < first + count) & heard)[:, 0]

    def sounds(
        self, events: Tensor, index: Tensor, weights: Tensor, first: int, count: int
    ) -> Tensor:
        """[events, count] float32 frames from `first` on.

        Args:
            events: [e] numbers of events.
            index: [e, k] what each plays.
            weights: [e, k, 1 or M].
            first: frame of the clip.
            count: frames.
        """
        struck = self.first_amplitude * torch.polar(self.level.exp(), self.phase)
        amplitude = (weights * struck[index]).flatten(1)
        rows = torch.arange(0, count, BLOCK) + (first - self.onset[events])[:, None]
        sound = self._ring(index, amplitude, rows.double())[:, :count]
        age = torch.arange(count) + (first - self.onset[events]).double()[:, None]
        late = (age + 1.0 - self.held[events, None]).clamp_min(0.0)
        shape = torch.exp(-late * self.release[events, None]) * (age >= 0)
        return sound * shape.float()

    def alone(self, count: int) -> Tensor:
        """[R, count] float32: each resonance as struck with gain 1, without release."""
        index = torch.arange(self.shape[0])[:, None]
        amplitude = self.first_amplitude * torch.polar(self.level.exp(), self.phase)
        rows = torch.arange(0, count, BLOCK).double().expand(self.shape[0], -1)
        return self._ring(index, amplitude, rows)[:, :count]

    def _ring(self, index: Tensor, amplitude: Tensor, rows: Tensor) -> Tensor:
        """[e, blocks · 256] from the ages `rows` [e, blocks], in frames; amplitude [e, k · M]."""
        freq = (self.first_hz * torch.exp2(self.pitch / 1200.0)).clamp_max(0.45 * self.rate)
        decay = LN1000 / (self.first_t60_s * self.decay.exp()).clamp(*T60_RANGE_S) / self.rate
        turn, decay = (freq / self.rate)[index].flatten(1), decay[index].flatten(1)
        angle = rows[..., None] * turn[:, None]
        angle = (2.0 * math.pi * (angle - angle.round())).float()
        # before its onset an event is cut out afterwards; its modes must not overflow there
        size = torch.exp(-(rows.clamp_min(-BLOCK)[..., None] * decay[:, None])).float()
        flat = amplitude.to(torch.complex64)[:, None]
        coarse = flat * torch.complex(size * angle.cos(), size * angle.sin())
        fine = torch.arange(BLOCK).double()
        fall = torch.exp(-fine * decay[..., None]).float()
        swing = (2.0 * math.pi * fine * turn[..., None]).float()
        left = torch.cat([coarse.real, -coarse.imag], -1)
        right = torch.cat([fall * swing.cos(), fall * swing.sin()], 1)
        return (left @ right).flatten(1)
