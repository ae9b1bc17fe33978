"""The render worker's side of the grain renderer: hops of the stream in, grains out.

Thread: worker.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtsynth.dsp.grain import HOP
from rtsynth.engine.ends import give_back, publish, space, waiting
from rtsynth.engine.layout import Sizes, State
from rtsynth.engine.ring import READ, WRITTEN

__all__ = ["Hop", "Hops", "PackedBank"]


@dataclasses.dataclass(frozen=True, slots=True)
class Hop:
    """What happened in one hop to the voices that a worker renders; views, until `Hops.done`.

    Attributes:
        number: the hop begins at frame `number · HOP`.
        voices: [n] GRAIN_DTYPE.
        rows: [n, HOP_TICKS, COLUMNS] float64, as `rtsynth.dsp.grain` names them.
        vectors: [n, HOP_TICKS + 1, 32] before the hop and after each of its ticks.
        bases: [n, 2, M] float64.
        bows: [n, 3, M] float64, where a voice is bowed.
        gains: [n, channels, HOP] gain, pan and fade.
        ticks: [HOP_TICKS + 1, 1 + K] level of the strike and gains of the field's members, before
            the hop and after each of its ticks; straight lines between.
    """

    number: int
    voices: NDArray[Any]
    rows: NDArray[np.float64]
    vectors: NDArray[np.float32]
    bases: NDArray[np.float64]
    bows: NDArray[np.float64]
    gains: NDArray[np.float32]
    ticks: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class PackedBank:
    """The bank as the engine has it: the modes of every resonance in use to the front.

    Attributes:
        bank: [R, 5, M], rows as in `rtsynth.dsp.bend`.
        modes: [R] in use.
        mode_map: [R, 32, M] dB per mode and unit of the vector.
        attack: [R, A] at the engine's rate.
    """

    bank: NDArray[np.float32]
    modes: NDArray[np.int64]
    mode_map: NDArray[np.float32]
    attack: NDArray[np.float32]


class Hops:
    """The two rings between an engine and the one worker that renders for it."""

    def __init__(self, state: State, sizes: Sizes) -> None:
        self._state = state
        self.pool = sizes.voices + sizes.spare_voices
        self.channels = sizes.channels
        self.ahead = sizes.ahead

    def bank(self) -> PackedBank:
        """A copy of the bank."""
        state = self._state
        lengths = state.resonances["attack_frames"]
        return PackedBank(
            state.bank.copy(),
            state.resonances["modes"].copy(),
            np.ascontiguousarray(state.mode_map[state.columns].transpose(0, 2, 1)),
            state.attack[:, : max(int(lengths.max(initial=0)), 1)].copy(),
        )

    def next(self) -> Hop | None:
        """The oldest hop that has not been read, None if there is none."""
        state = self._state
        if waiting(state.hops_at) < 1:
            return None
        at = int(state.hops_at[READ]) % len(state.hops)
        here = slice(at * self.pool, at * self.pool + int(state.hops[at]["voices"]))
        return Hop(
            int(state.hops[at]["number"]),
            state.grain_voices[here],
            state.grain_rows[here],
            state.grain_vectors[here],
            state.grain_bases[here],
            state.grain_bows[here],
            state.grain_gains[here],
            state.hop_ticks[at],
        )

    def done(self) -> None:
        """Give the hop that `next` returned back to the engine."""
        give_back(self._state.hops_at, 1)

    def is_late(self, number: int) -> bool:
        """Whether the grain of a hop would come too late."""
        heard = int(self._state.core[0]["tick_frame"]) - self.ahead * HOP
        return heard > number * HOP

    def put(self, number: int, grain: NDArray[np.float32]) -> bool:
        """Hand a grain, [channels, 2·HOP], over; False if there is no room, then it is lost.

        Grains come in the order of their numbers.
        """
        state = self._state
        if space(state.grains_at, len(state.grains)) < 1:
            return False
        at = int(state.grains_at[WRITTEN]) % len(state.grains)
        state.grain_numbers[at] = number
        state.grains[at] = grain
        publish(state.grains_at, 1)
        return True
