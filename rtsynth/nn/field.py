"""The neural field: two ensembles that draw controls and an attack over age. Thread: worker.

    field = NeuralField(resonances=8, seed=0)
    curves = field.controls(resonance, vector, age, duration)        [events, ages, C], clipped sum
    sound = field.attack(resonance, vector, age, duration)           [events, ages]
    members = field.draw_controls(...), field.draw_attack(...)       [K, events, ages, C], [K, …]
    instrument.field = field.to_weights()

C is 38, or 54 with tone bands. What the numbers mean is said in `rtsynth.instrument.field`.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtsynth.errors import ValueRangeError
from rtsynth.instrument.field import (
    CONTROL_LIMITS,
    CONTROLS,
    MAX_DRAWN_ATTACK_S,
    MEMBERS,
    PLAIN_CONTROLS,
    TAPER,
    FieldWeights,
)
from rtsynth.nn.ensemble import Encoding, Ensemble, layer_parameters
from rtsynth.nn.rotary import frequency_groups

__all__ = ["NeuralField", "Steps"]

CONTROL_TOP_HZ = 200.0
ATTACK_TOP = 0.4  # of the sample rate
ATTACK_OUTPUTS = 2
WIDEST = 512

Draw = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _equal_hidden(
    members: int, frequencies: int, hidden: int, outputs: int, encoding: Encoding
) -> int:
    """Hidden units with which a variant has most nearly the weights of the standard ensemble."""
    total = len(MEMBERS) * frequencies
    target = layer_parameters(len(MEMBERS), frequencies, hidden, outputs)
    return min(
        range(1, WIDEST + 1),
        key=lambda h: abs(
            layer_parameters(members, total // members, h, outputs, encoding) - target
        ),
    )


class NeuralField(nn.Module):
    """The field of an instrument; untrained it draws exactly 0, and the bank sounds alone.

    Args:
        resonances: R of the instrument.
        frequencies: F of each of four members.
        hidden: hidden units of each member.
        toned: whether it draws the tone bands, too.
        attack_s: length of the drawn attack, above 0, at most 0.2 s.
        sample_rate: Hz; the attack's frequencies reach 0.4 of it.
        learn_frequencies: whether the frequencies are learned.
        members: 4, or 1 for ablations: one member with all frequencies, as many weights.
        encoding: "rotary", or "additive" for ablations, with as many weights.
        seed: of the first weights.

    Raises:
        ValueRangeError: an argument outside its range.
    """

    limits: Tensor

    def __init__(
        self,
        resonances: int,
        *,
        frequencies: int = 16,
        hidden: int = 64,
        toned: bool = False,
        attack_s: float = 0.1,
        sample_rate: float = 48_000,
        learn_frequencies: bool = False,
        members: int = len(MEMBERS),
        encoding: Encoding = "rotary",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if members not in (1, len(MEMBERS)):
            raise ValueRangeError(f"members = {members}; legal: 4, or 1", field="members")
        if not 0.0 < attack_s <= MAX_DRAWN_ATTACK_S:
            raise ValueRangeError(
                f"attack_s = {attack_s}; legal: above 0, at most {MAX_DRAWN_ATTACK_S}",
                field="attack_s",
            )
        generator = torch.Generator().manual_seed(seed)

        def ensemble(top_hz: float, outputs: int) -> Ensemble:
            return Ensemble(
                resonances,
                frequency_groups(members, len(MEMBERS) * frequencies // members, top_hz),
                _equal_hidden(members, frequencies, hidden, outputs, encoding),
                outputs,
                encoding=encoding,
                learn_frequencies=learn_frequencies,
                generator=generator,
            )

        drawn = len(CONTROLS) if toned else PLAIN_CONTROLS
        self.control_net = ensemble(CONTROL_TOP_HZ, drawn)
        self.attack_net = ensemble(ATTACK_TOP * sample_rate, ATTACK_OUTPUTS)
        self.attack_s = float(attack_s)
        self.register_buffer("limits", torch.from_numpy(CONTROL_LIMITS[:drawn].copy()))

    @property
    def members(self) -> int:
        """K."""
        return self.control_net.members

    def draw_controls(
        self, resonance: Tensor, vector: Tensor, age: Tensor, duration: Tensor
    ) -> Tensor:
        """Each member's controls.

        Args:
            resonance: [events] integers.
            vector: [events, 32].
            age: [events, ages] seconds since each event's onset, ≥ 0; float64 where long.
            duration: [events] seconds, may be infinite.

        Returns:
            [K, events, ages, C], not clipped.
        """
        drawn: Tensor = self.control_net(resonance, vector, age, duration)
        return drawn

    def draw_attack(
        self, resonance: Tensor, vector: Tensor, age: Tensor, duration: Tensor
    ) -> Tensor:
        """[K, events, ages] each member's attack waveform for gain 1; arguments as above."""
        signed, size = self.attack_net(resonance, vector, age, duration).unbind(-1)
        left = ((self.attack_s - age.double()) / (TAPER * self.attack_s)).clamp(0.0, 1.0)
        window = (0.5 - 0.5 * torch.cos(math.pi * left)).to(signed.dtype)
        drawn: Tensor = signed * functional.softplus(size) * window
        return drawn

    def controls(
        self,
        resonance: Tensor,
        vector: Tensor,
        age: Tensor,
        duration: Tensor,
        gains: Tensor | None = None,
    ) -> Tensor:
        """[events, ages, C] the members' sum, each times its gain, clipped to the legal range.

        Args:
            resonance: as `draw_controls` takes it, and so the next three.
            vector: [events, 32].
            age: [events, ages].
            duration: [events].
            gains: [K] live gains of the members, or [K, events]; None for 1.
        """
        drawn = self._weigh(self.draw_controls(resonance, vector, age, duration), gains)
        return drawn.clamp(self.limits[:, 0], self.limits[:, 1])

    def attack(
        self,
        resonance: Tensor,
        vector: Tensor,
        age: Tensor,
        duration: Tensor,
        gains: Tensor | None = None,
    ) -> Tensor:
        """[events, ages] the sum of the members' attacks; arguments as `controls` takes them."""
        return self._weigh(self.draw_attack(resonance, vector, age, duration), gains)

    @staticmethod
    def _weigh(drawn: Tensor, gains: Tensor | None) -> Tensor:
        if gains is None:
            return drawn.sum(0)
        missing = drawn.dim() - gains.dim()
        return (drawn * gains.reshape(*gains.shape, *(1,) * missing)).sum(0)

    def to_weights(self) -> FieldWeights:
        """The weights as the instrument stores and the engine plays them.

        Raises:
            ValueRangeError: the field is a variant for ablations, which cannot be played.
        """
        if self.members != len(MEMBERS) or self.control_net.encoding != "rotary":
            raise ValueRangeError(
                f"a field of {self.members} members with {self.control_net.encoding} encoding is "
                "for comparison only; an instrument holds 4 members with rotary encoding: "
                "train NeuralField(members=4, encoding='rotary')",
                field="field",
            )
        return FieldWeights(self.control_net.to_net(), self.attack_net.to_net(), self.attack_s)

    @classmethod
    def from_weights(
        cls, weights: FieldWeights, *, learn_frequencies: bool = False
    ) -> "NeuralField":
        """The module that draws what `weights` draw, to be played or trained further."""
        toned = weights.drawn > PLAIN_CONTROLS
        field = cls(1, frequencies=1, hidden=1, toned=toned, attack_s=weights.attack_s)
        field.control_net = Ensemble.from_net(weights.controls, learn_frequencies=learn_frequencies)
        field.attack_net = Ensemble.from_net(weights.attack, learn_frequencies=learn_frequencies)
        return field


class Steps:
    """The step form of a field: asked for the next ages block by block, it knows where it is.

    Any partition into blocks draws what the whole form draws.

    Args:
        draw: `field.draw_controls`, `field.draw_attack`, or one of their sums.
        resonance: [events] integers.
        vector: [events, 32].
        duration: [events] seconds.
        period_s: seconds from one age to the next.
    """

    def __init__(
        self, draw: Draw, resonance: Tensor, vector: Tensor, duration: Tensor, period_s: float
    ) -> None:
        self._draw = draw
        self._event = (resonance, vector, duration)
        self._period_s = period_s
        self._next = 0

    def reset(self, index: int = 0) -> None:
        """Go to the age `index · period_s`."""
        self._next = index

    def step(self, count: int) -> Tensor:
        """The next `count` ages of every event, in the shape of the whole form."""
        resonance, vector, duration = self._event
        index = torch.arange(
            self._next, self._next + count, dtype=torch.float64, device=vector.device
        )
        self._next += count
        age = (index * self._period_s).expand(len(resonance), count)
        return self._draw(resonance, vector, age, duration)
