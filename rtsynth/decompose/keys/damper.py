"""When the damper falls on each struck key, as a key's own partials show it. Thread: any.

A damper makes all partials of a key fall at once and far faster than they did. Where notes overlap
most partials are other keys' too, so each partial counts as far as it is its key's alone: the
levels that the resonances would have tell how loud all others are there, and when. It is compared
with its own course just before, not with what the resonance would have: that one was learned with
the key-offs that are sought, and where one was missed it has become part of the resonance.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from rtsynth.decompose.damped import Float, poles, powers
from rtsynth.decompose.draft import Draft, Resonance
from rtsynth.decompose.keys.keyboard import nearest_key, partial_hz
from rtsynth.units import LN1000

__all__ = ["RELEASE_S", "damped_at"]

STEP_S, WINDOW_S = 0.01, 0.08
HIGHEST_HZ = 8_000.0
HARMONICS, OWN = 16, 0.015  # partials of a key, and how far from its place a mode may be
OLDEST = 400  # steps for which a key is watched
RISEN = 5  # steps after which a strike has its level
COMING = 13  # steps before an onset from which on it is reckoned with
SPLASH = (-4, 7)  # steps around another's onset in which its hammer is in all bins
NEAR_HZ = 25.0  # partials that a window does not tell apart
ALONE = 0.55  # of what should be heard at a partial: the key's, or it tells nothing
FAINT = 1e-3  # of the key's strongest partial, now or ever: it tells nothing either
FEWEST = 0.1  # of the key's partials, by the root of their levels, that must tell
BEFORE, QUIET = (-10, -3), (-30, -3)  # steps before a fall; those among them with no hammer
AFTER, LATER = (5, 13), (18, 26)  # steps after it
LEAST = 3  # steps before it
STEEPEST_DB = 0.6  # per step, that any partial may fall by itself
FALL_DB = 8.0
QUANTILE = 0.4  # of the partials that tell: so many may have others' sound on them
SOON = 8  # steps after the first clear fall, among which the clearest is taken
EARLY_S = 0.02  # by which a window sees a fall before it comes
RELEASE_S = 0.35  # T60 of a damped key, roughly
ROUNDS = 2  # what is known to be damped no longer covers others
FRAMES = 512  # spectra at once


@dataclasses.dataclass
class _Track:
    """What a strike's partials should do.

    Attributes:
        resonance: index.
        first: step at which it is reckoned with.
        onset: step at which it is struck.
        last: first step at which nobody looks for its release any more.
        stopped: step at which it is over anyway; None if it is not.
        freq_hz: [partials].
        held: [partials, steps] amplitudes if it is held, from `first` on.
        level: [partials, steps] the same as it is known to be let go.
    """

    resonance: int
    first: int
    onset: int
    last: int
    stopped: int | None
    freq_hz: Float
    held: Float
    level: Float

    def let_go(self, step: int | None) -> None:
        """From a step on it is damped; None if no damper shows."""
        falls = self.stopped if step is None else step
        self.level = self.held
        if falls is not None:
            age = np.arange(self.held.shape[1]) + self.first - falls
            self.level = self.held * np.exp(-LN1000 * STEP_S / RELEASE_S * age.clip(0))


def damped_at(
    signal: Float, draft: Draft, stopped: Mapping[int, int] | None = None
) -> list[int | None]:
    """[strikes] samples after which a damper falls on each; None where none shows.

    Args:
        signal: [samples] the sound.
        draft: its strikes, without gains per mode; where they are let go so far says nothing.
        stopped: by identity, samples after which strikes are over anyway.
    """
    rate = draft.sample_rate
    step = round(STEP_S * rate)
    level_db, bin_hz = _levels(signal, rate, step)
    tracks = _tracks(draft, step, len(level_db), stopped or {})
    calm = _calm(tracks, len(level_db))
    beside = _beside(tracks)
    order = np.argsort([track.onset for track in tracks], kind="stable")
    found: list[int | None] = [None] * len(tracks)
    for _ in range(ROUNDS):
        for index in order:
            track = tracks[index]
            covered = _covered(track, beside[index])
            found[index] = _fall(track, covered, level_db, bin_hz, calm)
            track.let_go(found[index])
    early = round(EARLY_S * rate)
    return [
        None if at is None else max(1, at * step - early - strike.onset)
        for at, strike in zip(found, draft.strikes, strict=True)
    ]


def _levels(signal: Float, sample_rate: float, step: int) -> tuple[NDArray[np.float32], float]:
    """[steps, bins] dB around each step, and the bins' distance in Hz."""
    width = round(WINDOW_S * sample_rate)
    size = 2 << (width - 1).bit_length()
    bins = min(int(HIGHEST_HZ * size / sample_rate) + 2, size // 2 + 1)
    padded = np.pad(signal.astype(np.float32), (width // 2, width))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::step]
    window = np.hanning(width).astype(np.float32)
    levels = np.empty((len(frames), bins), np.float32)
    for begin in range(0, len(frames), FRAMES):
        spectra = scipy.fft.rfft(frames[begin : begin + FRAMES] * window, size)[:, :bins]
        levels[begin : begin + FRAMES] = 20.0 * np.log10(np.abs(spectra) * (4.0 / width) + 1e-7)
    return levels, sample_rate / size


def _tracks(draft: Draft, step: int, frames: int, stopped: Mapping[int, int]) -> list[_Track]:
    shapes = [_partials(resonance, draft.sample_rate) for resonance in draft.resonances]
    onsets: dict[int, list[int]] = {}
    for strike in draft.strikes:
        onsets.setdefault(strike.resonance, []).append(strike.onset)
    tracks = []
    for strike in draft.strikes:
        freq_hz, shape = shapes[strike.resonance]
        onset, over = round(strike.onset / step), stopped.get(id(strike))
        again = [at // step + 1 for at in onsets[strike.resonance] if at > strike.onset + 3 * step]
        last = min([onset + OLDEST, frames - AFTER[1], *again])
        stop = None if over is None else (strike.onset + over) // step
        lead = np.repeat(shape[:, RISEN : RISEN + 1], COMING + RISEN, axis=1)
        held = strike.gain * np.concatenate([lead, shape[:, RISEN:]], axis=1)
        first = onset - COMING
        track = _Track(strike.resonance, first, onset, last, stop, freq_hz, held, held)
        track.let_go(None)
        tracks.append(track)
    return tracks


def _calm(tracks: list[_Track], frames: int) -> Float:
    """[steps] 1 where no hammer is heard, 0 around every onset."""
    calm = np.ones(frames)
    for track in tracks:
        calm[max(0, track.onset + SPLASH[0]) : max(0, track.onset + SPLASH[1])] = 0.0
    return calm


def _partials(resonance: Resonance, sample_rate: float) -> tuple[Float, Float]:
    """[partials] where a key's own partials are, in Hz, and [partials, OLDEST] their levels."""
    pitch_hz, freq_hz, levels = resonance.pitch_hz, [], []
    highest = min(HIGHEST_HZ, 0.49 * sample_rate)
    modes = resonance.modes.take(resonance.modes.freq_hz < highest)
    places = np.zeros(0)
    if pitch_hz > 0.0:
        places = partial_hz(nearest_key(pitch_hz), pitch_hz, HARMONICS)
    for place in places:
        own = modes.take(np.abs(modes.freq_hz / place - 1.0) < OWN)
        loudness = np.abs(own.amplitude)
        if float(loudness.sum()) > 0.0:
            middle = float(loudness @ own.freq_hz / loudness.sum())
            s = poles(own.freq_hz - middle, own.t60_s, 1.0 / STEP_S)
            freq_hz.append(middle)
            levels.append(np.abs(powers(s, OLDEST) @ own.amplitude))
    return np.array(freq_hz), np.array(levels).reshape(-1, OLDEST)


def _beside(tracks: list[_Track]) -> list[list[tuple[_Track, Float]]]:
    """For each strike those that may cover its partials, and [own, theirs] which lie on which."""
    near: dict[tuple[int, int], Float] = {}
    order = sorted(range(len(tracks)), key=lambda index: tracks[index].onset)
    found: list[list[tuple[_Track, Float]]] = [[] for _ in tracks]
    for place, index in enumerate(order):
        for number in order[place + 1 :]:
            if tracks[number].onset - tracks[index].onset >= OLDEST + COMING:
                break
            for one, two in ((index, number), (number, index)):
                own, other = tracks[one], tracks[two]
                pair = own.resonance, other.resonance
                if pair not in near:
                    apart_hz = np.abs(own.freq_hz[:, None] - other.freq_hz)
                    near[pair] = (apart_hz < NEAR_HZ).astype(float)
                if near[pair].any():
                    found[one].append((other, near[pair]))
    return found


def _covered(track: _Track, beside: list[tuple[_Track, Float]]) -> Float:
    """[partials, steps] what others should have at a strike's partials."""
    total = np.zeros_like(track.held)
    steps = total.shape[1]
    for other, near in beside:
        shift = other.first - track.first
        begin, end = max(0, shift), min(steps, other.level.shape[1] + shift)
        if begin < end:
            total[:, begin:end] += near @ other.level[:, begin - shift : end - shift]
    return total


def _fall(
    track: _Track, covered: Float, level_db: NDArray[np.float32], bin_hz: float, calm: Float
) -> int | None:
    """The step at which a strike's partials fall together."""
    begin = track.onset + RISEN
    steps = np.arange(begin + LEAST - BEFORE[1], track.last)
    if len(track.freq_hz) == 0 or len(steps) == 0:
        return None
    bins = np.round(track.freq_hz / bin_hz).astype(int)
    seen = level_db[begin : track.last + LATER[1], bins].astype(float)
    unsplashed = calm[begin : begin + len(seen)].copy()
    unsplashed[: max(0, track.onset + SPLASH[1] - begin)] = 1.0  # its own chord's hammers
    steepest, at = _steepest(track, steps), steps - begin
    near = _course(seen, np.ones(len(seen)), at, BEFORE, steepest)
    quiet = _course(seen, unsplashed, at, QUIET, steepest)
    soon, enough = _telling(track, covered, steps, near.level_db)
    later, tells = _telling(track, covered, steps + LATER[0], near.level_db)
    score = np.where(enough & near.known, _fallen((near, quiet), seen, at, AFTER, soon), -np.inf)
    lasting = _fallen((near, quiet), seen, at, LATER, later)
    # what falls and comes back is no damper's: partials beat
    score[tells & (lasting < FALL_DB)] = -np.inf
    clear = np.flatnonzero(score > FALL_DB)
    if len(clear) == 0:
        return None
    return int(steps[clear[0] + np.argmax(score[clear[0] : clear[0] + SOON])])


def _telling(
    track: _Track, covered: Float, steps: NDArray[np.intp], before_db: Float
) -> tuple[Float, NDArray[np.bool]]:
    """[steps, partials] how much each partial says of its key, [steps] whether enough do.

    Args:
        track: the strike.
        covered: [partials, steps] what others should have there.
        steps: at which they are asked.
        before_db: [steps, partials] what is seen before: beyond the others' it is the key's.
    """
    there = np.minimum(steps - track.first, track.held.shape[1] - 1)
    # a resonance that was learned over less than a second says little of what is left after two
    others = covered[:, there].T
    own = np.maximum(track.held[:, there].T, 10.0 ** (before_db / 20.0) - others)
    share = own / (own + others + 1e-12)
    loudness = np.sqrt(own)
    tells = (share > ALONE) & (own > FAINT * own.max(axis=1, keepdims=True))
    enough = (loudness * tells).sum(axis=1) >= FEWEST * loudness.sum(axis=1)
    enough &= own.max(axis=1) > FAINT * float(track.held.max())
    return loudness * share * tells, enough


def _steepest(track: _Track, steps: NDArray[np.intp]) -> Float:
    """[steps, partials] dB per step by which each partial may fall by itself."""
    held_db = 20.0 * np.log10(track.held + 1e-12)
    early, late = steps - track.first + BEFORE[0] // 2, steps - track.first + AFTER[1] // 2
    late = np.minimum(late, track.held.shape[1] - 1)
    falling = (held_db[:, early] - held_db[:, late]) / np.maximum(late - early, 1)
    found: Float = np.maximum(falling.T, STEEPEST_DB)
    return found


class _Course(NamedTuple):
    """How partials go on up to a step.

    Attributes:
        level_db: [steps, partials].
        slope_db: [steps, partials] per step, 0 or less.
        known: [steps] whether enough was to be seen.
    """

    level_db: Float
    slope_db: Float
    known: NDArray[np.bool]


def _course(
    seen: Float, calm: Float, steps: NDArray[np.intp], around: tuple[int, int], steepest: Float
) -> _Course:
    """A line through each partial's levels before each step.

    Args:
        seen: [steps, partials] dB, from where the strike has its level.
        calm: [steps] 1, or 0 for those that say nothing.
        steps: indices of `seen`.
        around: first of the steps before each that count, and one past the last.
        steepest: [steps, partials] dB per step by which each may fall.
    """
    place = np.arange(len(seen), dtype=float)
    first, last = np.maximum(steps + around[0], 0), steps + around[1]

    def summed(values: Float) -> Float:
        sums = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), values]), axis=0)
        found: Float = sums[last] - sums[first]
        return found

    weight = calm[:, None]
    count = summed(weight)
    some = np.maximum(count, 1.0)
    middle = summed(weight * place[:, None]) / some
    spread = summed(weight * place[:, None] ** 2) / some - middle**2
    mean = summed(weight * seen) / some
    slope = summed(weight * place[:, None] * seen) / some - middle * mean
    slope = np.clip(slope / np.maximum(spread, 1e-3), -steepest, 0.0)
    return _Course(mean + slope * (steps[:, None] - middle), slope, count[:, 0] >= LEAST)


def _fallen(
    courses: tuple[_Course, _Course],
    seen: Float,
    steps: NDArray[np.intp],
    ahead: tuple[int, int],
    weight: Float,
) -> Float:
    """[steps] dB by which partials are lower after a step than they would be, going on as before.

    A hammer that strikes another key lifts all partials for a moment; after that they only seem to
    fall. So it must be a fall from where they were without any hammer, too, where that is known.
    """
    late = np.minimum(steps + np.arange(*ahead)[:, None], len(seen) - 1)
    found = []
    for course in courses:
        line = course.level_db + course.slope_db * (late - steps)[..., None]
        found.append(_quantile(np.median(line - seen[late], axis=0), weight))
    near, quiet = found
    fallen: Float = np.where(courses[1].known, np.minimum(near, quiet), near)
    return fallen


def _quantile(fall: Float, weight: Float) -> Float:
    """[steps] the QUANTILE of falls by weight."""
    order = np.argsort(fall, axis=1)
    below = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)
    place = np.argmax(below >= QUANTILE * below[:, -1:], axis=1)
    at = np.take_along_axis(order, place[:, None], axis=1)
    found: Float = np.take_along_axis(fall, at, axis=1)[:, 0]
    return found
