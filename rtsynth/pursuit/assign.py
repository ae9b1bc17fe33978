"""Which of several sounds each pick belongs to. Thread: worker."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.pursuit import correlate_here
from rtsynth.pursuit.atoms import Atoms, optimum
from rtsynth.pursuit.picks import Picks

__all__ = ["assign_picks"]

Float = NDArray[np.float64]


def assign_picks(picks: Picks, atoms: Atoms, channels: Float) -> NDArray[np.int64]:
    """[picks] channel of which the pick's atom, there and in any phase, explains most.

    Args:
        picks: of a sound.
        atoms: the dictionary.
        channels: [channels, samples], each in its place in that sound.

    Returns:
        indices; −1 where no channel has anything there.
    """
    owner = np.full(len(picks), -1, np.int64)
    sounds = np.ascontiguousarray(channels, float)
    rho = atoms.rho
    for i, (atom, shift) in enumerate(zip(picks.atom, picks.shift, strict=True)):
        best = 0.0
        for channel, sound in enumerate(sounds):
            correlation = correlate_here(atoms.waveform[atom], sound, shift)
            gain = optimum(correlation, complex(rho[atom]))[1]
            if gain > best:
                best, owner[i] = gain, channel
    return owner
