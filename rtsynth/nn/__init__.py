"""What learns, in torch: the neural field. Thread: worker."""

from rtsynth.nn.ensemble import Ensemble, member_overlap
from rtsynth.nn.field import NeuralField, Steps
from rtsynth.nn.rotary import Rotary, frequency_groups

__all__ = ["Ensemble", "NeuralField", "Rotary", "Steps", "frequency_groups", "member_overlap"]
