"""When a key is let go: where all partials of an event fall together. Thread: any.

Of every frame the level is a low quantile over the event's partials of what is seen against what
the event would have if it were held: other keys raise some partials, hardly ever all of them, and
phases do not matter. A damper makes it fall exponentially from one frame to the next; what comes
later says little, for others play on.
"""

import functools

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float
from rtsynth.units import LN1000

__all__ = ["Held", "find_release"]

STEP_S, WINDOW_S = 0.02, 0.07
EARLIEST_S = 0.1
POINTS = (np.arange(16) + 0.5) / 16 - 0.5  # of a window, from its middle, in its lengths
WEIGHTS = np.cos(np.pi * POINTS) ** 2 / np.sum(np.cos(np.pi * POINTS) ** 2)  # as Hann has them
RELEASES_S = (0.06, 0.09, 0.13, 0.18, 0.25, 0.35, 0.5, 0.7)
FADES_S = RELEASES_S[:-2]  # a waveform that is lost more slowly has drifted out of phase
QUANTILE = 0.4
FAINT = 0.02  # of the loudest partial: below it no partial tells
BEFORE, AFTER = 6, 6  # frames around the break
HELD = 0.65  # of the usual level, before it
CLEAR = 0.2  # of the misfit of no break
LOW = 0.4  # the level falls at least so far
GONE = 0.4
COHERENT_S = 0.02
CROWDED = 0.9  # of the time alone
FADED = 0.45  # of the misfit of no release that may be left by one
NO_BREAK = 0.0, 0.0, 0.0
NEAR = 3  # frames after the first clear break, among which the clearest one is taken
AUDIBLE = 1e-4  # of the loudest frame's energy


