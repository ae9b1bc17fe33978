"""How partials that lie too near each other to be told apart divide what is heard of them.

By what their notes have elsewhere: each note has a course over time and a pattern of partials, the
power of what lies together is the sum of its partials', and course and pattern follow from the
powers by multiplicative updates, as in non-negative factorisation. A partial that is never heard
alone has the level that neighbouring notes' partials of its number have. Thread: any.
"""

import numpy as np
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.decompose.voices.together import Cells

__all__ = ["shared_levels"]

TOGETHER_HZ = 15.0  # nearer ones are one to the window
ITERATIONS = 20
NEIGHBOURS = 5.0  # semitones
HARDLY = 0.02  # weight of a pattern that was never heard alone
TINY = 1e-14


def shared_levels(cells: Cells, pitch_hz: Float) -> Float:
    """[cells] amplitude of each, at least 0.

    Args:
        cells: with what the least squares found.
        pitch_hz: [notes].
    """
    group = _groups(cells)
    size = np.bincount(group)[group]
    heard = cells.amplitude * cells.turned
    total = np.bincount(group, heard.real) + 1j * np.bincount(group, heard.imag)
    power = np.abs(total) ** 2 + TINY
    model = _Model(cells, group, size == 1, pitch_hz)
    for _ in range(ITERATIONS):
        model.update(power)
    expected = model.expected()
    share = expected / np.bincount(group, expected)[group]
    level: Float = np.sqrt(power[group] * share)
    return level


def _groups(cells: Cells) -> NDArray[np.intp]:
    """[cells] number of what each lies together with."""
    begins = np.ones(len(cells.frame), bool)
    begins[1:] = (np.diff(cells.frame) > 0) | (np.diff(cells.freq_hz) > TOGETHER_HZ)
    return np.cumsum(begins) - 1


class _Model:
    """Courses [notes, frames] and patterns [notes, harmonics] of power; a pattern sums to 1."""

    def __init__(
        self, cells: Cells, group: NDArray[np.intp], alone: NDArray[np.bool], pitch_hz: Float
    ) -> None:
        notes, most = len(pitch_hz), int(cells.number.max())
        frames = int(cells.frame.max()) + 1
        self._shape, self._patterns = (notes, frames), (notes, most)
        self._at = cells.note * frames + cells.frame
        self._of = cells.note * most + cells.number - 1
        self._group, self._alone = group, alone.astype(float)
        semitones = 12.0 * np.log2(pitch_hz)
        self._near = np.exp(-0.5 * (np.subtract.outer(semitones, semitones) / NEIGHBOURS) ** 2)
        self.pattern = np.tile(np.arange(1.0, most + 1.0) ** -2, (notes, 1))
        self.course = np.bincount(self._at, np.ones(len(group)), notes * frames) + TINY
        self.course = self.course.reshape(self._shape)
        self._used = np.bincount(self._of, minlength=notes * most).reshape(self._patterns) > 0

    def expected(self) -> Float:
        """[cells] power."""
        found: Float = self.course.ravel()[self._at] * self.pattern.ravel()[self._of] + TINY
        return found

    def update(self, power: Float) -> None:
        """Move courses, then patterns, towards the power [groups] of what lies together."""
        claimed, expected = self._claimed(power)
        scale = self._courses(claimed) / (self._courses(expected) + TINY)
        self.course = self.course * scale
        claimed, _ = self._claimed(power)
        course = self.course.ravel()[self._at]
        heard = self._by_number(course) + TINY
        own = self._by_number(claimed) / heard
        alone = self._by_number(course * self._alone) / heard
        pattern = np.where(self._used, alone * own + (1.0 - alone) * self._borrowed(own, alone), 0)
        sums = pattern.sum(axis=1, keepdims=True) + TINY
        self.pattern, self.course = pattern / sums, self.course * sums

    def _borrowed(self, own: Float, alone: Float) -> Float:
        """[notes, harmonics] geometric mean of the notes around, as loud as each note itself."""
        loud = self._near * self.course.sum(axis=1)
        weight = np.where(self._used, alone + HARDLY, 0.0)
        level = np.log(own / (own.sum(axis=1, keepdims=True) + TINY) + 1e-9)
        mean = np.exp((loud @ (weight * level)) / (loud @ weight + TINY))
        mean[~self._used] = 0.0  # nobody near has them
        scaled: Float = mean * own.sum(axis=1, keepdims=True) / mean.sum(axis=1, keepdims=True)
        return scaled

    def _claimed(self, power: Float) -> tuple[Float, Float]:
        expected = self.expected()
        ratio = power / np.bincount(self._group, expected)
        return expected * ratio[self._group], expected

    def _courses(self, values: Float) -> Float:
        sums: Float = np.bincount(self._at, values, self.course.size).astype(float)
        return sums.reshape(self._shape)

    def _by_number(self, values: Float) -> Float:
        sums: Float = np.bincount(self._of, values, self.pattern.size).astype(float)
        return sums.reshape(self._patterns)
