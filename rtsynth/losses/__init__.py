"""What training makes small; experiments choose by name. Thread: worker."""

from rtsynth.losses.multiscale import MultiScale
from rtsynth.losses.registry import LOSSES, Floor, Loss, make_loss

__all__ = ["LOSSES", "Floor", "Loss", "MultiScale", "make_loss"]
