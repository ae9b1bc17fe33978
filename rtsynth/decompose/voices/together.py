"""The partials of notes that sound at once, each frame's by one least squares of all of them.

Each note's pitch is followed by those of its harmonics that no other note is near. Then every
partial of every note that may sound in a frame is turned down to 0 Hz by its own phase and averaged
under a window. How much of each leaks into each is known, the window's spectrum at the distance of
the two, so all amplitudes follow from one small system of equations. Partials too near each other
to be told apart come out with a sum that is right: `rtsynth.decompose.voices.shares` divides it.
Thread: worker.
"""

import dataclasses
import itertools

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import upfirdn

from rtsynth.decompose.damped import Complex, Float
from rtsynth.decompose.held.entering import clear_of
from rtsynth.decompose.sustained.pitch import STEP_S
from rtsynth.decompose.voices.note import VoiceNote

__all__ = ["Cells", "Followed", "follow_notes", "partial_amplitudes", "partial_sound"]

LEAD_S, TAIL_S = 0.03, 0.3  # of a note's time before its onset and after its end
FRAME_S = 0.008  # between amplitudes, nearly, as `STEP_S` between pitches: whole samples
PITCH_WINDOW_S, WINDOW_S = 0.04, 0.08
PASSES_S = (0.012, 0.008, 0.006)  # smoothing of each
HARMONICS, CLEAR_HZ = 12, 30.0
SETTLED_S = 0.02  # after its onset a note's phases are its own
STILL_S = 0.15  # other notes are near so long after their end
FARTHEST = 0.03  # of the pitch: a phase that says more says nothing
LEAST_TRUST, FEWEST = 1e-2, 8  # of the mean weight; points
TOP_HZ = 16_000.0
RIDGE = 0.02


@dataclasses.dataclass(frozen=True)
class Followed:
    """One note's pitch over the time it may sound in.

    Attributes:
        first: sample.
        pitch_hz: [points] from there on, every `step` samples.
        step: samples.
        phase: [samples] radians of its first harmonic, 0 at `first`.
    """

    first: int
    pitch_hz: Float
    step: int
    phase: Float

    @property
    def last(self) -> int:
        """Sample after the last."""
        return self.first + len(self.phase)

    def at(self, samples: ArrayLike) -> Float:
        """[samples] Hz at samples of the recording, held before and after."""
        place = (np.asarray(samples, float) - self.first) / self.step
        found: Float = np.interp(place, np.arange(len(self.pitch_hz)), self.pitch_hz)
        return found


@dataclasses.dataclass(frozen=True)
class Cells:
    """Every partial of every note in every frame, by frame, then by frequency.

    Attributes:
        note: [cells] index.
        number: of its harmonic, from 1 on.
        frame: index.
        freq_hz: there.
        turned: e^{j·phase} there.
        amplitude: complex, of `Re A·e^{j·phase}`.
        hop: samples from frame to frame, the first at 0.
    """

    note: NDArray[np.intp]
    number: NDArray[np.intp]
    frame: NDArray[np.intp]
    freq_hz: Float
    turned: Complex
    amplitude: Complex
    hop: int


def follow_notes(signal: Float, sample_rate: float, notes: list[VoiceNote]) -> list[Followed]:
    """The pitch of every note over time; straight where no harmonic of it is clear of others.

    Args:
        signal: [samples].
        sample_rate: Hz.
        notes: with their pitches known within a quarter tone.
    """
    return [_follow(signal, sample_rate, note, notes) for note in notes]


