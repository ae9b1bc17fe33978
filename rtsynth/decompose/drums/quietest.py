"""No drum is louder than the quietest of its strikes, in any band at any age.

Least squares gives every drum a share of whatever tends to sound beside it: a kick that is mostly
struck under a hi-hat hisses. A strike that sounds alone tells better: the power that a drum may
have is the least that any of its strikes shows, their gains divided out (the binaural masking of
Roman et al. 2003 with strikes in place of ears). Thread: any.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.draft import Draft
from rtsynth.decompose.drums.waveforms import Placed
from rtsynth.instrument import NOISE_EDGES_HZ

__all__ = ["Quietest"]

SIZE, HOP = 512, 128
SMOOTH = 5  # analysis frames
ABOVE = 1.5  # power: the least of several noisy measurements is below them all


class Quietest:
    """The least power that the strikes of each resonance show.

    Args:
        signal: [samples] the recording.
        sample_rate: Hz.
        strikes: all that sounds.
        resonances: how many.
        length: samples from the onset on that are looked at.
    """

    def __init__(
        self, signal: Float, sample_rate: float, strikes: list[Placed], resonances: int, length: int
    ) -> None:
        freq = np.fft.rfftfreq(SIZE, 1.0 / sample_rate)
        place = np.searchsorted(NOISE_EDGES_HZ, freq, "right") - 1
        self._band = np.clip(place, 0, len(NOISE_EDGES_HZ) - 2)
        self._length = length
        frames = (length + 2 * SIZE) // HOP
        self._least = np.full((resonances, len(NOISE_EDGES_HZ) - 1, frames), np.inf)
        padded = np.pad(signal, (SIZE, length + 2 * SIZE))
        for strike in strikes:
            around = padded[strike.onset : strike.onset + length + 3 * SIZE]
            seen = self._power(_spectra(around, frames))
            own = seen / max(strike.gain, 1e-12) ** 2
            inside = (len(signal) - strike.onset) // HOP - SMOOTH // 2
            own[:, max(inside, 0) :] = np.inf  # silence after the recording's end tells nothing
            np.minimum(self._least[strike.resonance], own, out=self._least[strike.resonance])

    @classmethod
    def of(cls, draft: Draft, signal: Float, length: int) -> "Quietest":
        """The same of a draft's strikes."""
        placed = [Placed(s.onset, s.resonance, s.gain) for s in draft.strikes]
        return cls(signal, draft.sample_rate, placed, len(draft.resonances), length)

    def capped(self, resonance: int, waveform: Float) -> Float:
        """[≤ length] a waveform of gain 1, turned down wherever it is louder than it can be."""
        count = len(waveform)
        padded = np.pad(waveform, (SIZE, self._length + 2 * SIZE - count))
        frames = self._least.shape[2]
        spectra = _spectra(padded, frames)
        power = self._power(spectra) + 1e-30
        gain = np.sqrt(np.minimum(1.0, ABOVE * self._least[resonance] / power))
        spectra *= gain[self._band].T
        return _overlapped(spectra)[SIZE : SIZE + count]

    def _power(self, spectra: NDArray[np.complex128]) -> Float:
        """[bands, frames] smoothed over time."""
        count = len(NOISE_EDGES_HZ) - 1
        power = np.abs(spectra) ** 2
        bands = np.stack([np.bincount(self._band, row, minlength=count) for row in power], axis=1)
        kernel = np.hanning(SMOOTH + 2)[1:-1]
        kernel /= kernel.sum()
        edged = np.pad(bands, ((0, 0), (SMOOTH // 2, SMOOTH // 2)), mode="edge")
        smooth: Float = np.stack([np.convolve(row, kernel, "valid") for row in edged])
        return smooth


def _spectra(signal: Float, frames: int) -> NDArray[np.complex128]:
    """[frames, bins]."""
    parts = np.lib.stride_tricks.sliding_window_view(signal, SIZE)[::HOP][:frames]
    spectra: NDArray[np.complex128] = np.fft.rfft(parts * np.sqrt(np.hanning(SIZE + 1)[:-1]))
    return spectra


def _overlapped(spectra: NDArray[np.complex128]) -> Float:
    parts = np.fft.irfft(spectra, SIZE) * np.sqrt(np.hanning(SIZE + 1)[:-1])
    out = np.zeros((len(parts) - 1) * HOP + SIZE)
    for number, part in enumerate(parts):
        out[number * HOP : number * HOP + SIZE] += part
    return out * (2.0 * HOP / SIZE)
