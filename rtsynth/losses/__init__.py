"""What training makes small; experiments choose by name.

Sounds are [B, samples], events [B, E, samples], each in its place in time. A loss returns a scalar
and its named parts, weighted, which sum to it; distances are relative to the target's `|T(x)|₁`, so
that they compare between recordings. Losses of one step share a `Spectra`; `WeightedSum` does that.
Gates, the rate's controller and the schedule act on events' gains and are no losses of sounds.
Thread: worker.
"""

from rtsynth.losses.assign import MpAssign, mp_assign
from rtsynth.losses.attribution import Attribution, shares
from rtsynth.losses.channel import GreedySteps, RandChannel
from rtsynth.losses.gate import HardConcrete
from rtsynth.losses.global_l1 import MagnitudeOfSum, SumOfMagnitudes
from rtsynth.losses.loss import Loss, Parts, SharedLoss, TransformLoss, WeightedSum
from rtsynth.losses.multiscale import MultiScale
from rtsynth.losses.nested import NestedDropout
from rtsynth.losses.noise import NoiseW1, exponential_w1
from rtsynth.losses.orthogonal import Orthogonal
from rtsynth.losses.patch_info import PatchInfo
from rtsynth.losses.phased import Phased
from rtsynth.losses.registry import LOSSES, make_loss
from rtsynth.losses.sparsity import RateController, SparsitySchedule, score_bits
from rtsynth.losses.spectra import Spectra
from rtsynth.losses.support import Support, support_mask
from rtsynth.losses.transform import Floor, MultiScaleMag

__all__ = [
    "LOSSES",
    "Attribution",
    "Floor",
    "GreedySteps",
    "HardConcrete",
    "Loss",
    "MagnitudeOfSum",
    "MpAssign",
    "MultiScale",
    "MultiScaleMag",
    "NestedDropout",
    "NoiseW1",
    "Orthogonal",
    "Parts",
    "PatchInfo",
    "Phased",
    "RandChannel",
    "RateController",
    "SharedLoss",
    "SparsitySchedule",
    "Spectra",
    "SumOfMagnitudes",
    "Support",
    "TransformLoss",
    "WeightedSum",
    "exponential_w1",
    "make_loss",
    "mp_assign",
    "score_bits",
    "shares",
    "support_mask",
]
