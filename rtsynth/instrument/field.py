"""The neural field's weights as plain arrays, and what they mean, in float64. Thread: any.

`FieldNet.evaluate` is the definition; the compiled kernel that plays and the torch module that
learns are tested against it. For member k, vector v, resonance r and age t ≥ 0 in seconds:

    h_i   = prototype[r, k, i] + Σ_j v_j / VECTOR_SCALE · project[j, k, i]           complex
    φ_i   = h_i · exp((−alpha_i + j·omega_i) · t)                             rotary position
    x     = [Re φ, Im φ, log1p(t / 1 ms), cos and sin of 2π·(n/2)·t/duration, n = 1 … 4]
    o     = sin(sin(x·w0 + b0)·w1 + b1)·w2 + b2

The phases ω·t are formed in float64. With an infinite duration the last eight features are 0.
"""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.events import VECTOR_DIM
from rtsynth.instrument.bands import NOISE_BANDS

__all__ = [
    "CONTROLS",
    "CONTROL_LIMITS",
    "MEMBERS",
    "VECTOR_SCALE",
    "PLAIN_CONTROLS",
    "TONE_BANDS",
    "TONE_LOW_HZ",
    "TONE_OCTAVES",
    "FieldNet",
    "FieldWeights",
    "attack_window",
    "tone_place",
]

MEMBERS = ("body", "mid", "bright", "attack")
"""Members of the ensemble, by their octave groups, lowest first."""

TONE_BANDS = 16

CONTROLS = (
    *(f"noise{b}" for b in range(NOISE_BANDS)), "wet", "dry", "bow", "bend", "damp", "bright",
    *(f"tone{b}" for b in range(TONE_BANDS)),
)  # fmt: skip
"""What the control net draws: log2 of gains (noise bands, wet, dry, bow, tone bands), semitones
(bend), log2 of a T60 factor (damp), dB/octave (bright). 0 is neutral everywhere."""

PLAIN_CONTROLS = len(CONTROLS) - TONE_BANDS
"""A field without tone bands draws only the first so many: each curve costs time and memory."""

CONTROL_LIMITS = np.array(
    [(-16.0, 8.0)] * (NOISE_BANDS + 3)
    + [(-24.0, 24.0), (-4.0, 4.0), (-24.0, 24.0)]
    + [(-8.0, 8.0)] * TONE_BANDS,
    np.float32,
)
"""[54, 2] what the sum of the members is clipped to."""

WET, DRY, BOW, BEND, DAMP, BRIGHT, TONE = range(NOISE_BANDS, NOISE_BANDS + 7)
"""Places in `CONTROLS` after the noise bands; the tone bands follow from TONE on."""

TONE_LOW_HZ, TONE_OCTAVES = 100.0, 7.0
"""Where the lowest tone band lies, and how far above it the highest; the others evenly between."""

VECTOR_SCALE = 12.0
"""A coordinate of the vector that counts as 1 for the field; coordinates are about decibels."""

SPAN_FEATURES = 8
EXTRA_FEATURES = 1 + SPAN_FEATURES
MAX_DRAWN_ATTACK_S = 0.2
TAPER = 0.25

Array = NDArray[Any]
_NET_ARRAYS = ("omega", "alpha", "prototype", "project", "w0", "b0", "w1", "b1", "w2", "b2")


def tone_place(octaves: Array) -> NDArray[np.float64]:
    """0 … 15, between which tone bands a mode lies.

    Args:
        octaves: above `TONE_LOW_HZ`.
    """
    place = np.asarray(octaves, float) * ((TONE_BANDS - 1) / TONE_OCTAVES)
    return np.clip(place, 0.0, TONE_BANDS - 1.0)


def attack_window(age_s: Array, attack_s: float) -> NDArray[np.float64]:
    """What a drawn attack is multiplied by: 1, then a raised cosine to 0 over its last quarter."""
    left = np.clip((attack_s - np.asarray(age_s, float)) / (TAPER * attack_s), 0.0, 1.0)
    window: NDArray[np.float64] = 0.5 - 0.5 * np.cos(np.pi * left)
    return window


