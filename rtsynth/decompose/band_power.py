"""What each event alone brings to bands that an ear keeps apart, over time. Thread: any."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.synthesis import event_pieces
from rtsynth.events import Event, Score
from rtsynth.instrument import Instrument

__all__ = ["BANDS", "Powers", "powers_of"]

WINDOW_S = 0.046
BANDS = 40
CHUNK = 512  # analysis frames at once
FAINTEST = 1e-10  # of an event's loudest band; what follows is left out

Float = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Powers:
    """Powers of one event.

    Attributes:
        first: analysis frame of the first row, on a grid common to all events.
        power: [analysis frames, `BANDS`] mean square amplitude.
    """

    first: int
    power: NDArray[np.float32]

    @property
    def span(self) -> slice:
        """Its analysis frames."""
        return slice(self.first, self.first + len(self.power))


def powers_of(score: Score, instrument: Instrument) -> list[Powers]:
    """Of every event of a score, in the table's order; a muted one has none.

    Args:
        score: whose length bounds its events, if it has one.
        instrument: its bank.
    """
    ends = score.table.ends(instrument.tail_s())
    last_s = score.seconds or float(ends[np.isfinite(ends)].max(initial=0.0))
    bands = _Bands(score.sample_rate)
    return [_powers(event, instrument, bands, last_s) for event in score.table]


class _Bands:
    """The analysis: Hann windows half overlapped, bins summed in bands evenly wide for an ear."""

    def __init__(self, sample_rate: int) -> None:
        self.rate = sample_rate
        self.size = 1 << round(math.log2(WINDOW_S * sample_rate))
        self.hop = self.size // 2
        self._window = np.hanning(self.size + 1)[:-1]
        # the ERB-rate scale, 21.4·log10(1 + 0.00437·f) (Glasberg and Moore 1990)
        steps = np.log1p(0.00437 * np.fft.rfftfreq(self.size, 1.0 / sample_rate))
        self._of_bin = np.minimum((BANDS * steps / steps[-1]).astype(int), BANDS - 1)

    def of(self, sound: Float, lead: int) -> Float:
        """[analysis frames, bands] of a sound after `lead` samples of silence."""
        padded = np.pad(sound, (self.hop + lead, self.size))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.size)[:: self.hop]
        return np.concatenate([self._summed(part) for part in _chunks(frames)])

    def _summed(self, frames: Float) -> Float:
        spectra = np.abs(np.fft.rfft(frames * self._window, axis=1)) ** 2
        sums = np.zeros((len(frames), BANDS))
        np.add.at(sums.T, self._of_bin, spectra.T)
        summed: Float = sums / (0.1875 * self.size**2)  # a sine's mean square, whatever the size
        return summed


def _chunks(frames: Float) -> Iterator[Float]:
    for first in range(0, len(frames), CHUNK):
        yield frames[first : first + CHUNK]


def _powers(event: Event, instrument: Instrument, bands: _Bands, last_s: float) -> Powers:
    begin = round(event.onset_s * bands.rate)
    limit = round(last_s * bands.rate) - begin
    first, found = begin // bands.hop, np.zeros((0, BANDS), np.float32)
    if event.muted or limit <= 0:
        return Powers(first, found)
    at = begin
    for piece in event_pieces(event, instrument, bands.rate, limit):
        found = _joined(found, at // bands.hop - first, bands.of(piece, at % bands.hop))
        at += len(piece)
    loud = np.flatnonzero(found.max(axis=1, initial=0.0) > FAINTEST * found.max(initial=0.0))
    return Powers(first, found[: loud[-1] + 1 if len(loud) else 0])


def _joined(before: NDArray[np.float32], at: int, more: Float) -> NDArray[np.float32]:
    """Frames of the next piece added: what two windows at its border see adds up."""
    out = np.zeros((max(len(before), at + len(more)), BANDS), np.float32)
    out[: len(before)] = before
    out[at : at + len(more)] += more.astype(np.float32)
    return out
