"""What is learned from: recordings beside the scores that resynthesise them. Thread: worker."""

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose import Recording
from rtsynth.decompose.texture.power import expected_floor
from rtsynth.errors import FileFormatError
from rtsynth.events import Kind, Score
from rtsynth.instrument import Instrument
from rtsynth.losses import Floor
from rtsynth.render import at_rate
from rtsynth.units import LN1000

__all__ = ["Material", "Piece", "prepare"]

SHORTEST = 2_048  # frames: of the longest window of the loss
SILENCE = 1e-5  # −100 dB of full scale


@dataclasses.dataclass
class Piece:
    """One recording and its score.

    Attributes:
        recording: the sound.
        score: its events.
        first: row of its first modal event among all pieces' modal events.
        target: [channels, frames] float32.
    """

    recording: Recording
    score: Score
    first: int
    target: NDArray[np.float32]

    @property
    def modal(self) -> NDArray[np.intp]:
        """Rows of the score's table that are modal, heard events."""
        rows = self.score.table.rows
        return np.flatnonzero((rows["kind"] == Kind.MODAL) & (rows["muted"] == 0))

    @property
    def frames(self) -> int:
        """Length of the recording."""
        return int(self.target.shape[1])


@dataclasses.dataclass
class Material:
    """Everything that is learned from.

    Attributes:
        pieces: recordings with scores.
        instrument: the one they share, at the recordings' rate.
        sample_rate: Hz.
        rows: all pieces' modal events, one after the other.
    """

    pieces: list[Piece]
    instrument: Instrument
    sample_rate: int
    rows: NDArray[np.void]

    def active(self, piece: Piece, first: int, count: int) -> NDArray[np.intp]:
        """Modal events, numbered as in `rows`, that may be heard in a crop of a piece.

        One that has fallen below −100 dB of full scale, where the engine ends it too, is left out.
        """
        begin, end = first / self.sample_rate, (first + count) / self.sample_rate
        found = piece.score.table.active(begin, end, self.instrument.tail_s())
        modal = piece.modal
        at = np.searchsorted(modal, found)
        heard = (at < len(modal)) & (modal[np.minimum(at, len(modal) - 1)] == found)
        index = np.asarray(at[heard] + piece.first)
        return index[self._level(index, begin) > SILENCE]

    @functools.cached_property
    def _excited_s(self) -> NDArray[np.float64]:
        return self.instrument.excited_s  # looks at all attacks: too much for every crop

    def _level(self, index: NDArray[np.intp], time_s: float) -> NDArray[np.float64]:
        """[events] largest amplitude any of them may still have, inf where it is yet excited."""
        rows, instrument = self.rows[index], self.instrument
        r = rows["resonance"]
        age = time_s - rows["onset_s"]
        gain = np.linalg.norm(instrument.mode_gain[r].astype(float), axis=2)
        db = rows["vector"].astype(float) @ instrument.mode_map.astype(float)
        rate = LN1000 * (rows["stretch"] / rows["damp"])[:, None].astype(float)
        t60 = np.where(instrument.freq_hz[r] > 0, instrument.t60_s[r].astype(float), 1.0)
        left = np.exp(-rate / t60 * np.maximum(age, 0.0)[:, None]) * 10.0 ** (db / 20.0)
        level = rows["gain"] * instrument.impulse[r] * np.sum(gain * left, axis=1)
        driven = instrument.sustained[r] | instrument.blown[r]
        excited = (age < self._excited_s[r]) | driven | (rows["bright"] != 0.0)
        return np.where(excited, np.inf, level)

    def floor(self, piece: Piece, first: int) -> Floor | None:
        """Power that the piece's texture events add to a crop: their noise cannot be matched."""
        return expected_floor(piece.score.table.rows, self.instrument, self.sample_rate, first)


def prepare(pairs: list[tuple[Recording, Score]], instrument: Instrument) -> Material:
    """Check that recordings, scores and instrument belong together.

    Raises:
        FileFormatError: nothing to learn from, or rates or instruments differ.
    """
    if not pairs:
        raise FileFormatError("no score to fit; give one or more, with their recordings")
    rate = pairs[0][0].sample_rate
    pieces: list[Piece] = []
    kept: list[NDArray[np.void]] = []
    print_of = instrument.fingerprint()
    for recording, score in pairs:
        name = recording.source or "the recording"
        if recording.sample_rate != rate:
            raise FileFormatError(
                f"{name} is at {recording.sample_rate} Hz, the first recording at {rate} Hz; "
                "convert one of them"
            )
        if score.instrument and score.instrument != print_of:
            raise FileFormatError(f"{name}: its score was made with another instrument")
        if len(recording.frames) < SHORTEST:
            raise FileFormatError(f"{name} is shorter than {SHORTEST} frames; nothing to learn")
        target = np.ascontiguousarray(recording.frames.T, np.float32)
        piece = Piece(recording, score, sum(len(k) for k in kept), target)
        kept.append(score.table.rows[piece.modal])
        pieces.append(piece)
    rows = np.concatenate(kept)
    if len(rows) == 0:
        raise FileFormatError("the score holds no modal event; there is nothing to fit")
    return Material(pieces, at_rate(instrument, rate), rate, rows)
