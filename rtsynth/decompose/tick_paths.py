"""Driven modes whose poles are constant within a tick, many ticks at once. Thread: any."""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Complex, Float
from rtsynth.dsp.modal import TICK

__all__ = ["TickPaths"]


class TickPaths:
    """All modes of an event from rest on, block after block of ticks."""

    def __init__(self, kick: Complex) -> None:
        """Begin at rest.

        Args:
            kick: [modes] what a drive of 1 for one frame adds to each.
        """
        self._kick = kick
        self._state = np.zeros(len(kick), complex)
        self._turned: Float | None = None  # radians that the bow has gone through
        self._gain: Float | None = None

    def follow(
        self,
        s: Complex,
        target: Float,
        steady: Complex,
        pieces: NDArray[np.intp],
        driving: Float,
    ) -> Float:
        """[frames] the sum of the modes over the next ticks.

        Args:
            s: [ticks, modes] exponents per frame.
            target: [ticks, modes] gains at the end of each tick.
            steady: [ticks, modes] what a bow holds them at, before it turns with them.
            pieces: [ticks, 2] first and last frame of each, 0 at the first, at most 32 apart.
            driving: [frames].
        """
        frames = np.diff(pieces, axis=1)
        angle = s.imag * frames
        turned = -s.imag[0] if self._turned is None else self._turned
        held = steady * np.exp(1j * (turned + np.cumsum(angle, axis=0) - angle))
        self._turned = turned + angle.sum(axis=0)
        n = np.arange(1, TICK + 1)
        bowed = np.exp(1j * s.imag[..., None] * n)
        free = np.exp(s.real[..., None] * n) * bowed
        state = np.empty_like(held)
        kicked = {}
        for tick, (first, last) in enumerate(pieces.tolist()):
            state[tick] = self._state
            end = last - first - 1
            self._state = (self._state - held[tick]) * free[tick, :, end]
            self._state = self._state + held[tick] * bowed[tick, :, end]
            if driving[first:last].any():
                kicked[tick] = self._driven(s[tick], driving[first:last])
                self._state = self._state + kicked[tick][:, -1]
        path = ((state - held)[..., None] * free + held[..., None] * bowed).real
        for tick, added in kicked.items():
            path[tick, :, : added.shape[1]] += added.real
        before = target[:1] if self._gain is None else self._gain
        gain = np.concatenate([before, target[:-1]])
        self._gain = target[-1:]
        moving = gain[..., None] + (target - gain)[..., None] * (n / frames)[:, None]
        sound: Float = np.sum(moving * path, axis=1)[n <= frames]
        return sound

    def _driven(self, s: Complex, driving: Float) -> Complex:
        """[modes, frames] what a drive within one tick makes of modes at rest."""
        n = np.arange(len(driving))
        path = np.zeros((len(s), len(driving)), complex)
        for k in np.flatnonzero(driving).tolist():
            path[:, k:] += (self._kick * driving[k])[:, None] * np.exp(s[:, None] * (n[k:] - k))
        return path
