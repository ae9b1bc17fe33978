"""A plain matching pursuit (Mallat and Zhang 1993), as a peer: windowed cosines at five scales.

It stands in for MPTK, which no package client offers. An atom is w(t)·cos(2π·k·t/n + φ), its window
w either a Gaussian or a damped exponential with a short rise; each pick takes the atom that removes
most energy at its best phase, and only correlations that the pick touched are computed again. Being
greedy, the first picks of a long pursuit are those of a short one. Five numbers say an atom: when,
how long, its frequency, amplitude and phase.
"""

import dataclasses
import functools
import pathlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peer import Answer, answer_all
from scipy.fft import rfft

Float = NDArray[np.float64]
VALUES_PER_ATOM = 5
SIZES = {"gabor": (128, 512, 2_048, 8_192, 32_768), "damped": (512, 2_048, 8_192, 32_768, 65_536)}
HOPS_PER_SIZE = 4
OVERLAP = 0.5  # of an atom with its own mirror image in frequency; above it phases are ambiguous
FRAMES_AT_ONCE = 1_024
RATES = (50, 200)  # atoms per second


def window(kind: str, size: int) -> Float:
    """[size] of unit energy."""
    age = np.arange(size)
    if kind == "gabor":
        shape = np.exp(-18.0 * ((age + 0.5) / size - 0.5) ** 2)
    else:
        rise = min(size // 32, 64)
        shape = np.exp(-6.0 * age / size) * np.minimum(1.0, (age + 1.0) / rise)
    unit: Float = shape / np.linalg.norm(shape)
    return unit


@dataclasses.dataclass
class Scale:
    """Atoms of one length: for every frame the best bin and what it would remove."""

    shape: Float
    hop: int
    mirror: NDArray[np.complex128]
    gain: Float
    place: NDArray[np.intp]

    @classmethod
    def of(cls, kind: str, size: int, samples: int) -> "Scale":
        """No correlation is known yet."""
        shape = window(kind, size)
        hop = size // HOPS_PER_SIZE
        frames = (samples - size) // hop + 1
        mirror = np.fft.fft(shape**2)[2 * np.arange(size // 2 + 1) % size]
        return cls(shape, hop, mirror, np.zeros(frames), np.zeros(frames, np.intp))

    def spectrum(self, residual: Float, first: int, last: int) -> NDArray[np.complex64]:
        """[frames, bins] correlations with the residual; single precision chooses well enough."""
        size = len(self.shape)
        part = residual[first * self.hop : (last - 1) * self.hop + size]
        frames = np.lib.stride_tricks.sliding_window_view(part, size)[:: self.hop]
        return np.asarray(rfft(frames.astype(np.float32) * self.shape.astype(np.float32), axis=1))

    def refresh(self, residual: Float, first: int, last: int) -> None:
        """Compute frames [first, last) again; a pick removes 2(|C|² − Re(ρ C*²))/(1 − |ρ|²)."""
        clear = np.abs(self.mirror) < OVERLAP
        scale = np.where(clear, 2.0 / (1.0 - np.minimum(np.abs(self.mirror), OVERLAP) ** 2), 0.0)
        for begin in range(first, last, FRAMES_AT_ONCE):
            end = min(last, begin + FRAMES_AT_ONCE)
            c = self.spectrum(residual, begin, end)
            gain = scale * (np.abs(c) ** 2 - (self.mirror * np.conj(c) ** 2).real)
            best = gain.argmax(axis=1)
            self.place[begin:end] = best
            self.gain[begin:end] = gain[np.arange(end - begin), best]

    def touched(self, first: int, size: int) -> tuple[int, int]:
        """Frames that reach into samples [first, first + size)."""
        begin = max(0, (first - len(self.shape)) // self.hop + 1)
        return begin, min(len(self.gain), (first + size - 1) // self.hop + 1)

    def take(self, residual: Float, frame: int) -> tuple[int, int]:
        """Subtract the best atom of a frame; where it began and how long it was."""
        size, first = len(self.shape), frame * self.hop
        k = int(self.place[frame])
        atom = self.shape * np.exp(2j * np.pi * k / size * np.arange(size))
        c, rho = np.vdot(atom, residual[first : first + size]), self.mirror[k]
        b = (c - rho * np.conj(c)) / (1.0 - np.abs(rho) ** 2)
        residual[first : first + size] -= 2.0 * (b * atom).real
        return first, size


def pursue(signal: Float, kind: str, counts: list[int]) -> list[tuple[Float, float]]:
    """The sums of the first so many atoms, each with the seconds of processor time it took.

    Args:
        signal: [samples].
        kind: "gabor" or "damped".
        counts: ascending, all different.
    """
    began = time.process_time()
    margin = max(SIZES[kind])
    residual = np.pad(signal, margin)
    scales = [Scale.of(kind, size, len(residual)) for size in SIZES[kind]]
    for scale in scales:
        scale.refresh(residual, 0, len(scale.gain))
    made = []
    for number in range(1, counts[-1] + 1):
        scale = max(scales, key=lambda scale: float(scale.gain.max()))
        first, size = scale.take(residual, int(scale.gain.argmax()))
        for other in scales:
            other.refresh(residual, *other.touched(first, size))
        if number in counts:
            found = signal - residual[margin : margin + len(signal)]
            made.append((found, time.process_time() - began))
    return made


def answers(kind: str, signal: Any, rate: int, path: pathlib.Path) -> Mapping[str, Answer]:
    counts = [max(1, round(len(signal) / rate * per_s)) for per_s in RATES]
    made = pursue(signal, kind, counts)
    return {
        f"mp-{kind}-{per_s}": Answer(sound, VALUES_PER_ATOM * count, count, seconds=seconds)
        for per_s, count, (sound, seconds) in zip(RATES, counts, made, strict=True)
    }


if __name__ == "__main__":
    answer_all({f"mp-{kind}": functools.partial(answers, kind) for kind in SIZES})