def _follow(signal: Float, sample_rate: float, note: VoiceNote, notes: list[VoiceNote]) -> Followed:
    step = round(STEP_S * sample_rate)
    first = max(0, note.onset - round(LEAD_S * sample_rate))
    again = [n.onset for n in notes if n.onset > note.onset and note.is_again(n)]
    last = min([len(signal), note.end + round(TAIL_S * sample_rate), *again])
    part = signal[first : max(last, note.end)]
    points = (len(part) - 1) // step + 1
    at = first + step * np.arange(points)
    number = np.arange(1, HARMONICS + 1)
    number = number[number * note.pitch_hz < 0.45 * sample_rate]
    clear = np.ones((len(number), points), bool)
    clear &= (at >= note.onset + SETTLED_S * sample_rate) & (at <= note.end)
    for other in notes:
        if other is note:
            continue
        near = ~clear_of(note.pitch_hz * number.astype(float), [other.pitch_hz], CLEAR_HZ)
        begins = other.onset - LEAD_S * sample_rate
        ends = other.end + STILL_S * sample_rate
        clear[np.ix_(near, (at > begins) & (at < ends))] = False
    track = np.full(points, note.pitch_hz)
    total = np.zeros(points)
    window = _window(PITCH_WINDOW_S, sample_rate)
    seconds = step / sample_rate
    for smoothing_s in PASSES_S:
        found = _turned_down(
            part, _phase(track, step, len(part), sample_rate), len(number), step, window
        )
        turn = found[:, 2:] * found[:, :-2].conj()
        off = np.angle(turn) / (4.0 * np.pi * seconds) / number[:, None]
        weight = np.abs(turn) * number[:, None] ** 2 * clear[:, 1:-1]
        weight[np.abs(off) > FARTHEST * note.pitch_hz] = 0.0
        total = np.pad(weight.sum(axis=0), 1)
        if not total.any():
            break
        sigma = smoothing_s / seconds
        trust = gaussian_filter1d(total[1:-1], sigma) + 1e-3 * total.mean()
        moved = gaussian_filter1d(np.sum(weight * off, axis=0), sigma) / trust
        track = track + np.pad(moved, 1, mode="edge")
    sure = total > LEAST_TRUST * total.mean()
    if np.count_nonzero(sure) < FEWEST:
        track = np.full(points, note.pitch_hz)
    else:
        track = np.interp(at, at[sure], track[sure])
    return Followed(first, track, step, _phase(track, step, len(part), sample_rate))


def partial_amplitudes(
    signal: Float, sample_rate: float, followed: list[Followed], modes: int
) -> Cells:
    """The amplitudes of all notes' harmonics, every 8 ms.

    Args:
        signal: [samples].
        sample_rate: Hz.
        followed: the notes, at least one.
        modes: at most so many harmonics each.
    """
    window = _window(WINDOW_S, sample_rate)
    cells = _by_frame(
        [
            _seen(signal, sample_rate, index, own, modes, window)
            for index, own in enumerate(followed)
        ]
    )
    amplitude = np.zeros(len(cells.note), complex)
    starts = np.searchsorted(cells.frame, np.arange(int(cells.frame[-1]) + 2))
    seconds = (len(window) + 1) / sample_rate
    for first, last in itertools.pairwise(starts.tolist()):
        if first == last:
            continue
        here = slice(first, last)
        freq_hz, turned = cells.freq_hz[here], cells.turned[here]
        leaks = _leak(freq_hz[:, None] - freq_hz, seconds) + RIDGE * np.eye(last - first)
        amplitude[here] = np.linalg.solve(leaks, cells.amplitude[here] * turned) * turned.conj()
    return dataclasses.replace(cells, amplitude=amplitude)