@dataclasses.dataclass
class FieldNet:
    """One ensemble of K members with F frequencies each, H hidden units, O outputs.

    Attributes:
        omega: [K, F] float64, rad/s, ≥ 0.
        alpha: [K, F] float64, 1/s, ≥ 0.
        prototype: [R, K, F, 2], real and imaginary part.
        project: [32, K, F, 2].
        w0, b0: [K, 2F + 9, H], [K, H].
        w1, b1: [K, H, H], [K, H].
        w2, b2: [K, H, O], [K, O].
    """

    omega: Array
    alpha: Array
    prototype: Array
    project: Array
    w0: Array
    b0: Array
    w1: Array
    b1: Array
    w2: Array
    b2: Array

    @classmethod
    def zeros(
        cls, resonances: int, frequencies: int, hidden: int, outputs: int, members: int = 4
    ) -> "FieldNet":
        """A net of the given size that draws nothing."""
        k, f, h = members, frequencies, hidden

        def make(*shape: int) -> Array:
            return np.zeros(shape, np.float32)

        return cls(
            np.zeros((k, f)), np.zeros((k, f)), make(resonances, k, f, 2),
            make(VECTOR_DIM, k, f, 2), make(k, 2 * f + EXTRA_FEATURES, h), make(k, h),
            make(k, h, h), make(k, h), make(k, h, outputs), make(k, outputs),
        )  # fmt: skip

    def arrays(self) -> dict[str, Array]:
        """Every array by name."""
        return {name: getattr(self, name) for name in _NET_ARRAYS}

    def features(
        self, resonance: int, vector: Array, age_s: Array, duration_s: float
    ) -> NDArray[np.float64]:
        """[K, ages, 2F + 9] what the first layer sees."""
        scaled = np.asarray(vector, float) / VECTOR_SCALE
        h = self.prototype[resonance].astype(float)
        h = h + np.tensordot(scaled, self.project.astype(float), 1)
        age = np.asarray(age_s, float)
        turned = np.exp((1j * self.omega - self.alpha)[:, None, :] * age[:, None])
        phi = (h[..., 0] + 1j * h[..., 1])[:, None, :] * turned
        extra = np.zeros((len(age), EXTRA_FEATURES))
        extra[:, 0] = np.log1p(age / 1e-3)
        if math.isfinite(duration_s) and duration_s > 0.0:
            angle = np.pi * np.arange(1, 5) * (age / duration_s)[:, None]
            extra[:, 1:5], extra[:, 5:9] = np.cos(angle), np.sin(angle)
        members = len(self.omega)
        shared = np.broadcast_to(extra, (members, *extra.shape))
        found: NDArray[np.float64] = np.concatenate([phi.real, phi.imag, shared], axis=-1)
        return found

    def evaluate(
        self, resonance: int, vector: Array, age_s: Array, duration_s: float = math.inf
    ) -> NDArray[np.float64]:
        """The outputs of every member.

        Args:
            resonance: the event's.
            vector: [32], the event's.
            age_s: [ages] seconds since the onset, ≥ 0.
            duration_s: the event's.

        Returns:
            [K, ages, O].
        """
        x = self.features(resonance, vector, age_s, duration_s)
        for weight, bias in ((self.w0, self.b0), (self.w1, self.b1)):
            x = np.sin(x @ weight.astype(float) + bias.astype(float)[:, None])
        out: NDArray[np.float64] = x @ self.w2.astype(float) + self.b2.astype(float)[:, None]
        return out

    def validate(self, name: str, resonances: int, outputs: int) -> None:
        """Check every shape, and that every number is finite.

        Raises:
            ValueError: the first thing wrong, by name.
        """
        if self.omega.ndim != 2 or self.b0.ndim != 2:
            raise ValueError(f"{name}.omega has shape {self.omega.shape}")
        (k, f), h = self.omega.shape, self.b0.shape[1]
        if k != len(MEMBERS) or not (1 <= f <= 64 and 1 <= h <= 256):
            raise ValueError(f"{name} has {k} members of {f} frequencies and {h} hidden units")
        wanted = FieldNet.zeros(resonances, f, h, outputs, k).arrays()
        for key, array in self.arrays().items():
            if array.shape != wanted[key].shape or array.dtype != wanted[key].dtype:
                raise ValueError(f"{name}.{key} is {array.dtype} of shape {array.shape}")
            if not np.isfinite(array).all() or np.abs(array).max(initial=0.0) > 1e6:
                raise ValueError(f"{name}.{key} holds NaN, infinity or a number beyond 1e6")
        if (self.alpha < 0).any() or (self.omega < 0).any():
            raise ValueError(f"{name} holds a negative frequency or decay")


