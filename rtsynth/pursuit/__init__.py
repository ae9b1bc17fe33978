"""Matching pursuit with complex, learnable atoms: which, when, how loud and in which phase.

Arrays in, arrays out; what is compiled lies in `dsp.pursuit`. Thread: worker.
"""

from rtsynth.pursuit.assign import assign_picks
from rtsynth.pursuit.atoms import Atoms, damped_atoms
from rtsynth.pursuit.learn import learn_atoms
from rtsynth.pursuit.picks import Picks, render
from rtsynth.pursuit.pursue import pursue

__all__ = [
    "Atoms",
    "Picks",
    "assign_picks",
    "damped_atoms",
    "learn_atoms",
    "pursue",
    "render",
]