def _seen(
    signal: Float, sample_rate: float, index: int, own: Followed, modes: int, window: Float
) -> Cells:
    """The partials of one note as each is seen through the window, what leaks into it included."""
    hop = round(FRAME_S * sample_rate)
    frames = np.arange(-(-own.first // hop), (own.last - 1) // hop + 1)
    at = frames * hop
    count = max(1, min(modes, int(min(TOP_HZ, 0.45 * sample_rate) / float(own.pitch_hz.max()))))
    number = np.arange(1, count + 1)
    begin = max(0, (int(at[0]) - len(window)) // hop * hop)
    end = min(len(signal), own.last + len(window))
    phase = _extended(own, begin, end, sample_rate)
    seen = _turned_down(signal[begin:end], phase, count, hop, window)[:, frames - begin // hop]
    return Cells(
        np.full(seen.size, index),
        np.repeat(number, len(frames)),
        np.tile(frames, count),
        np.outer(number, own.at(at)).ravel(),
        np.exp(1j * np.outer(number, phase[at - begin])).ravel(),
        seen.ravel(),
        hop,
    )


def _by_frame(notes: list[Cells]) -> Cells:
    """All notes' cells, by frame, then by frequency."""
    note, number, frame = (
        np.concatenate([getattr(cells, name) for cells in notes])
        for name in ("note", "number", "frame")
    )
    freq_hz = np.concatenate([cells.freq_hz for cells in notes])
    turned = np.concatenate([cells.turned for cells in notes])
    amplitude = np.concatenate([cells.amplitude for cells in notes])
    order = np.lexsort((freq_hz, frame))
    return Cells(
        note[order], number[order], frame[order],
        freq_hz[order], turned[order], amplitude[order], notes[0].hop,
    )  # fmt: skip


def partial_sound(
    followed: Followed, frames: NDArray[np.intp], amplitude: Complex, hop: int
) -> Float:
    """[samples] from `followed.first` on, of harmonics whose amplitudes lie on frames.

    Args:
        followed: the note.
        frames: [frames] indices.
        amplitude: [harmonics, frames].
        hop: samples from frame to frame.
    """
    place = (followed.first + np.arange(len(followed.phase))) / hop - frames[0]
    points = np.arange(len(frames))
    base = np.exp(1j * followed.phase)
    turned = np.ones(len(base), complex)
    sound = np.zeros(len(base))
    for own in amplitude:
        turned = turned * base
        level = np.interp(place, points, own.real) + 1j * np.interp(place, points, own.imag)
        sound += (level * turned).real
    return sound


def _window(seconds: float, sample_rate: float) -> Float:
    """A Hann window of an odd number of samples that sums to 1."""
    window = np.hanning(2 * (round(seconds * sample_rate) // 2) + 3)[1:-1]
    scaled: Float = window / window.sum()
    return scaled


def _turned_down(part: Float, phase: Float, count: int, hop: int, window: Float) -> Complex:
    """[count, points] the first harmonics under a window around every `hop` samples."""
    half = len(window) // 2
    lead = -half % hop
    points = (len(part) - 1) // hop + 1
    base = np.exp(-1j * phase)
    turned = 2.0 * part.astype(complex)
    found = np.empty((count, points), complex)
    for index in range(count):
        turned = turned * base
        padded = np.concatenate([np.zeros(lead, complex), turned])
        every = upfirdn(window, padded, 1, hop)
        skipped = (half + lead) // hop
        found[index] = every[skipped : skipped + points]
    return found


def _phase(track: Float, step: int, length: int, sample_rate: float) -> Float:
    """[length] radians, 0 at the first sample, of a pitch given every `step` samples."""
    hz = np.interp(np.arange(length) / step, np.arange(len(track)), track)
    turn: Float = np.concatenate([[0.0], np.cumsum(0.5 * (hz[1:] + hz[:-1]))])
    return 2.0 * np.pi / sample_rate * turn


def _extended(own: Followed, begin: int, end: int, sample_rate: float) -> Float:
    """[end − begin] phase of a note, straight on before and after it."""
    turn = 2.0 * np.pi / sample_rate
    before = -turn * own.pitch_hz[0] * np.arange(own.first - begin, 0, -1)
    after = own.phase[-1] + turn * own.pitch_hz[-1] * np.arange(1, end - own.last + 1)
    return np.concatenate([before, own.phase[max(0, begin - own.first) :], after])


def _leak(away_hz: Float, seconds: float) -> Float:
    """Spectrum of a Hann window, 1 at 0 Hz."""
    x = np.abs(away_hz) * seconds
    x = np.where(np.abs(x - 1.0) < 1e-6, 1.0 + 1e-6, x)
    leak: Float = np.sinc(x) / (1.0 - x**2)
    return leak