@dataclasses.dataclass
class FieldWeights:
    """The two nets of an instrument.

    Attributes:
        controls: 54 outputs, `CONTROLS`, or the first 38.
        attack: 2 outputs a, b; member k's sample is a · softplus(b) · `attack_window`.
        attack_s: length of the drawn attack, 0 … 0.2 s.
    """

    controls: FieldNet
    attack: FieldNet
    attack_s: float

    @classmethod
    def zeros(
        cls, resonances: int, frequencies: int = 16, hidden: int = 64, attack_s: float = 0.1,
        *, toned: bool = False,
    ) -> "FieldWeights":  # fmt: skip
        """A field that draws nothing: the instrument is its bank alone."""
        drawn = len(CONTROLS) if toned else PLAIN_CONTROLS
        return cls(
            FieldNet.zeros(resonances, frequencies, hidden, drawn),
            FieldNet.zeros(resonances, frequencies, hidden, 2),
            attack_s,
        )

    @property
    def drawn(self) -> int:
        """How many of `CONTROLS` it draws: 38, or 54 with the tone bands."""
        return int(self.controls.b2.shape[-1])

    def draw_controls(
        self, resonance: int, vector: Array, age_s: Array, duration_s: float = math.inf
    ) -> NDArray[np.float64]:
        """[K, ages, C] each member's controls, before the sum is clipped to `CONTROL_LIMITS`.

        C is `drawn`, and the arguments are those of `FieldNet.evaluate`.
        """
        return self.controls.evaluate(resonance, vector, age_s, duration_s)

    def draw_attack(
        self, resonance: int, vector: Array, age_s: Array, duration_s: float = math.inf
    ) -> NDArray[np.float64]:
        """[K, ages] each member's attack waveform, for gain 1."""
        out = self.attack.evaluate(resonance, vector, age_s, duration_s)
        drawn: NDArray[np.float64] = out[..., 0] * np.logaddexp(0.0, out[..., 1])
        return drawn * attack_window(age_s, self.attack_s)

    def longest_damp(self) -> NDArray[np.float64]:
        """[R] factor ≥ 1 on T60s by which each prototype's are lengthened at most."""
        ages_s = np.geomspace(1e-3, 20.0, 16)
        vector = np.zeros(VECTOR_DIM)
        if not (self.controls.w2[..., DAMP].any() or self.controls.b2[..., DAMP].any()):
            return np.ones(len(self.controls.prototype))
        highest = [
            self.draw_controls(r, vector, ages_s).sum(axis=0)[:, DAMP].max()
            for r in range(len(self.controls.prototype))
        ]
        factor: NDArray[np.float64] = 2.0 ** np.clip(highest, 0.0, CONTROL_LIMITS[DAMP, 1])
        return factor

    def arrays(self) -> dict[str, Array]:
        """Every array by its name in a file."""
        return {
            f"field.{net}.{key}": array
            for net in ("controls", "attack")
            for key, array in getattr(self, net).arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Array], attack_s: float) -> "FieldWeights":
        """Take the weights out of what a file held; they are removed from `arrays`.

        Raises:
            KeyError: one is missing.
        """
        nets = [
            FieldNet(*(arrays.pop(f"field.{net}.{key}") for key in _NET_ARRAYS))
            for net in ("controls", "attack")
        ]
        return cls(nets[0], nets[1], attack_s)

    def validate(self, resonances: int) -> None:
        """Check both nets.

        Raises:
            ValueError: the first thing wrong, by name.
        """
        if not 0.0 < self.attack_s <= MAX_DRAWN_ATTACK_S:
            raise ValueError(
                f"attack_s = {self.attack_s}; legal: above 0, at most {MAX_DRAWN_ATTACK_S}"
            )
        toned = self.controls.b2.ndim == 2 and self.drawn == len(CONTROLS)
        drawn = len(CONTROLS) if toned else PLAIN_CONTROLS
        self.controls.validate("field.controls", resonances, drawn)
        self.attack.validate("field.attack", resonances, 2)
