"""What all losses of one step look at, each spectrum computed once. Thread: worker.

A step compares one target with one set of channels by several losses. They share a `Spectra`: the
first that asks for a short-time Fourier transform pays for it. The transform is linear, so once the
channels' spectra are known their sum's is an addition.
"""

import math
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

__all__ = ["Spectra", "What", "short_time"]

What = Literal["target", "mix", "left", "channels"]
"""Which sound: the target, the sum of the channels, their difference, or each channel."""

Made = TypeVar("Made")
SHORTEST_BAND = 512


def short_time(sound: Tensor, size: int, hop: int) -> Tensor:
    """[..., size/2 + 1, frames] spectra under a periodic Hann window, frames within the sound.

    Args:
        sound: [..., samples]; padded with zeros to one frame if shorter.
        size: of the window, samples.
        hop: samples.
    """
    flat = sound.reshape(-1, sound.shape[-1])
    if flat.shape[-1] < size:
        flat = torch.nn.functional.pad(flat, (0, size - flat.shape[-1]))
    window = torch.hann_window(size, dtype=flat.dtype, device=flat.device)
    found = torch.stft(flat, size, hop, window=window, center=False, return_complex=True)
    return found.reshape(*sound.shape[:-1], *found.shape[-2:])


class Spectra:
    """One target, the channels that shall explain it, and what was computed of them.

    Args:
        target: [B, samples].
        channels: [B, E, samples], each in its place in time.
    """

    def __init__(self, target: Tensor, channels: Tensor) -> None:
        self.target, self.channels = target, channels
        self._made: dict[Hashable, Any] = {}

    @property
    def mix(self) -> Tensor:
        """[B, samples] sum of the channels."""
        return self.once("mix", lambda: self.channels.sum(dim=1))

    def sound(self, what: What) -> Tensor:
        """The waveform meant by `what`."""
        if what == "channels":
            return self.channels
        if what == "left":
            return self.target - self.mix
        return self.target if what == "target" else self.mix

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` returns, from the first time on that somebody asks for `key`."""
        if key not in self._made:
            self._made[key] = make()
        found: Made = self._made[key]
        return found

    def stft(self, what: What, size: int, hop: int, octave: int | None = None) -> Tensor:
        """Spectra of the whole, or of one of its octaves.

        Args:
            what: whose.
            size: of the window, samples (of the band's own rate, if one is given).
            hop: samples.
            octave: index into `bands`, None for all of the sound.

        Returns:
            [B, size/2 + 1, frames]; of the channels [B, E, size/2 + 1, frames].
        """
        if what == "mix" and ("stft", "channels", size, hop, octave) in self._made:
            apart = self.stft("channels", size, hop, octave)
            return self.once(("stft", "mix", size, hop, octave), lambda: apart.sum(dim=1))
        if what == "left":
            return self.stft("target", size, hop, octave) - self.stft("mix", size, hop, octave)

        def make() -> Tensor:
            sound = self.sound(what) if octave is None else self.bands(what)[octave]
            return short_time(sound, size, hop)

        return self.once(("stft", what, size, hop, octave), make)

    def bands(self, what: What) -> list[Tensor]:
        """The sound in octaves, each at twice its own bandwidth; energies add up to the sound's."""
        return self.once(("bands", what), lambda: _octaves(self.sound(what)))


def _octaves(sound: Tensor) -> list[Tensor]:
    """Bands of 512, 1024, … samples, the last as long as the sound filled up to a power of 2."""
    size = max(SHORTEST_BAND, 1 << math.ceil(math.log2(max(sound.shape[-1], 1))))
    padded = torch.nn.functional.pad(sound, (0, size - sound.shape[-1]))
    spectrum = torch.fft.rfft(padded, norm="ortho")
    bands, low, count = [], 0, SHORTEST_BAND
    while count <= size:
        high = count // 2 + 1
        band = torch.nn.functional.pad(spectrum[..., low:high], (low, 0))
        bands.append(torch.fft.irfft(band, count, norm="ortho"))
        low, count = high, 2 * count
    return bands