class Held:
    """An event as if it were held: what strikes of one resonance, apart from gain, have in common.

    Args:
        sound: [samples] from the onset on.
        sample_rate: Hz.

    Attributes:
        sound: as given.
        sample_rate: as given.
    """

    def __init__(self, sound: Float, sample_rate: float) -> None:
        self.sound = sound
        self.sample_rate = sample_rate
        self._step, self._size = round(STEP_S * sample_rate), round(WINDOW_S * sample_rate)

    def level(self, target: Float) -> Float:
        """[frames] of what is seen of the event against being held, as its partials show it."""
        shared = min(len(self.sound), len(target))
        if shared < self._size + self._step:
            return np.zeros(0)
        energy, (peak, there, last) = self._energy, self._partials
        energy = energy[: (shared - self._size) // self._step + 1]
        gone = np.flatnonzero(energy <= AUDIBLE * energy.max())
        count = int(gone[0]) if len(gone) else len(energy)
        if count == 0:
            return np.zeros(0)
        heard = int(last[count - 1]) + 1
        bins = self._spectra(target[: self._size + (count - 1) * self._step]).reshape(-1)
        seen = np.abs(bins[peak[:heard]]).astype(float)
        return _quantiles(seen / (there[:heard] + 1e-20), np.sqrt(there[:heard]), last[:count])

    @functools.cached_property
    def _magnitudes(self) -> Float:
        """[frames, bins]."""
        magnitudes: Float = np.abs(self._spectra(self.sound)).astype(float)
        return magnitudes

    @functools.cached_property
    def _energy(self) -> Float:
        """[frames]."""
        energy: Float = np.sum(self._magnitudes**2, axis=1)
        return energy

    @functools.cached_property
    def _partials(self) -> tuple[NDArray[np.intp], Float, NDArray[np.intp]]:
        """[peaks] where in the frames' bins, [peaks] how strong, [frames] the last one of each."""
        there = self._magnitudes
        peak = there > FAINT * there.max(axis=1, initial=0.0, keepdims=True)
        middle = there[:, 1:-1]
        peak[:, 1:-1] &= (middle >= there[:, :-2]) & (middle >= there[:, 2:])
        where = np.flatnonzero(peak)
        return where, there.reshape(-1)[where], np.cumsum(np.count_nonzero(peak, axis=1)) - 1

    def _spectra(self, signal: Float) -> NDArray[np.complex64]:
        """[frames, bins]."""
        frames = np.lib.stride_tricks.sliding_window_view(signal, self._size)[:: self._step]
        window = np.hanning(self._size).astype(np.float32)
        spectra: NDArray[np.complex64] = scipy.fft.rfft(frames.astype(np.float32) * window)
        return spectra


def find_release(target: Float, held: Held, alone: int | None = None) -> tuple[int, float] | None:
    """Samples held and the release's T60, or None where no clear break shows.

    Args:
        target: [samples] from the onset on, as loud as `held`, everybody else taken away.
        held: the event as if it were held.
        alone: samples until something else starts; None if nothing does.
    """
    sample_rate = held.sample_rate
    level = held.level(target)
    first = max(BEFORE // 2, round(EARLIEST_S / STEP_S))
    gone = np.flatnonzero(level[first:] < GONE)
    last = first + int(gone[0]) + 1 if len(gone) else len(level)  # what follows is not this event
    last = min(last, len(level) - AFTER // 2)
    may = _may_break(level)
    frames = range(first, min(last + NEAR, len(level)))
    breaks = [_break_at(level, frame) if may[frame] else NO_BREAK for frame in frames]
    for frame in range(max(0, last - first)):
        if breaks[frame][0] > 1.0 - CLEAR:
            found = max(breaks[frame : frame + NEAR + 1], key=lambda one: one[0])
            return round(found[2] * sample_rate), found[1]
    faded = None if alone is None else _faded(target, held.sound, sample_rate)
    # alone, a break would show: what faded is a phase that drifted
    return faded if faded and alone is not None and faded[0] >= CROWDED * alone else None


def _faded(target: Float, model: Float, sample_rate: float) -> tuple[int, float] | None:
    """As `find_release`, by how much of the model's very waveform is there, step by step.

    Others hide a break from the spectrum but hardly ever agree in phase with the event.
    """
    step = round(COHERENT_S * sample_rate)
    count = min(len(target), len(model)) // step
    if count < 4 * AFTER:
        return None
    energy = (model[: count * step] ** 2).reshape(count, step).sum(axis=1)
    product = (target[: count * step] * model[: count * step]).reshape(count, step).sum(axis=1)
    audible = energy > AUDIBLE * energy.max()
    level = np.clip(np.where(audible, product / (energy + 1e-20), 0.0), -0.5, 1.5)
    weight = np.where(audible, energy**0.75, 0.0)  # between fair to the tail and blind to it
    firsts = np.arange(round(EARLIEST_S / COHERENT_S), count - AFTER // 2)
    firsts = firsts[audible[firsts]]
    if len(firsts) == 0:
        return None
    age = np.maximum(np.arange(count) + 0.5 - firsts[:, None], 0.0) * COHERENT_S
    shapes = np.exp(-LN1000 * age[:, None, :] / np.array(FADES_S)[None, :, None])
    costs = _misfits(level, weight, shapes)
    first, release = np.unravel_index(int(np.argmin(costs)), costs.shape)
    if costs[first, release] >= FADED * float(_misfits(level, weight, np.ones(count))):
        return None
    return int(firsts[first]) * step, FADES_S[int(release)]


def _misfits(level: Float, weight: Float, shapes: Float) -> Float:
    """[...] what each of `shapes`, [..., steps], leaves of the level when scaled to fit best."""
    scale = (shapes @ (weight * level)) / (shapes**2 @ weight + 1e-20)
    misfits: Float = (level - scale[..., None] * shapes) ** 2 @ weight
    return misfits


def _may_break(level: Float) -> NDArray[np.bool]:
    """[frames] whether a break there is not ruled out at once: most are, and cost nothing more."""
    if len(level) == 0:
        return np.zeros(0, bool)
    before = np.concatenate([np.zeros(BEFORE), level])
    loudest = np.lib.stride_tricks.sliding_window_view(before, BEFORE)[: len(level)].max(axis=1)
    after = np.concatenate([level, np.full(AFTER, np.inf)])
    quietest = np.lib.stride_tricks.sliding_window_view(after, AFTER + 1).min(axis=1)
    possible: NDArray[np.bool] = (loudest >= HELD) & (quietest <= LOW * loudest)
    return possible


def _break_at(level: Float, frame: int) -> tuple[float, float, float]:
    """Share of the misfit that a break near a frame explains, its T60, its time in seconds."""
    begin = max(0, frame - BEFORE)
    piece = level[begin : frame + AFTER + 1]
    held = float(np.median(piece[: frame - begin]))
    if held < HELD or piece[frame - begin :].min() > LOW * held:
        return NO_BREAK
    piece = np.minimum(piece / held, 1.2)
    piece = piece[: frame - begin + int(np.argmin(piece[frame - begin :])) + 1]  # then others rise
    flat = float(np.sum((piece - piece.mean()) ** 2)) + 1e-12
    best = NO_BREAK
    for late in (0.0, 0.25, 0.5, 0.75):
        age_s = (np.arange(len(piece)) - (frame - begin) - late) * STEP_S
        shapes = _seen_falls(age_s.astype(float))
        shares = 1.0 - np.sum((piece - shapes) ** 2, axis=1) / flat
        if shares.max() > best[0]:
            seconds = (frame + late) * STEP_S + WINDOW_S / 2
            best = float(shares.max()), RELEASES_S[int(np.argmax(shares))], seconds
    return best


def _seen_falls(age_s: Float) -> Float:
    """[releases, frames] the level of each release in windows whose middles are so long after it.

    A window sees the mean of what falls within it, which begins to fall before its middle does.
    """
    late_s = np.maximum(age_s[:, None] + WINDOW_S * POINTS, 0.0)
    falls = np.exp(-LN1000 * late_s / np.array(RELEASES_S)[:, None, None])
    seen: Float = falls @ WEIGHTS
    return seen


def _quantiles(ratio: Float, weight: Float, last: NDArray[np.intp]) -> Float:
    """[frames] the QUANTILE of the partials' ratios by weight; `last` is each frame's last one."""
    frame = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    order = np.lexsort((ratio, frame))
    below = np.cumsum(weight[order])
    begin = np.concatenate([[0.0], below[last[:-1]]])[: len(last)]
    place = np.searchsorted(below, begin + QUANTILE * (below[last] - begin))
    quantiles: Float = ratio[order][np.minimum(place, last)]
    return quantiles
