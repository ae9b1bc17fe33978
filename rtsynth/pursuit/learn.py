"""Atoms learned from a sound: pick, then turn each atom towards what its picks have in common.

Per atom one sweep of K-SVD (Aharon, Elad and Bruckstein 2006) with phases: its picks are put back,
and the leading singular vector of their segments, seen analytically, is found by the power method:
`g ← Σ conj(b_i) z_i` is the sum of the segments turned to a common phase. Thread: worker.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtsynth.dsp.pursuit import add_atom
from rtsynth.errors import ValueRangeError
from rtsynth.pursuit.atoms import Atoms, analytic
from rtsynth.pursuit.picks import Picks, render
from rtsynth.pursuit.pursue import pursue

__all__ = ["learn_atoms"]

POWER_STEPS = 8
MOST_ROUNDS = 1_000

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]


def learn_atoms(
    signal: ArrayLike,
    atoms: Atoms,
    rounds: int = 8,
    seed: int = 0,
    picks: int = 256,
    until_db: float = -40.0,
    hop: int | None = None,
) -> Atoms:
    """Atoms that explain a sound with fewer picks.

    Args:
        signal: [samples], one channel.
        atoms: to begin with.
        rounds: of picking and turning, 0 … 1000.
        seed: of the segments that replace atoms nobody picked.
        picks: as in `pursue`, per round.
        until_db: as in `pursue`.
        hop: as in `pursue`.

    Raises:
        ValueRangeError: as in `pursue`, or `rounds` out of range.
    """
    if not 0 <= rounds <= MOST_ROUNDS:
        raise ValueRangeError(f"rounds = {rounds}; legal: 0 … {MOST_ROUNDS}", field="rounds")
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        found = pursue(signal, atoms, picks, until_db, hop=hop)
        if len(found) == 0:
            return atoms
        sound = np.asarray(signal, float)
        residual = sound - render(found, atoms, len(sound))
        atoms = Atoms(_turned(residual, atoms, found, rng))
    return atoms


def _turned(residual: Float, atoms: Atoms, picks: Picks, rng: np.random.Generator) -> Complex:
    """[atoms, samples] every atom after its step; the residual follows, in place."""
    waves = atoms.waveform.copy()
    for k in range(len(waves)):
        own = picks.take(picks.atom == k)
        if len(own) == 0:
            waves[k] = _replacement(residual, atoms.length, rng, waves[k])
            continue
        for shift, amplitude in zip(own.shift, own.amplitude, strict=True):
            add_atom(residual, waves[k], shift, amplitude)
        segments = np.array([residual[n : n + atoms.length] for n in own.shift])
        waves[k], amplitudes = _power(analytic(segments.astype(complex)), own.amplitude, waves[k])
        for shift, amplitude in zip(own.shift, amplitudes, strict=True):
            add_atom(residual, waves[k], shift, -amplitude)
    return waves


def _power(segments: Complex, amplitude: Complex, wave: Complex) -> tuple[Complex, Complex]:
    """The unit waveform [samples] nearest all segments in their own phases, and its amplitudes."""
    for _ in range(POWER_STEPS):
        turned = amplitude.conj() @ segments
        norm = float(np.linalg.norm(turned))
        if norm <= 0.0:
            break
        wave = turned / norm
        amplitude = segments @ wave.conj()
    return wave, amplitude


def _replacement(residual: Float, length: int, rng: np.random.Generator, old: Complex) -> Complex:
    """One of the louder stretches of what is left, analytic and faded at both ends."""
    starts = rng.integers(0, len(residual) - length + 1, 16)
    energy = [float(np.sum(residual[n : n + length] ** 2)) for n in starts]
    start = int(starts[int(np.argmax(energy))])
    wave = analytic((residual[start : start + length] * np.hanning(length)).astype(complex))
    norm = float(np.linalg.norm(wave))
    return wave / norm if norm > 0.0 else old
