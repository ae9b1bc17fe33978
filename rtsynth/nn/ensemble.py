"""One net of the field: K members that share vector and age, in one contraction. Thread: worker.

Member k sees only the frequencies of its octave group. `FieldNet` holds the same weights as plain
arrays and says in float64 what they mean; the names are the same here and there. Sine layers as in
SIREN (Sitzmann et al. 2020), without its first factor of 30: the rotary features are fast already.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from rtsynth.errors import ValueRangeError
from rtsynth.events import VECTOR_DIM
from rtsynth.instrument.field import EXTRA_FEATURES, VECTOR_SCALE, FieldNet
from rtsynth.nn.rotary import Rotary, span_features

__all__ = ["Encoding", "Ensemble", "layer_parameters", "member_overlap"]

Encoding = Literal["rotary", "additive"]
"""How vector and age meet: multiplied per frequency, or (for ablations) beside each other."""

AGE_INIT = 0.25  # log1p(age / 1 ms) reaches 10, the other features 1
PROJECT_INIT = 0.5 / VECTOR_DIM**0.5


def _inputs(frequencies: int, encoding: Encoding) -> int:
    return 2 * frequencies * (2 if encoding == "additive" else 1) + EXTRA_FEATURES


def layer_parameters(
    members: int, frequencies: int, hidden: int, outputs: int, encoding: Encoding = "rotary"
) -> int:
    """Number of weights and biases in the three layers of an ensemble."""
    first = (_inputs(frequencies, encoding) + 1) * hidden
    return members * (first + (hidden + 1) * hidden + (hidden + 1) * outputs)


def _uniform(generator: torch.Generator, *shape: int, fan_in: int) -> nn.Parameter:
    bound = (6.0 / fan_in) ** 0.5
    return nn.Parameter((2.0 * torch.rand(shape, generator=generator) - 1.0) * bound)


class Ensemble(nn.Module):
    """Untrained it draws exactly 0: the last layer starts at zero.

    Args:
        resonances: R.
        omega: [K, F] float64 rad/s.
        hidden: units of both hidden layers.
        outputs: O.
        encoding: "rotary", or "additive" for ablations: Fourier features of the same frequencies
            and decays beside a linear embedding of prototype and vector.
        learn_frequencies: whether omega is learned.
        generator: of the first weights.
    """

    def __init__(
        self,
        resonances: int,
        omega: Tensor,
        hidden: int,
        outputs: int,
        *,
        encoding: Encoding = "rotary",
        learn_frequencies: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if encoding not in ("rotary", "additive"):
            raise ValueRangeError(
                f"encoding = {encoding!r}; legal: 'rotary', 'additive'", field="encoding"
            )
        source = generator or torch.Generator().manual_seed(0)
        k, f = omega.shape
        inputs = _inputs(f, encoding)
        self.encoding: Encoding = encoding
        self.rotary = Rotary(omega, learn_frequencies=learn_frequencies)
        self.prototype = nn.Parameter(torch.randn(resonances, k, f, 2, generator=source) * 0.5**0.5)
        self.project = nn.Parameter(
            torch.randn(VECTOR_DIM, k, f, 2, generator=source) * PROJECT_INIT
        )
        self.w0 = _uniform(source, k, inputs, hidden, fan_in=inputs)
        self.b0 = _uniform(source, k, hidden, fan_in=inputs)
        self.w1 = _uniform(source, k, hidden, hidden, fan_in=hidden)
        self.b1 = _uniform(source, k, hidden, fan_in=hidden)
        self.w2 = nn.Parameter(torch.zeros(k, hidden, outputs))
        self.b2 = nn.Parameter(torch.zeros(k, outputs))
        with torch.no_grad():
            self.w0[:, 2 * f] *= AGE_INIT

    @property
    def members(self) -> int:
        """K."""
        return int(self.w0.shape[0])

    def condition(self, resonance: Tensor, vector: Tensor) -> Tensor:
        """[events, K, F, 2] the coefficients h that prototype and vector give.

        Args:
            resonance: [events] integers.
            vector: [events, 32].
        """
        scaled = vector.to(self.project.dtype) / VECTOR_SCALE
        return self.prototype[resonance] + torch.einsum("ej,jkfc->ekfc", scaled, self.project)

    def _features(self, h: Tensor, age: Tensor, duration: Tensor) -> Tensor:
        extra = span_features(age, duration, h.dtype).expand(self.members, *age.shape, -1)
        if self.encoding == "rotary":
            return torch.cat([self.rotary(h, age), extra], -1)
        unit = torch.zeros_like(h.detach())
        unit[..., 0] = 1.0
        beside = h.flatten(2).movedim(1, 0)[:, :, None].expand(-1, -1, age.shape[1], -1)
        return torch.cat([self.rotary(unit, age), extra, beside], -1)

    def forward(self, resonance: Tensor, vector: Tensor, age: Tensor, duration: Tensor) -> Tensor:
        """The whole form.

        Args:
            resonance: [events] integers, 0 … R−1.
            vector: [events, 32].
            age: [events, ages] seconds since each event's onset, ≥ 0; float64 where long.
            duration: [events] seconds, may be infinite.

        Returns:
            [K, events, ages, O].
        """
        x = self._features(self.condition(resonance, vector), age, duration).flatten(1, 2)
        for weight, bias in ((self.w0, self.b0), (self.w1, self.b1)):
            x = torch.sin(torch.baddbmm(bias[:, None], x, weight))
        out = torch.baddbmm(self.b2[:, None], x, self.w2)
        return out.reshape(self.members, *age.shape, -1)

    def to_net(self) -> FieldNet:
        """The weights as plain arrays."""
        arrays = {
            name: getattr(self, name).detach().cpu().float().numpy().copy()
            for name in ("prototype", "project", "w0", "b0", "w1", "b1", "w2", "b2")
        }
        omega, alpha = self.rotary.omega(), self.rotary.alpha()
        return FieldNet(
            omega.detach().cpu().numpy().copy(), alpha.detach().cpu().numpy().copy(), **arrays
        )

    @classmethod
    def from_net(cls, net: FieldNet, *, learn_frequencies: bool = False) -> "Ensemble":
        """The module whose forward is `net.evaluate`."""
        omega = torch.tensor(net.omega)
        ensemble = cls(net.prototype.shape[0], omega, net.b0.shape[1], net.b2.shape[1])
        alpha = torch.tensor(net.alpha)
        ensemble.rotary = Rotary(omega, alpha, learn_frequencies=learn_frequencies)
        with torch.no_grad():
            for name in ("prototype", "project", "w0", "b0", "w1", "b1", "w2", "b2"):
                getattr(ensemble, name).copy_(torch.tensor(getattr(net, name)))
        return ensemble


def member_overlap(drawn: Tensor, limit: float = 0.3) -> Tensor:
    """How much the members draw the same: a regulariser that sends them apart.

    Args:
        drawn: [K, events, ages] one curve or waveform of every member.
        limit: cosine that costs nothing.

    Returns:
        Scalar: mean over events and pairs of max(0, cosine − limit), the cosine being that of
        the two members' magnitude spectra; 0 where a member is silent, or alone.
    """
    members = drawn.shape[0]
    if members < 2:
        return drawn.new_zeros(())
    spectrum = torch.fft.rfft(drawn, dim=-1).abs()
    size = (spectrum.square().sum(-1, keepdim=True) + 1e-20).sqrt()
    unit = (spectrum / size).movedim(0, 1)
    first, second = torch.triu_indices(members, members, 1, device=drawn.device)
    cosine = (unit @ unit.mT)[:, first, second]
    return torch.relu(cosine - limit).mean()
