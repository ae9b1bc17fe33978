"""The field played: compiled, without the interpreter. Thread: worker.

`FieldWeights.draw_controls` and `draw_attack` say in float64 what is drawn here.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.net import (
    BLOCK,
    INPUT_ALIGN,
    OUTPUT_ALIGN,
    Net,
    condition,
    fill_attack,
    fill_curves,
)
from rtsynth.errors import ValueRangeError
from rtsynth.instrument.field import VECTOR_SCALE, FieldNet, FieldWeights

__all__ = ["FieldTwin"]

Array = NDArray[Any]


def _padded(array: Array, *multiples: int) -> NDArray[np.float32]:
    """A float32 copy whose last axes are filled up with zeros to multiples."""
    first = array.ndim - len(multiples)
    more = [(0, 0)] * first
    more += [(0, -size % n) for size, n in zip(array.shape[first:], multiples, strict=True)]
    return np.ascontiguousarray(np.pad(array.astype(np.float32), more))


def _scratch(rows: int) -> NDArray[np.float32]:
    return np.zeros(rows * BLOCK, np.float32)


class _Twin:
    """One net: its weights laid out for the kernels, and the coefficients of any event."""

    def __init__(self, net: FieldNet) -> None:
        members, frequencies = net.omega.shape
        self._prototype = np.ascontiguousarray(
            net.prototype.reshape(len(net.prototype), -1), np.float32
        )
        self._project = np.ascontiguousarray(net.project.reshape(len(net.project), -1), np.float32)
        self._scaled = np.zeros(len(net.project), np.float32)
        w0 = _padded(net.w0, INPUT_ALIGN, INPUT_ALIGN)
        w2 = _padded(net.w2, INPUT_ALIGN, OUTPUT_ALIGN)
        self.net = Net(
            h=np.zeros((members, 2 * frequencies)),
            freq_hz=np.ascontiguousarray(net.omega / (2.0 * math.pi), float),
            alpha=np.ascontiguousarray(net.alpha, float),
            w0=w0,
            b0=_padded(net.b0, INPUT_ALIGN),
            w1=_padded(net.w1, INPUT_ALIGN, INPUT_ALIGN),
            b1=_padded(net.b1, INPUT_ALIGN),
            w2=w2,
            b2=_padded(net.b2, OUTPUT_ALIGN),
            ages=np.zeros(BLOCK),
            rows=_scratch(w0.shape[1]),
            first=_scratch(w0.shape[2]),
            second=_scratch(w0.shape[2]),
            drawn=_scratch(w2.shape[2]),
        )

    def condition(self, resonance: int, vector: Array) -> None:
        """Take the event whose curves are drawn next."""
        if not 0 <= resonance < len(self._prototype):
            raise ValueRangeError(
                f"resonance = {resonance}; legal: 0 … {len(self._prototype) - 1} of this field",
                field="resonance",
            )
        np.divide(vector, VECTOR_SCALE, out=self._scaled, casting="same_kind")
        condition(self._prototype[resonance], self._project, self._scaled, self.net.h.reshape(-1))


class FieldTwin:
    """Draws what `weights` draw, in float32; one thread at a time may use it.

    The weights are copied: later changes to them are not seen. While it draws, the interpreter is
    free, and nothing is allocated but a few array headers.

    Args:
        weights: of an instrument.
    """

    def __init__(self, weights: FieldWeights) -> None:
        self._controls = _Twin(weights.controls)
        self._attack = _Twin(weights.attack)
        self.members, self.drawn = len(weights.controls.omega), weights.drawn
        self.attack_s = float(weights.attack_s)

    def controls(
        self, resonance: int, vector: Array, ages_s: Array, duration_s: float, out: Array
    ) -> None:
        """Each member's controls, before their sum is clipped.

        Args:
            resonance: the event's.
            vector: [32], the event's.
            ages_s: [points] float64 seconds ≥ 0, in any order.
            duration_s: the event's, may be infinite.
            out: [K, points, drawn] float32, overwritten.

        Raises:
            ValueRangeError: no such resonance, or arrays of another shape or type.
        """
        _check("out", out, (self.members, len(ages_s), self.drawn), np.float32)
        _check("ages_s", ages_s, (len(ages_s),), np.float64)
        if len(ages_s):
            self._controls.condition(resonance, vector)
            fill_curves(self._controls.net, ages_s, duration_s, out)

    def attack(
        self, resonance: int, vector: Array, sample_rate: float, duration_s: float, out: Array
    ) -> None:
        """Each member's attack waveform for gain 1, from the onset on, 0 after `attack_s`.

        Args:
            resonance: the event's.
            vector: [32], the event's.
            sample_rate: Hz.
            duration_s: the event's, may be infinite.
            out: [K, frames] float32, overwritten.

        Raises:
            ValueRangeError: no such resonance, or an array of another shape or type.
        """
        _check("out", out, (self.members, *out.shape[1:2]), np.float32)
        self._attack.condition(resonance, vector)
        fill_attack(self._attack.net, sample_rate, self.attack_s, duration_s, out)


def _check(name: str, array: Array, shape: tuple[int, ...], dtype: type) -> None:
    if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
        raise ValueRangeError(
            f"{name} is {array.dtype} of shape {array.shape}; legal: contiguous "
            f"{np.dtype(dtype)} of shape {shape}",
            field=name,
        )
