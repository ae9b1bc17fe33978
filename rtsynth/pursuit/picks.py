"""What a pursuit found, and its sound. Thread: any."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.pursuit import add_atom
from rtsynth.pursuit.atoms import Atoms

__all__ = ["Picks", "render"]


@dataclasses.dataclass(frozen=True)
class Picks:
    """Atoms in their places, in the order in which they were picked.

    Attributes:
        atom: [picks] index into the dictionary.
        shift: [picks] sample at which the atom begins.
        amplitude: [picks] complex b of `2·Re(b g(t − shift))`.
        gain: [picks] by how much each lowered the energy of what was left when it was picked.
    """

    atom: NDArray[np.int64]
    shift: NDArray[np.int64]
    amplitude: NDArray[np.complex128]
    gain: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.atom)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool]) -> "Picks":
        """The picks at `index`, in its order."""
        return Picks(self.atom[index], self.shift[index], self.amplitude[index], self.gain[index])

    @classmethod
    def none(cls) -> "Picks":
        """No picks at all."""
        whole = np.zeros(0, np.int64)
        return cls(whole, whole.copy(), np.zeros(0, complex), np.zeros(0))


def render(picks: Picks, atoms: Atoms, length: int) -> NDArray[np.float64]:
    """[length] samples of all picks together; what reaches beyond is cut.

    Args:
        picks: of these atoms.
        atoms: the dictionary.
        length: samples wanted.
    """
    sound = np.zeros(length)
    for atom, shift, amplitude in zip(picks.atom, picks.shift, picks.amplitude, strict=True):
        add_atom(sound, atoms.waveform[atom], shift, amplitude)
    return sound
