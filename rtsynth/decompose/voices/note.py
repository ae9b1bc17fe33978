"""One note of several that sound at once. Thread: any."""

import dataclasses

import numpy as np

from rtsynth.decompose.damped import Float

__all__ = ["VoiceNote", "harmonics"]

HIGHEST_HZ = 9_000.0
SAME_SEMITONES = 0.5


@dataclasses.dataclass(frozen=True, order=True)
class VoiceNote:
    """A held note.

    Attributes:
        onset: sample at which it enters.
        end: sample at which it is let go.
        pitch_hz: as the tuning of the recording has it.
    """

    onset: int
    end: int
    pitch_hz: float

    def is_again(self, other: "VoiceNote") -> bool:
        """Whether another note is of the same key."""
        return bool(abs(12.0 * np.log2(other.pitch_hz / self.pitch_hz)) < SAME_SEMITONES)

    def sounds(self, first: float, last: float) -> bool:
        """Whether it is held at any sample between two."""
        return self.onset < last and self.end > first


def harmonics(pitch_hz: float, count: int, sample_rate: float) -> Float:
    """[at most `count`, at least 1] Hz of the first harmonics up to 9 kHz.

    Args:
        pitch_hz: of the first.
        count: at most so many.
        sample_rate: Hz.
    """
    top = min(HIGHEST_HZ, 0.45 * sample_rate)
    return pitch_hz * np.arange(1.0, max(1, min(count, int(top / pitch_hz))) + 1.0)
