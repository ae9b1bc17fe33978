"""A line as resonances, notes and curves, before a field has learned them. Thread: worker."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.held.curves import driven_level
from rtsynth.decompose.held.measure import MeasuredNote
from rtsynth.decompose.sustained.bowing import DB_PER_OCTAVE
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument.field import BEND, BOW, BRIGHT

__all__ = ["CODE", "OFFSETS", "HeldLine", "bowed_partials", "partial_sizes"]

CODE = 8
"""Coordinates at the vector's end that only the field reads."""

OFFSETS = VECTOR_DIM - CODE
"""Coordinates before them: decibels by which a note's first modes differ from its resonance's."""

RELEASES_S = (0.02, 10.0)


@dataclasses.dataclass(frozen=True)
class HeldLine:
    """Notes and the resonances they share.

    Attributes:
        notes: as measured.
        resonance: [notes] index.
        pitch_hz: [resonances].
        t60_s: of every mode.
        gain: [notes] linear.
        offset_db: [notes, 24] of the first modes.
        controls: per note [points, 54], in the order and units of `CONTROLS`.
        weight: per note [points], 0 … 1.
        amplitude: per resonance [modes] at a bow of 1.
        blow_gain: [resonances, 32].
    """

    notes: list[MeasuredNote]
    resonance: NDArray[np.intp]
    pitch_hz: Float
    t60_s: float
    gain: Float
    offset_db: Float
    controls: list[Float]
    weight: list[Float]
    amplitude: list[Float]
    blow_gain: Float

    @property
    def pitched(self) -> bool:
        """Whether any note has partials; all is noise otherwise."""
        return any(len(own) for own in self.amplitude)

    def release_s(self, index: int) -> float:
        """The `release_s` of a note's event: with the modes' own decay it falls as it was seen to.

        Nothing can fall slower than the modes themselves do.
        """
        note = self.notes[index]
        rate = 1.0 / note.release_t60_s - (1.0 / self.t60_s if len(note.ratio) else 0.0)
        return float(np.clip(1.0 / max(rate, 1e-3), *RELEASES_S))

    def sizes(self, index: int) -> Float:
        """[modes] amplitudes of a note's partials at a bow of 1."""
        shared = self.amplitude[self.resonance[index]]
        return partial_sizes(shared, float(self.gain[index]), self.offset_db[index])


def partial_sizes(shared: Float, gain: float, offset_db: Float) -> Float:
    """[modes] amplitudes of one note's partials at a bow of 1.

    Args:
        shared: [modes] of its resonance.
        gain: of the note, linear.
        offset_db: [24] of its first modes.
    """
    own: Float = shared * gain
    own[:OFFSETS] *= 10.0 ** (offset_db[: len(own)] / 20.0)
    return own


def bowed_partials(
    pitch_hz: float, size: Float, controls: Float, t60_s: float
) -> tuple[Float, Float]:
    """[partials, points] Hz and amplitude of harmonics under bow, tilt and bend; no tone bands.

    Args:
        pitch_hz: of the note.
        size: [partials] amplitudes at a bow of 1.
        controls: [points, 54], every `STEP_S` from the onset on.
        t60_s: of every mode.
    """
    number = np.arange(1.0, len(size) + 1.0)
    freq_hz = pitch_hz * np.outer(number, np.exp2(controls[:, BEND] / 12.0))
    tilted = np.exp2(np.outer(np.log2(number), controls[:, BRIGHT] / DB_PER_OCTAVE))
    return freq_hz, size[:, None] * tilted * driven_level(np.exp2(controls[:, BOW]), t60_s)
